//! Finds out who vouches for packages that barriers name: reviews that a role signed, cargo-vet's audits, and
//! attestations of their archives.
//!
//! What is signed counts wherever it lies, so it is read of the work tree; whose signatures and audits count is a rule,
//! and is read where rules are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;
use weft_gate::Diagnostic;
use weft_gate::facts::{Input, Known};
use weft_gate::input::audits::{self, Audits, MAX_AUDITS};
use weft_gate::input::publishers::MAX_IMPORTS;
use weft_gate::inventory::Inventory;
use weft_gate::place::SourceText;
use weft_gate::policy::{Barrier, Policy, ProvenancePolicy};
use weft_gate::provenance::bundle::{self, Bundle};
use weft_gate::provenance::sigstore::Trust;
use weft_gate::provenance::statement::{SLSA_V0_2, SLSA_V1};
use weft_gate::provenance::{Subject, judge};
use weft_gate::vouch::{Attested, Signed, Vouched};
use weft_verify::Sha256;
use weft_verify::digest::Artifact;
use weft_verify::envelope::Envelope;
use weft_verify::predicate::{ROLE_SIGNATURE, RoleSignature};
use weft_verify::role::Roles;
use weft_verify::statement::Statement;

use super::evidence::{self, moment};
use super::files;
use super::publishers::Files;

/// Where attestations of packages lie, below the workspace root.
pub const ATTESTATIONS: &str = ".weft/attestations";

/// The audits of the project, and those of others, with who reads each and how much of it.
pub const AUDITS: [(&str, Reader, usize); 2] = [
    ("supply-chain/audits.toml", audits::own, MAX_AUDITS),
    ("supply-chain/imports.lock", audits::imported, MAX_IMPORTS),
];

/// Reads audits.
pub type Reader = fn(&str, &[u8]) -> Result<Audits, Diagnostic>;

/// The largest trusted root that is read, in bytes.
pub const MAX_TRUST: usize = 4 << 20;

/// The largest review that is read, in bytes.
const MAX_REVIEW: usize = 1 << 20;

/// The most files of attestations.
const MAX_FILES: usize = 1_000;

/// The most bytes of attestations, or of reviews, that are read in all.
pub const MAX_TOTAL: usize = 64 << 20;

const IN_THE_TREE: &str = "lies in the tree that is judged, where a change can alter it";

/// Who vouches for packages, and the files that say so.
#[derive(Debug)]
pub struct Loaded {
    /// What is known.
    pub vouched: Vouched,
    /// The files that say whose word counts.
    pub rules: Vec<Input>,
    /// The files that are signed.
    pub signed: Vec<Input>,
    /// What lies where reviews and attestations do and is not read, each with the reason: whoever needs one is without.
    pub unread: Vec<String>,
}

/// Asks for what the policy's barriers ask for; nothing if none does.
///
/// `tree` is the work tree, and canonical.
pub fn load(
    policy: &Policy,
    inventory: &Inventory,
    tree: &Path,
    files: Files<'_>,
    as_of: Date,
) -> Option<Loaded> {
    let asked = Asked::of(policy)?;
    let mut found = Found::default();
    let vouched = Vouched {
        attested: known(attested(&asked, inventory, tree, files, &mut found)),
        audits: known(audits(&asked, files, &mut found.rules)),
        signed: known(reviews(&asked, inventory, tree, files, as_of, &mut found)),
    };
    let Found { rules, signed, unread } = found;
    Some(Loaded { vouched, rules, signed, unread })
}

/// What was read to find out, and what was not.
#[derive(Default)]
struct Found {
    rules: Vec<Input>,
    signed: Vec<Input>,
    unread: Vec<String>,
}

fn known<T>(found: Result<T, String>) -> Known<T> {
    match found {
        Ok(found) => Known::Value(found),
        Err(reason) => Known::Unknown(reason),
    }
}

/// What barriers ask for.
#[derive(Default)]
struct Asked<'a> {
    /// The crates that are to be attested, and how.
    attested: Vec<(&'a str, &'a ProvenancePolicy)>,
    /// The crates whose audits count.
    audited: BTreeSet<&'a str>,
    /// The crates, and the roles that may review them.
    reviewed: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Asked<'a> {
    fn of(policy: &'a Policy) -> Option<Self> {
        let mut asked = Self::default();
        for barrier in &policy.barriers {
            match barrier {
                Barrier::Attest { name, provenance, .. } => {
                    asked.attested.push((name, provenance));
                }
                Barrier::Review { name, criteria, role, .. } => {
                    asked.audited.extend(criteria.as_ref().map(|_| &**name));
                    asked.reviewed.extend(role.iter().map(|role| (&**name, &**role)));
                }
                Barrier::Drop { .. }
                | Barrier::Fork { .. }
                | Barrier::Pin { .. }
                | Barrier::Region { .. }
                | Barrier::Seal { .. }
                | Barrier::Vendor { .. }
                | Barrier::Window { .. } => {}
            }
        }
        let is_none =
            asked.attested.is_empty() && asked.audited.is_empty() && asked.reviewed.is_empty();
        (!is_none).then_some(asked)
    }
}

/// Reads the audits of the named crates.
fn audits(asked: &Asked<'_>, files: Files<'_>, inputs: &mut Vec<Input>) -> Result<Audits, String> {
    let mut all = Audits::new();
    if asked.audited.is_empty() {
        return Ok(all);
    }
    let Files::Below(root) = files else { return Err(format!("what was audited {IN_THE_TREE}")) };
    for (name, read, limit) in AUDITS {
        let bytes = files::read_inside(root, &root.join(name), limit);
        let Some(bytes) = bytes.map_err(|refusal| format!("{name} {refusal}"))? else { continue };
        inputs.push(Input { name: name.to_owned(), sha256: Sha256::of(&bytes) });
        let read = read(name, &bytes).map_err(|fault| placed(&fault, &bytes))?;
        let named = read.into_iter().filter(|(name, _)| asked.audited.contains(&**name));
        for (name, audits) in named {
            all.entry(name).or_default().extend(audits);
        }
    }
    Ok(all)
}

/// Tells a fault with its line.
fn placed(fault: &Diagnostic, bytes: &[u8]) -> String {
    let line =
        fault.span.clone().zip(std::str::from_utf8(bytes).ok()).map(|(span, text)| {
            format!(":{}", SourceText::new(&fault.file, text).place(span).line)
        });
    format!("{}{}: {}", fault.file, line.unwrap_or_default(), fault.message)
}

/// Finds the archives of named crates that enough keys of a role signed.
fn reviews(
    asked: &Asked<'_>,
    inventory: &Inventory,
    tree: &Path,
    files: Files<'_>,
    as_of: Date,
    found: &mut Found,
) -> Result<Vec<Signed>, String> {
    let mut signed = Vec::new();
    if asked.reviewed.is_empty() {
        return Ok(signed);
    }
    let Files::Below(root) = files else { return Err(format!("who may review {IN_THE_TREE}")) };
    let Some(roles) = evidence::roles(root)? else { return Ok(signed) };
    let (names, unread) = evidence::list(tree);
    found.unread.extend(unread.iter().map(|u| format!("{} is not read: {}", u.file, u.reason)));
    let mut wanted = BTreeMap::<Sha256, BTreeSet<&str>>::new();
    for (checksum, name) in archives(inventory) {
        let roles = asked.reviewed.iter().filter(|(of, _)| *of == name).map(|(_, role)| *role);
        wanted.entry(checksum).or_default().extend(roles);
    }
    wanted.retain(|_, roles| !roles.is_empty());
    for name in names {
        let path = tree.join(&name);
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            continue;
        }
        // What is no review, whatever it is instead, leaves a package that needs one without.
        let Ok(bytes) = files::read_bounded(&path, MAX_REVIEW) else { continue };
        let reviews = review(&bytes, &roles, &wanted, as_of);
        if !reviews.is_empty() {
            found.signed.push(Input { name, sha256: Sha256::of(&bytes) });
        }
        signed.extend(reviews);
    }
    signed.sort();
    signed.dedup();
    Ok(signed)
}

/// Returns which of the wanted archives a file says that a role vouches for.
fn review(
    bytes: &[u8],
    roles: &Roles,
    wanted: &BTreeMap<Sha256, BTreeSet<&str>>,
    as_of: Date,
) -> Vec<Signed> {
    let read = || {
        let envelope = Envelope::from_slice(bytes).ok()?;
        let statement = Statement::from_slice(envelope.unverified_payload()).ok()?;
        statement.demand_predicate(ROLE_SIGNATURE).ok()?;
        Some((envelope, statement))
    };
    let Some((envelope, statement)) = read() else { return Vec::new() };
    let is_signed = |role: &str| {
        let Ok(requirement) = roles.requirement(role) else { return false };
        RoleSignature::demand(&statement.predicate, role).is_ok()
            && envelope.verify(roles.authority(), &requirement, moment(as_of)).is_ok()
    };
    let subjects = statement.subject.iter();
    let subjects = subjects.filter_map(|subject| subject.digest.get("sha256")?.parse().ok());
    let mut signed = Vec::new();
    for subject in subjects {
        for role in wanted.get(&subject).into_iter().flatten() {
            if is_signed(role) {
                signed.push(Signed { role: (*role).to_owned(), subject });
            }
        }
    }
    signed
}

/// Lists the archives of packages from elsewhere.
fn archives(inventory: &Inventory) -> impl Iterator<Item = (Sha256, &str)> {
    let present = inventory.present_externals().into_iter();
    present.filter_map(|index| {
        let package = inventory.package(index);
        Some((package.checksum?, &*package.name))
    })
}

/// Finds the archives whose provenance is what barriers expect.
fn attested(
    asked: &Asked<'_>,
    inventory: &Inventory,
    tree: &Path,
    files: Files<'_>,
    found: &mut Found,
) -> Result<Vec<Attested>, String> {
    let mut attested = Vec::new();
    let mut wanted = Vec::new();
    for (name, expected) in &asked.attested {
        let archives = archives(inventory).filter(|(_, of)| of == name);
        wanted.extend(archives.map(|(checksum, _)| (checksum, *expected)));
    }
    if wanted.is_empty() {
        return Ok(attested);
    }
    let mut trusts = BTreeMap::new();
    for (_, expected) in &wanted {
        let name = expected.trusted_root.as_deref().unwrap_or("public-good");
        if !trusts.contains_key(name) {
            trusts.insert(name, trust(name, files, &mut found.rules)?);
        }
    }
    for (file, bytes) in attestations(tree, &mut found.unread) {
        let before = attested.len();
        for part in bundle::split(&bytes).into_iter().flatten() {
            for (subject, expected) in &wanted {
                let root = expected.trusted_root.as_deref().unwrap_or("public-good");
                if speaks_of(&part, *subject)
                    && is_proven(&part, *subject, &trusts[root], expected)?
                {
                    attested.push(Attested { expected: (*expected).clone(), subject: *subject });
                }
            }
        }
        if attested.len() > before {
            found.signed.push(Input { name: file, sha256: Sha256::of(&bytes) });
        }
    }
    attested.sort_by_key(|attested| attested.subject);
    attested.dedup();
    Ok(attested)
}

/// Loads whom to trust: a root that is built in, or a file where rules are.
fn trust(name: &str, files: Files<'_>, rules: &mut Vec<Input>) -> Result<Trust, String> {
    if let Some(trust) = Trust::embedded(name) {
        return Ok(trust);
    }
    let shown = name.escape_debug();
    let Files::Below(root) = files else {
        return Err(format!("the trusted root `{shown}` {IN_THE_TREE}"));
    };
    let bytes = files::read_inside(root, &root.join(name), MAX_TRUST);
    let bytes = bytes.map_err(|refusal| format!("the trusted root `{shown}` {refusal}"))?;
    let bytes = bytes.ok_or_else(|| format!("the trusted root `{shown}` is not there"))?;
    rules.push(Input { name: name.to_owned(), sha256: Sha256::of(&bytes) });
    Trust::from_json(name, &bytes).map_err(|refusal| format!("`{shown}`: {refusal}"))
}

/// Says whether a bundle names an archive at all, which is quicker than proving what it says.
fn speaks_of(part: &[u8], subject: Sha256) -> bool {
    let digits = subject.to_string();
    let Ok(bundle) = Bundle::parse(part) else { return false };
    bundle.payload().is_some_and(|(_, payload)| {
        payload.windows(digits.len()).any(|window| window.eq_ignore_ascii_case(digits.as_bytes()))
    })
}

fn is_proven(
    part: &[u8],
    subject: Sha256,
    trust: &Trust,
    expected: &ProvenancePolicy,
) -> Result<bool, String> {
    let expected = expected.expectation()?;
    let artifact = Artifact::named(&format!("sha256:{subject}")).map_err(|e| e.to_string())?;
    let (_, proven) = judge(part, &Subject::Digest(&artifact), trust, &expected);
    let statement = proven.and_then(|proven| proven.statement);
    Ok(statement.is_some_and(|s| [SLSA_V1, SLSA_V0_2].contains(&&*s.predicate_type)))
}

/// Reads the files of attestations, sorted by name; none where there is no such directory.
fn attestations(tree: &Path, unread: &mut Vec<String>) -> Vec<(String, Vec<u8>)> {
    let folder = tree.join(ATTESTATIONS);
    let mut left_out = |what: &str, reason: &dyn std::fmt::Display| {
        unread.push(format!("{} is not read: {reason}", what.escape_debug()));
    };
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(_) if folder.symlink_metadata().is_err() => return Vec::new(),
        Err(e) => {
            left_out(ATTESTATIONS, &e.kind());
            return Vec::new();
        }
    };
    let mut names = Vec::new();
    for entry in entries.take(MAX_FILES + 1) {
        match entry {
            Ok(entry) => {
                names.push(format!("{ATTESTATIONS}/{}", entry.file_name().to_string_lossy()))
            }
            Err(e) => left_out(ATTESTATIONS, &e.kind()),
        }
    }
    if names.len() > MAX_FILES {
        left_out(ATTESTATIONS, &format!("it holds more than {MAX_FILES} files"));
        return Vec::new();
    }
    names.sort();
    let (mut read, mut left) = (Vec::new(), MAX_TOTAL);
    for name in names {
        match files::read_inside(tree, &tree.join(&name), left) {
            Ok(Some(bytes)) => {
                left -= bytes.len();
                read.push((name, bytes));
            }
            Ok(None) => left_out(&name, &"it is gone"),
            Err(refusal) => left_out(&name, &refusal),
        }
    }
    read
}
