//! Reads evidence: the records in `.weft/evidence`, and who signed them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use weft_gate::claim::{Claims, Evidence, Promises, Unread};
use weft_gate::evidence::{Attested, Held, PREDICATE, Record};
use weft_gate::facts::{Input, Known};
use weft_verify::envelope::Envelope;
use weft_verify::role::Roles;
use weft_verify::statement::Statement;
use weft_verify::{AsOf, Rejection, Sha256, Verified};

use super::files;
use super::roles::Place;
use super::sources::{self, EVIDENCE};

/// The role whose keys sign records.
pub const ROLE: &str = "evidence";

/// The largest file of evidence that is read, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// The most files of evidence.
const MAX_FILES: usize = 100_000;

/// Adds evidence to promises: records, statements of others, and the digests they are compared with.
///
/// `rules` is the root whose roles are obeyed: that of the base, where there is one.
pub fn claims(
    root: &Path,
    rules: &Path,
    as_of: Date,
    head: Promises,
    base: Option<Promises>,
    inputs: &mut Vec<Input>,
) -> Claims {
    let (names, mut unread) = list(root);
    let roles = roles(rules);
    if let Err(reason) = &roles {
        unread.push(Unread { file: ".weft/roles.toml".to_owned(), reason: reason.clone() });
    }
    let roles = roles.ok().flatten();
    let wanted = wanted(&head);
    let read = |name: &String| (name.clone(), read(root, name, roles.as_ref(), as_of, &wanted));
    let read: Vec<_> = names.par_iter().map(read).collect();
    let (mut records, mut attested) = (Vec::new(), Vec::new());
    for (file, found) in read {
        match found {
            Ok(found) => {
                inputs.push(Input { name: file, sha256: found.sha256 });
                records.extend(found.record);
                attested.extend(found.attested);
            }
            Err(reason) => unread.push(Unread { file, reason }),
        }
    }
    records.sort_by(|a: &Held, b| (a.sha256, &a.file).cmp(&(b.sha256, &b.file)));
    attested.sort();
    attested.dedup();
    unread.sort();
    let sources = match sources::read(root) {
        Ok(sources) => Known::Value(sources.sha256),
        Err(reason) => Known::Unknown(reason),
    };
    let files = digests(root, &records);
    Claims { attested, base, files, head, records, sources, unread }
}

/// Lists the files of evidence, sorted.
pub fn list(root: &Path) -> (Vec<String>, Vec<Unread>) {
    let folder = root.join(EVIDENCE);
    let failed = |reason: String| (Vec::new(), vec![Unread { file: EVIDENCE.to_owned(), reason }]);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(_) if folder.symlink_metadata().is_err() => return (Vec::new(), Vec::new()),
        Err(e) => return failed(e.to_string()),
    };
    if !folder.canonicalize().is_ok_and(|folder| folder.starts_with(root)) {
        return failed("it leads out of the tree, so it is not read".to_owned());
    }
    let mut names = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => names.push(format!("{EVIDENCE}/{}", entry.file_name().to_string_lossy())),
            Err(e) => return failed(e.to_string()),
        }
        if names.len() > MAX_FILES {
            return failed(format!("there are more than {MAX_FILES} files"));
        }
    }
    names.sort();
    (names, Vec::new())
}

/// A file of evidence.
struct Found {
    attested: Vec<Attested>,
    record: Option<Held>,
    sha256: Sha256,
}

fn read(
    root: &Path,
    file: &str,
    roles: Option<&Verified<Roles>>,
    as_of: Date,
    wanted: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Found, String> {
    let path = root.join(file);
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        return Err("is a symbolic link, which is not followed".to_owned());
    }
    let bytes = files::read_bounded(&path, MAX_BYTES).map_err(|e| e.to_string())?;
    let sha256 = Sha256::of(&bytes);
    // Reading is most of the work, so what cannot be an envelope is not read as one.
    let member = b"\"payloadType\"";
    let may_be_signed = bytes.windows(member.len()).any(|window| window == member);
    let envelope = may_be_signed.then(|| Envelope::from_slice(&bytes).ok()).flatten();
    let payload = envelope.as_ref().map_or(&*bytes, Envelope::unverified_payload);
    let why = |rejection: Rejection| format!("{} ({})", rejection, rejection.code().name());
    let statement = Statement::from_slice(payload).map_err(why)?;
    let keys = |role: &str| -> u32 {
        let (Some(envelope), Some(roles)) = (&envelope, roles) else { return 0 };
        let Ok(requirement) = roles.requirement(role) else { return 0 };
        let verified = envelope.verify(roles.authority(), &requirement, moment(as_of));
        let counted = |v: &Verified<weft_verify::envelope::Payload>| {
            let tallies = v.tallies.iter();
            tallies.map(|tally| tally.counted.len()).min().unwrap_or(0)
        };
        verified.map_or(0, |v| u32::try_from(counted(&v)).unwrap_or(0))
    };
    if statement.predicate_type == PREDICATE {
        let record = Record::of(&statement).map_err(why)?;
        let held = Held {
            file: file.to_owned(),
            record,
            sha256: Sha256::of(payload),
            signed: keys(ROLE) > 0,
        };
        return Ok(Found { attested: Vec::new(), record: Some(held), sha256 });
    }
    let roles_of = wanted.get(&statement.predicate_type).into_iter().flatten();
    let subjects = statement.subject.iter();
    let subjects: Vec<Sha256> =
        subjects.filter_map(|s| s.digest.get("sha256")?.parse().ok()).collect();
    let attested = roles_of.map(|role| Attested {
        keys: keys(role),
        predicate: statement.predicate_type.clone(),
        role: role.clone(),
        subjects: subjects.clone(),
    });
    Ok(Found { attested: attested.filter(|a| a.keys > 0).collect(), record: None, sha256 })
}

/// Returns the roles that may attest each predicate that a contract, or its change, asks for.
fn wanted(head: &Promises) -> BTreeMap<String, BTreeSet<String>> {
    let mut wanted = BTreeMap::<String, BTreeSet<String>>::new();
    let approval = weft_gate::check::claim::APPROVAL.to_owned();
    wanted.entry(approval).or_default().insert("claims".to_owned());
    for evidence in head.claims.iter().flat_map(|claim| &claim.evidence) {
        if let Evidence::Attestation { predicate, role, .. } = evidence {
            wanted.entry(predicate.clone()).or_default().insert(role.clone());
        }
    }
    wanted
}

/// Returns the roles in force; `None` where there is no roles file.
///
/// # Errors
///
/// A sentence: there are roles, and they cannot be read.
pub fn roles(root: &Path) -> Result<Option<Verified<Roles>>, String> {
    let file = root.join(".weft/roles.toml");
    if file.symlink_metadata().is_err() {
        return Ok(None);
    }
    let place = Place::find(Some(&file)).map_err(|e| e.to_string())?;
    place.in_force(None).map(Some).map_err(|_| "these roles are not in force".to_owned())
}

/// Returns the beginning of a day, for which keys are judged.
pub fn moment(day: Date) -> AsOf {
    let second = day.to_zoned(TimeZone::UTC).map(|z| z.timestamp().as_second()).unwrap_or(0);
    AsOf::day_beginning(u64::try_from(second).unwrap_or(0))
}

/// Digests the files that records of sensitivity name.
fn digests(root: &Path, records: &[Held]) -> BTreeMap<String, Sha256> {
    let shown = records.iter().flat_map(|held| &held.record.results);
    let named = shown.filter_map(|shown| shown.mutants.as_ref()).flat_map(|m| m.files.keys());
    let named: BTreeSet<&String> = named.collect();
    let digest = |path: &&String| {
        let bytes = files::read_inside(root, &root.join(path.as_str()), MAX_BYTES).ok()??;
        Some(((*path).clone(), Sha256::of(&bytes)))
    };
    named.iter().filter_map(digest).collect()
}
