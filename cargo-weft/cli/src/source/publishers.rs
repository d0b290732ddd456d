//! Finds out who publishes packages: by a snapshot, by what cargo-vet wrote down, by the repository that manifests name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use sha2::{Digest, Sha256 as Hasher};
use weft_gate::facts::{Input, Known};
use weft_gate::input::dump;
use weft_gate::input::publishers::{self, MAX_IMPORTS, MAX_SNAPSHOT, Owner, Snapshot};
use weft_gate::inventory::{Inventory, Package, Source};
use weft_gate::policy::PublisherPolicy;
use weft_gate::publisher::{Basis, Publication, Publications, Publisher};
use weft_verify::Sha256;

use super::copies::{self, Copies};
use super::files;
use super::memory::Memory;
use crate::error::Error;

/// Where crates.io publishes its dump.
pub const URL: &str = "https://static.crates.io/db-dump.tar.gz";

/// What cargo-vet keeps of other projects and of crates.io.
const IMPORTS: &str = "supply-chain/imports.lock";

/// The version of how repositories are read of manifests; what an older one found is not asked.
const REPOSITORIES: u32 = 1;

/// Who publishes the packages of an inventory, and the files that say so.
#[derive(Debug)]
pub struct Loaded {
    /// What is known.
    pub publications: Known<Publications>,
    /// The files that were read.
    pub inputs: Vec<Input>,
}

/// Whose files say who publishes.
#[derive(Debug, Clone, Copy)]
pub enum Files<'a> {
    /// Those below this directory, which is canonical.
    Below(&'a Path),
    /// None: what is judged does not vouch for who publishes it.
    None,
}

/// Asks every source about the judged packages of an inventory.
///
/// `copies` says whether Cargo's copies are what is built; where not, manifests are known only as Cargo states them.
pub fn load(
    inventory: &Inventory,
    policy: &PublisherPolicy,
    files: Files<'_>,
    copies: bool,
) -> Loaded {
    let mut inputs = Vec::new();
    let publications = named(policy, files, &mut inputs).map(|(snapshot, vetted)| {
        let said = Said { snapshot, vetted, repositories: repositories(inventory, copies) };
        said.publications(inventory)
    });
    let publications = match publications {
        Ok(publications) => Known::Value(publications),
        Err(reason) => Known::Unknown(reason),
    };
    Loaded { publications, inputs }
}

type Vetted = BTreeMap<String, Vec<Publisher>>;

/// Reads the files that name publishers, as far as they are there.
fn named(
    policy: &PublisherPolicy,
    files: Files<'_>,
    inputs: &mut Vec<Input>,
) -> Result<(Option<Snapshot>, Vetted), String> {
    let root = match (files, &*policy.snapshot) {
        (Files::Below(root), _) => root,
        (Files::None, "") => return Ok((None, Vetted::new())),
        (Files::None, _) => {
            return Err("the snapshot of publishers lies in the tree, where a change can alter it"
                .to_owned());
        }
    };
    let mut read = |name: &str, limit: usize| -> Result<Option<Vec<u8>>, String> {
        let bytes = files::read_inside(root, &root.join(name), limit);
        let bytes = bytes.map_err(|refusal| format!("`{}` {refusal}", name.escape_debug()))?;
        inputs.extend(
            bytes.as_ref().map(|bytes| Input { name: name.to_owned(), sha256: Sha256::of(bytes) }),
        );
        Ok(bytes)
    };
    let snapshot = match &*policy.snapshot {
        "" => None,
        name => {
            let shown = name.escape_debug();
            let bytes = read(name, MAX_SNAPSHOT)?
                .ok_or(format!("the snapshot of publishers `{shown}` is not there"))?;
            let snapshot = Snapshot::from_canonical(&bytes);
            Some(snapshot.map_err(|why| format!("`{shown}` is no snapshot of publishers: {why}"))?)
        }
    };
    let vetted = match read(IMPORTS, MAX_IMPORTS)? {
        None => Vetted::new(),
        Some(bytes) => publishers::imports(IMPORTS, &bytes).map_err(|fault| fault.to_string())?,
    };
    Ok((snapshot, vetted))
}

/// Reads the repositories of judged packages from elsewhere, by package URL.
fn repositories(inventory: &Inventory, copies: bool) -> BTreeMap<String, String> {
    let copies = copies.then(|| Copies::of(inventory).ok()).flatten();
    let memory = Memory::of("repositories", REPOSITORIES);
    let repository = |package: &Package| -> Option<(String, String)> {
        let url = match (&package.source, &package.manifest) {
            // Where it comes from says more than what it says of itself.
            (Source::Git { url, .. }, _) => Some(url.clone()),
            (_, Some(manifest)) => manifest.repository.clone(),
            (_, None) => {
                let copy = copies.as_ref()?.find(package)?;
                memory.recall(package, || copies::manifest(&copy).ok()?.repository)
            }
        };
        Some((package.id.clone(), url?))
    };
    let judged = inventory.packages.par_iter().filter(|p| p.selected && !p.member);
    judged.filter_map(repository).collect()
}

/// What each source says.
struct Said {
    snapshot: Option<Snapshot>,
    vetted: Vetted,
    repositories: BTreeMap<String, String>,
}

impl Said {
    fn publications(self, inventory: &Inventory) -> Publications {
        let judged = inventory.packages.iter().filter(|p| p.selected && !p.member);
        let known = judged.filter_map(|p| Some((p.id.clone(), self.publication(p)?)));
        Publications { packages: known.collect(), snapshot: self.snapshot.map(|s| s.dump) }
    }

    /// Asks the best source that knows the package; the first two speak of crates.io alone.
    fn publication(&self, package: &Package) -> Option<Publication> {
        let is_there = package.source.is_crates_io() && package.patch.is_none();
        let owners = self.snapshot.iter().flat_map(|s| s.crates.get(&package.name)).flatten();
        let vetted = self.vetted.get(&package.name).into_iter().flatten().cloned();
        let by_name = || {
            let owners = Publication::of(Basis::Snapshot, owners.filter_map(Owner::publisher));
            owners.or_else(|| Publication::of(Basis::Vet, vetted))
        };
        let by_name = is_there.then(by_name).flatten();
        by_name.or_else(|| {
            let owner = Publisher::repository(self.repositories.get(&package.id)?)?;
            Publication::of(Basis::Repository, [owner])
        })
    }
}

/// Reads the owners of crates from a dump of crates.io's database.
///
/// # Errors
///
/// [`Error::Usage`], which says what is wrong with the dump.
pub fn snapshot(dump: &Path, names: Option<&BTreeSet<String>>) -> Result<Snapshot, Error> {
    let help = format!("a dump of crates.io is published at {URL}");
    let shown = dump.display();
    let file = File::open(dump);
    let file = file.map_err(|e| Error::usage(format!("{shown} cannot be read: {e}"), &*help))?;
    let hashed = Hashed::new(file);
    let digest = Arc::clone(&hashed.hasher);
    let sha256 = || {
        let hasher = digest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Sha256::from(<[u8; 32]>::from(hasher.finalize()))
    };
    dump::snapshot(hashed, names, sha256)
        .map_err(|why| Error::usage(format!("{shown} {why}"), help))
}

/// Takes the digest of what is read.
struct Hashed {
    inner: io::BufReader<File>,
    hasher: Arc<Mutex<Hasher>>,
}

impl Hashed {
    fn new(file: File) -> Self {
        Self { inner: io::BufReader::with_capacity(1 << 20, file), hasher: Arc::default() }
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut hasher = self.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        hasher.update(&buffer[..read]);
        Ok(read)
    }
}
