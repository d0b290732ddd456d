//! Reads the rules of a workspace: the one list of files that say how its changes are judged.
//!
//! These are the policy, the files that it builds on and those whose word it takes, the exemptions, the roles with their
//! committed versions, and claims maps where they differ in the documents that are looked at.
//! Entries of claims maps are left out: the gate compares them with the base's one by one, and knows who approves that.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use weft_gate::facts::Input;
use weft_gate::input::publishers::MAX_SNAPSHOT;
use weft_gate::policy::{Barrier, Policy};
use weft_gate::rule::{self, Alteration, Approvals, Rule, Rules, Side};
use weft_verify::Sha256;

use super::revision::Revision;
use super::vouchers::AUDITS;
use super::{evidence, exemptions, files, policy, promises};
use crate::error::Error;

/// The roles file, below the workspace root.
const ROLES: &str = ".weft/roles.toml";

/// The folder of the committed versions of the roles.
const VERSIONS: &str = ".weft/roles";

/// The largest file of rules that is read, in bytes: a snapshot of publishers is the largest of them.
const MAX_RULE: usize = MAX_SNAPSHOT;

/// The most committed versions that are read.
const MAX_VERSIONS: usize = 10_000;

/// Brings the files of a commit that its own policy consults.
///
/// # Errors
///
/// Those of [`Revision::bring`].
pub fn bring(revision: &Revision) -> Result<(), Error> {
    let Ok(loaded) = policy::load(None, revision.root()) else { return Ok(()) };
    for name in consulted(&loaded.effective.policy) {
        revision.bring(&name, MAX_RULE)?;
    }
    Ok(())
}

/// Compares the rules of two workspaces; `project` is where both lie below the top of the repository.
///
/// # Errors
///
/// A folder of rules that cannot be listed.
pub fn alteration(
    base: &Path,
    head: &Path,
    project: &str,
) -> Result<(Alteration, Approvals), Error> {
    let (base, head) = (canonical(base)?, canonical(head)?);
    let (mut before, mut after) = (side(&base)?, side(&head)?);
    let mut maps = promises::maps(&base)?;
    maps.extend(promises::maps(&head)?);
    for map in maps {
        let (old, new) = (state(&base, &map), state(&head, &map));
        let is_unreadable = matches!(new, Some(Rule::Unreadable(_)));
        if is_unreadable || documents(&map, old.as_ref()) != documents(&map, new.as_ref()) {
            before.extend(old.map(|old| (map.clone(), old)));
            after.extend(new.map(|new| (map.clone(), new)));
        }
    }
    let approval = |root: &Path| read(root, rule::FILE, rule::MAX_BYTES);
    let approvals = Approvals { base: approval(&base), head: approval(&head) };
    Ok((Alteration::between(&before, &after, &approvals, project), approvals))
}

/// What changes of the rules, and the file of the approval, if there is one.
pub struct Found {
    /// What changes, and who approved it.
    pub rules: Rules,
    /// The approval.
    pub input: Option<Input>,
}

/// Says what changes of the rules between two workspaces, and whether the base's quorum approved it; `None` if nothing
/// changes.
///
/// # Errors
///
/// Those of [`alteration`].
pub fn changed(
    base: &Path,
    head: &Path,
    project: &str,
    as_of: Date,
) -> Result<Option<Found>, Error> {
    let (alteration, approvals) = alteration(base, head, project)?;
    if alteration.changed.is_empty() {
        return Ok(None);
    }
    let roles = evidence::roles(base);
    let roles = roles.as_ref().map(Option::as_deref).map_err(Clone::clone);
    let approval = alteration
        .approval(roles, approvals.head.as_ref(), evidence::moment(as_of))
        .map_err(|e| Error::Bug(e.to_string()))?;
    let input = match approvals.head {
        Some(Rule::Read(bytes)) => {
            Some(Input { name: rule::FILE.to_owned(), sha256: Sha256::of(&bytes) })
        }
        Some(Rule::Unreadable(_)) | None => None,
    };
    let rules = Rules { approval, changed: alteration.changed };
    Ok(Some(Found { rules, input }))
}

/// Reads the rules of a workspace, but for claims maps.
fn side(root: &Path) -> Result<Side, Error> {
    let mut side = Side::new();
    let mut names = vec![exemptions::FILE.to_owned(), ROLES.to_owned()];
    names.extend(versions(root)?);
    let policy = match state(root, policy::FILE) {
        Some(Rule::Read(bytes)) => match policy::load(None, root) {
            Ok(loaded) => {
                names.extend(consulted(&loaded.effective.policy));
                names.extend(loaded.inputs.into_iter().map(|input| input.name));
                Some(Rule::Read(bytes))
            }
            Err(_) => Some(Rule::Unreadable("does not make a policy".to_owned())),
        },
        other => other,
    };
    side.extend(policy.map(|policy| (policy::FILE.to_owned(), policy)));
    for name in names {
        if !side.contains_key(&name)
            && let Some(rule) = state(root, &name)
        {
            side.insert(name, rule);
        }
    }
    Ok(side)
}

/// Lists the files whose word a policy takes: who publishes, what was audited, whom attestations are trusted by.
fn consulted(policy: &Policy) -> Vec<String> {
    let mut names = Vec::new();
    if !policy.publishers.snapshot.is_empty() {
        names.push(policy.publishers.snapshot.clone());
    }
    for barrier in &policy.barriers {
        match barrier {
            Barrier::Attest { provenance, .. } => names.extend(provenance.trusted_root.clone()),
            Barrier::Review { criteria: Some(_), .. } => {
                names.extend(AUDITS.iter().map(|(name, ..)| (*name).to_owned()));
            }
            _ => {}
        }
    }
    names
}

/// Lists the committed versions of the roles.
fn versions(root: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::File { action: "read", path: VERSIONS.to_owned(), source };
    let entries = match std::fs::read_dir(root.join(VERSIONS)) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(source) => return Err(failed(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        match entry.map_err(failed)?.file_name().to_str() {
            Some(name) if name.ends_with(".json") => names.push(format!("{VERSIONS}/{name}")),
            _ => {}
        }
        if names.len() > MAX_VERSIONS {
            return Err(Error::usage(
                format!("there are more than {MAX_VERSIONS} versions in {VERSIONS}"),
                "begin the roles anew",
            ));
        }
    }
    Ok(names)
}

/// Returns the patterns of a claims map; none if it is not there, and an empty list if it says nothing that is read.
fn documents(name: &str, rule: Option<&Rule>) -> Option<Vec<String>> {
    match rule? {
        Rule::Read(bytes) => {
            let map = weft_gate::input::claims::parse(name, bytes);
            Some(map.map_or_else(|_| Vec::new(), |map| map.documents))
        }
        Rule::Unreadable(_) => Some(Vec::new()),
    }
}

/// Reads a file of rules; `None` if there is none.
fn state(root: &Path, name: &str) -> Option<Rule> {
    read(root, name, MAX_RULE)
}

/// Reads a regular file that no symbolic link leads to; `None` if there is none.
fn read(root: &Path, name: &str, limit: usize) -> Option<Rule> {
    let unreadable = |why: String| Some(Rule::Unreadable(why));
    let mut path = root.to_owned();
    for part in Path::new(name).components() {
        path.push(part);
        match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                return unreadable("is reached by a symbolic link".to_owned());
            }
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return None;
            }
            Err(e) => return unreadable(format!("cannot be read: {}", e.kind())),
        }
    }
    match files::read_inside(root, &path, limit) {
        Ok(Some(bytes)) => Some(Rule::Read(bytes)),
        Ok(None) => None,
        Err(refusal) => unreadable(refusal.to_string()),
    }
}

fn canonical(root: &Path) -> Result<PathBuf, Error> {
    root.canonicalize().map_err(|source| Error::File {
        action: "read",
        path: root.display().to_string(),
        source,
    })
}
