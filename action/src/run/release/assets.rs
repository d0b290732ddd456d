//! The files of a release, downloaded: artifacts, attestations, the manifest and its verdict.

use std::fs::File;
use std::path::{Path, PathBuf};

use cargo_weft::Error;
use cargo_weft::escape::terminal;
use serde_json::Value;
use weft_gate::provenance::bundle::{self, Bundle};
use weft_gate::release::Manifest;
use weft_verify::Sha256;
use weft_verify::envelope::Envelope;
use weft_verify::statement::Statement;

use crate::github::{Failure, GitHub};
use crate::report::release::Asset;

/// The name of the signed manifest, as `cargo weft release finish` writes it.
const MANIFEST: &str = "release.dsse.json";

/// The name of the verdict that it names, as `cargo weft release prepare` writes it.
const VERDICT: &str = "release.json.verdict.json";

/// The largest file, in bytes.
const MAX_ASSET: u64 = 2 << 30;

/// The largest release, in bytes.
const MAX_TOTAL: u64 = 8 << 30;

/// How many published releases are looked at for the one before.
const MOST_PREVIOUS: usize = 10;

/// The largest file that is looked into, in bytes.
const MAX_READ: usize = bundle::MAX_FILE;

/// A directory for each kind of file; no name of an asset has the `#` that other files are named with.
pub(super) struct Shelf {
    assets: Vec<Asset>,
    /// Number and name of each file that was downloaded and is not sorted yet.
    named: Vec<(u64, String)>,
    root: PathBuf,
}

/// What the workflow gives in place of files of the release.
pub(super) struct Given {
    pub(super) manifest: Option<Vec<u8>>,
    pub(super) verdict: Option<Vec<u8>>,
}

impl Shelf {
    /// Downloads every file, all of them as artifacts.
    ///
    /// # Errors
    ///
    /// A [`Failure`]; also of names that would be something else as a path.
    pub(super) fn fill(
        github: &GitHub,
        named: &[(u64, String, u64)],
        root: &Path,
    ) -> Result<Self, Failure> {
        let named_before = named.iter().map(|(id, name, _)| (*id, name.clone())).collect();
        let shelf = Self { assets: Vec::new(), named: named_before, root: root.to_owned() };
        let total = named.iter().fold(0_u64, |total, (_, _, size)| total.saturating_add(*size));
        if total > MAX_TOTAL {
            return Err(Failure::Refused(format!("the release is larger than {MAX_TOTAL} bytes")));
        }
        for directory in [shelf.root.clone(), shelf.artifacts(), shelf.evidence(), shelf.other()] {
            std::fs::create_dir(&directory).map_err(|e| kept(&e))?;
        }
        let mut seen = Vec::new();
        for (id, name, size) in named {
            demand_name(name)?;
            let folded = name.to_lowercase();
            if seen.contains(&folded) {
                let name = terminal(name);
                return Err(Failure::Refused(format!(
                    "`{name}` is there twice, as some systems see it"
                )));
            }
            seen.push(folded);
            let path = shelf.artifacts().join(name);
            let create = || File::create(&path).map_err(|e| kept(&e));
            let got = github.download(&format!("/releases/assets/{id}"), MAX_ASSET, create)?;
            if got != *size {
                return Err(Failure::Fault(format!(
                    "`{}` has {size} bytes, and {got} came",
                    terminal(name)
                )));
            }
        }
        Ok(shelf)
    }

    /// Moves what is no artifact to where it belongs.
    ///
    /// The manifest and its verdict are that only where the gate reads them: a name alone vouches for nothing.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub(super) fn sort(&mut self, reads_manifest: bool, given: &Given) -> Result<(), Failure> {
        let mut files = Vec::new();
        for (id, name) in std::mem::take(&mut self.named) {
            let path = self.artifacts().join(&name);
            let bytes = std::fs::read(&path).map_err(|e| kept(&e))?;
            let is_it =
                |given: &Option<Vec<u8>>| given.as_ref().is_none_or(|given| *given == bytes);
            let kind = match &*name {
                MANIFEST if reads_manifest && is_it(&given.manifest) => "manifest",
                VERDICT if reads_manifest && is_it(&given.verdict) => "verdict",
                _ => "artifact",
            };
            let sha256 = Sha256::of(&bytes);
            let about = match kind {
                "artifact" if bytes.len() <= MAX_READ => subjects_of_statements(&name, &bytes),
                _ => None,
            };
            files.push((Asset { id, kind, name, sha256 }, about));
        }
        let of_manifest = match files.iter().any(|(asset, _)| asset.kind == "manifest") {
            true => subjects(&self.artifacts().join(MANIFEST)),
            false => Vec::new(),
        };
        let others = files.iter().filter(|(_, about)| about.is_none());
        let digests: Vec<String> = others.map(|(asset, _)| asset.sha256.to_string()).collect();
        for (mut asset, about) in files {
            let path = self.artifacts().join(&asset.name);
            let is_about = about.is_some_and(|about| about.iter().any(|d| digests.contains(d)));
            let to = match asset.kind {
                "manifest" | "verdict" => self.other(),
                // What the manifest names is an artifact, whatever else it is.
                _ if is_about && of_manifest.contains(&asset.name) => {
                    let to = self.evidence().join(&asset.name);
                    std::fs::copy(&path, to).map_err(|e| kept(&e))?;
                    self.artifacts()
                }
                _ if is_about => {
                    asset.kind = "attestation";
                    self.evidence()
                }
                _ => self.artifacts(),
            };
            std::fs::rename(&path, to.join(&asset.name)).map_err(|e| kept(&e))?;
            self.assets.push(asset);
        }
        self.assets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }

    /// Downloads the manifest that this one has to follow: the one that it names, or else the newest published one.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub(super) fn fetch_previous(
        &self,
        github: &GitHub,
        release: u64,
        given: Option<&[u8]>,
    ) -> Result<Option<PathBuf>, Failure> {
        let own = match given {
            Some(bytes) => Some(bytes.to_vec()),
            None => std::fs::read(self.manifest()).ok(),
        };
        let named = own.as_deref().and_then(named_previous);
        let mut published = Vec::new();
        github.list("/releases", None, |other| {
            let is_public = other.get("draft").and_then(Value::as_bool) == Some(false);
            let is_other = other.get("id").and_then(Value::as_u64) != Some(release);
            let assets = other.get("assets").and_then(Value::as_array).into_iter().flatten();
            let mut manifests =
                assets.filter(|asset| asset.get("name").and_then(Value::as_str) == Some(MANIFEST));
            let id = manifests.next().and_then(|asset| asset.get("id")).and_then(Value::as_u64);
            published.extend(id.filter(|_| is_public && is_other));
            published.len() < MOST_PREVIOUS
        })?;
        let mut newest = None;
        for (at, id) in published.into_iter().enumerate() {
            let path = self.other().join(format!("previous-{at}.json"));
            let create = || File::create(&path).map_err(|e| kept(&e));
            github.download(&format!("/releases/assets/{id}"), MAX_READ as u64, create)?;
            let is_named = named.is_some_and(|named| digest(&path) == Some(named));
            if is_named || named.is_none() {
                return Ok(Some(path));
            }
            newest = newest.or(Some(path));
        }
        Ok(newest)
    }

    /// Adds the files of a directory to the attestations.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub(super) fn add_evidence(&self, directory: &Path) -> Result<(), Error> {
        let shown = directory.display().to_string();
        let failed = |action| {
            let path = shown.clone();
            move |source| Error::File { action, path, source }
        };
        for (at, entry) in std::fs::read_dir(directory).map_err(failed("read"))?.enumerate() {
            let path = entry.map_err(failed("read"))?.path();
            let bytes =
                cargo_weft::source::files::read_bounded(&path, MAX_READ).map_err(|refusal| {
                    Error::usage(
                        format!("{}: {refusal}", path.display()),
                        "let the directory of `evidence:` hold attestations alone",
                    )
                })?;
            let to = self.evidence().join(format!("given#{at:04}.json"));
            cargo_weft::source::files::create_whole(&to, &bytes)?;
        }
        Ok(())
    }

    /// Asks GitHub for attestations about the digest of each artifact.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub(super) fn fetch_attestations(&self, github: &GitHub) -> Result<(), Failure> {
        let mut count = 0;
        for asset in self.assets.iter().filter(|asset| asset.kind == "artifact") {
            let mut bundles = Vec::new();
            let path = format!("/attestations/sha256:{}", asset.sha256);
            let listed = github.list(&path, Some("attestations"), |mut found| {
                bundles.push(found.get_mut("bundle").map(Value::take).unwrap_or_default());
                true
            });
            match listed {
                Err(Failure::Absent(_)) => continue,
                listed => listed?,
            }
            for bundle in bundles {
                if !bundle.is_object() {
                    let name = terminal(&asset.name);
                    let why = format!("an attestation of `{name}` is kept elsewhere");
                    return Err(Failure::Refused(why));
                }
                count += 1;
                let to = self.evidence().join(format!("github#{count:04}.json"));
                std::fs::write(&to, bundle.to_string()).map_err(|e| kept(&e))?;
            }
        }
        Ok(())
    }

    pub(super) fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    pub(super) fn evidence(&self) -> PathBuf {
        self.root.join("evidence")
    }

    fn other(&self) -> PathBuf {
        self.root.join("other")
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.other().join(MANIFEST)
    }

    pub(super) fn verdict(&self) -> PathBuf {
        self.other().join(VERDICT)
    }

    pub(super) fn into_assets(self) -> Vec<Asset> {
        self.assets
    }
}

/// Returns the names of what a manifest is about, whoever signed it; none if it cannot be read.
fn subjects(path: &Path) -> Vec<String> {
    let envelope = cargo_weft::source::roles::envelope(path).ok();
    let statement = envelope.and_then(|e| Statement::from_slice(e.unverified_payload()).ok());
    statement.into_iter().flat_map(|s| s.subject).filter_map(|subject| subject.name).collect()
}

/// Returns the digest of the manifest that a manifest says it follows.
fn named_previous(bytes: &[u8]) -> Option<Sha256> {
    let envelope = Envelope::from_slice(bytes).ok()?;
    let statement = Statement::from_slice(envelope.unverified_payload()).ok()?;
    Manifest::of(&statement).ok()?.weft.previous
}

/// Returns the digest by which a signed manifest is named.
fn digest(path: &Path) -> Option<Sha256> {
    cargo_weft::source::release::signed(path).ok().map(|signed| signed.sha256)
}

/// Returns the SHA-256 digests of what a file is about that holds signed statements and nothing else: one, or one a line.
fn subjects_of_statements(name: &str, bytes: &[u8]) -> Option<Vec<String>> {
    [".json", ".jsonl", ".sigstore"].iter().find(|ending| name.ends_with(**ending))?;
    if let Some(subjects) = subjects_of_statement(bytes) {
        return Some(subjects);
    }
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let all: Option<Vec<Vec<String>>> = lines.map(subjects_of_statement).collect();
    all.filter(|all| !all.is_empty()).map(|all| all.concat())
}

/// Reads an envelope or a bundle in its closed shape; what is wrapped around one is something else.
fn subjects_of_statement(bytes: &[u8]) -> Option<Vec<String>> {
    let payload = match Envelope::from_slice(bytes) {
        Ok(envelope) => envelope.unverified_payload().to_vec(),
        Err(_) => Bundle::parse(bytes).ok()?.payload()?.1.to_vec(),
    };
    let statement = Statement::from_slice(&payload).ok()?;
    let digests = statement.subject.into_iter().flat_map(|subject| subject.digest);
    Some(digests.filter(|(name, _)| name == "sha256").map(|(_, digits)| digits).collect())
}

/// Demands a name that is a file's, here and everywhere.
fn demand_name(name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+~@ ".contains(c);
    let is_plain = !name.is_empty() && name.len() <= 200 && name.chars().all(fits);
    // Windows has devices of these names, whatever follows a dot.
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let is_device = ["con", "prn", "aux", "nul"].contains(&&*stem)
        || ["com", "lpt"].iter().any(|port| {
            stem.strip_prefix(port)
                .is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
        });
    match is_plain && !is_device && !name.starts_with('.') && !name.ends_with(['.', ' ']) {
        true => Ok(()),
        false => Err(Failure::Refused(format!("`{}` is no name of a file", terminal(name)))),
    }
}

fn kept(error: &std::io::Error) -> Failure {
    Failure::Fault(format!("a file of the release cannot be kept: {error}"))
}
