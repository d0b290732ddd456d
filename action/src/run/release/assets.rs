//! The files of a release, downloaded: artifacts, attestations, the manifest and its verdict.

use std::fs::File;
use std::path::{Path, PathBuf};

use cargo_weft::Error;
use cargo_weft::escape::terminal;
use serde_json::Value;
use weft_gate::provenance::bundle::{self, Bundle};
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

/// The largest file that is looked into, in bytes.
const MAX_READ: usize = bundle::MAX_FILE;

/// A directory for each kind of file.
pub(super) struct Shelf {
    assets: Vec<Asset>,
    root: PathBuf,
}

impl Shelf {
    /// Downloads every file and sorts it by what it is.
    ///
    /// # Errors
    ///
    /// A [`Failure`]; also of names that would be something else as a path.
    pub(super) fn fill(
        github: &GitHub,
        named: &[(u64, String, u64)],
        root: &Path,
    ) -> Result<Self, Failure> {
        let shelf = Self { assets: Vec::new(), root: root.to_owned() };
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
        shelf.sorted(named)
    }

    /// Moves what is no artifact to where it belongs.
    fn sorted(mut self, named: &[(u64, String, u64)]) -> Result<Self, Failure> {
        let is_there = |wanted: &str| named.iter().any(|(_, name, _)| name == wanted);
        let subjects = match is_there(MANIFEST) {
            true => subjects(&self.artifacts().join(MANIFEST)),
            false => Vec::new(),
        };
        for (id, name, size) in named {
            let path = self.artifacts().join(name);
            let bytes = std::fs::read(&path).map_err(|e| kept(&e))?;
            let is_attestation = *size <= MAX_READ as u64 && is_attestation(name, &bytes);
            let kind = match &**name {
                MANIFEST => "manifest",
                VERDICT => "verdict",
                // What the manifest names is an artifact, whatever else it is.
                _ if is_attestation && !subjects.contains(name) => "attestation",
                _ => "artifact",
            };
            let to = match kind {
                "manifest" | "verdict" => Some(self.other()),
                "attestation" => Some(self.evidence()),
                _ => None,
            };
            if let Some(to) = to {
                std::fs::rename(&path, to.join(name)).map_err(|e| kept(&e))?;
            } else if is_attestation {
                std::fs::write(self.evidence().join(name), &bytes).map_err(|e| kept(&e))?;
            }
            let sha256 = Sha256::of(&bytes);
            self.assets.push(Asset { id: *id, kind, name: name.clone(), sha256 });
        }
        self.assets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(self)
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
            let to = self.evidence().join(format!("given-{at:04}.json"));
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
            let path = format!("/attestations/sha256:{}?per_page=100", asset.sha256);
            let answer = match github.get(&path) {
                Ok(answer) => answer,
                Err(Failure::Denied(why)) if why.starts_with("status 404") => continue,
                Err(failure) => return Err(failure),
            };
            let found = answer.get("attestations").and_then(Value::as_array);
            for bundle in found.into_iter().flatten().filter_map(|found| found.get("bundle")) {
                count += 1;
                let to = self.evidence().join(format!("github-{count:04}.json"));
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

/// Says whether a file holds signed statements and nothing else.
fn is_attestation(name: &str, bytes: &[u8]) -> bool {
    let is_named = [".json", ".jsonl", ".sigstore"].iter().any(|ending| name.ends_with(ending));
    is_named
        && bundle::split(bytes).iter().all(|part| {
            let part = part.as_ref();
            part.is_ok_and(|p| Bundle::parse(p).is_ok() || Envelope::from_slice(p).is_ok())
        })
}

/// Demands a name that is a file's, here and everywhere.
fn demand_name(name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+~@ ".contains(c);
    let is_plain = !name.is_empty() && name.len() <= 200 && name.chars().all(fits);
    match is_plain && !name.starts_with('.') && !name.ends_with(['.', ' ']) {
        true => Ok(()),
        false => Err(Failure::Refused(format!("`{}` is no name of a file", terminal(name)))),
    }
}

fn kept(error: &std::io::Error) -> Failure {
    Failure::Fault(format!("a file of the release cannot be kept: {error}"))
}
