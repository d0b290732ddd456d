//! Writing barriers into `weft.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use weft_gate::check::barrier;
use weft_gate::inventory::Inventory;
use weft_gate::policy::{Barrier, parse_layer};

use super::edit::{Dropped, stays};
use super::show::words;
use super::{PlanArgs, Report};
use crate::command::facts::Loaded;
use crate::error::Error;
use crate::source::files;

/// Writes the barriers that the command line drops by, or else those of the plan.
///
/// What the plan would drop is not among them, since a person has not chosen it.
pub(super) fn apply(
    args: &PlanArgs,
    loaded: &Loaded,
    inventory: &Inventory,
    report: &mut Report,
) -> Result<(), Error> {
    demand_leaving(args, inventory)?;
    let mut facts = loaded.facts.clone();
    let barriers = match args.drop.is_empty() {
        true => report.proposals(),
        false => args.drop.iter().map(drop).collect(),
    };
    let mut new: Vec<Barrier> = Vec::new();
    for barrier in barriers {
        let standing = facts.policy.barriers.iter().chain(&new);
        match standing.into_iter().any(|other| is_same(other, &barrier)) {
            true => report.already += 1,
            false => new.push(barrier),
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    facts.policy.barriers.extend_from_slice(&new);
    for barrier in &new {
        if !barrier::violations(&facts, inventory, barrier).is_empty() {
            report.until_edited.push(words(barrier));
        }
        report.applied.push(format!("{} {}", barrier.kind(), barrier.name()));
        report.not_evaluated.extend(barrier::unknown(&facts, inventory, barrier));
    }
    report.copied = write(&policy_file(args, loaded)?, &loaded.facts.policy.barriers, &new)?;
    Ok(())
}

/// Refuses a barrier that would be violated for good, because the edit leaves the crate in the graph.
fn demand_leaving(args: &PlanArgs, inventory: &Inventory) -> Result<(), Error> {
    for dropped in args.drop.iter().filter(|dropped| dropped.feature.is_none()) {
        let needed_by = stays(inventory, &dropped.name, &args.drop);
        if !needed_by.is_empty() {
            let shown = dropped.name.escape_debug();
            return Err(Error::usage(
                format!("{shown} stays after the edit, since {} needs it", needed_by.join(", ")),
                "leave --apply out for the edit alone; a barrier that keeps it away would never hold",
            ));
        }
    }
    Ok(())
}

fn drop(Dropped { name, feature }: &Dropped) -> Barrier {
    let reason = "it was dropped to lower the expected loss".to_owned();
    Barrier::Drop { name: name.clone(), feature: feature.clone(), reason }
}

/// Says whether two barriers do the same, whatever for.
fn is_same(a: &Barrier, b: &Barrier) -> bool {
    let fields = |barrier: &Barrier| {
        let mut fields = toml::Table::try_from(barrier).ok()?;
        fields.remove("reason");
        Some(fields)
    };
    fields(a) == fields(b)
}

/// The largest policy that is edited, in bytes.
const MAX_POLICY: usize = 1 << 20;

/// Returns the file that barriers are written into.
fn policy_file(args: &PlanArgs, loaded: &Loaded) -> Result<PathBuf, Error> {
    match args.selection.policy.as_deref() {
        None => Ok(loaded.root.join("weft.toml")),
        Some(path) if Path::new(path).is_file() => Ok(PathBuf::from(path)),
        Some(profile) => Err(Error::usage(
            format!("barriers cannot be written into the profile `{profile}`"),
            "name a policy file, or leave --policy out",
        )),
    }
}

/// Adds barriers to a policy, and returns how many of those that it had from below had to be written with them.
fn write(path: &Path, inherited: &[Barrier], barriers: &[Barrier]) -> Result<u64, Error> {
    const FILE: &str = "weft.toml";
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new(".")).canonicalize();
    let directory = directory.map_err(|source| Error::File {
        action: "read",
        path: FILE.to_owned(),
        source,
    })?;
    let path = &directory.join(path.file_name().unwrap_or(FILE.as_ref()));
    let standing = path.symlink_metadata().ok();
    if standing.as_ref().is_some_and(fs::Metadata::is_symlink) {
        return Err(Error::usage(
            format!("{FILE} is a symbolic link"),
            "name the file that it leads to with --policy",
        ));
    }
    let permissions = standing.map(|metadata| metadata.permissions());
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(Error::usage(
            format!("{FILE} may not be written to"),
            "let its owner write it",
        ));
    }
    let text = match files::read_inside(&directory, path, MAX_POLICY) {
        Ok(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(None) => "schema = 1\nprofile = \"local\"\n".to_owned(),
        Err(refusal) => return Err(Error::usage(format!("{FILE} {refusal}"), "correct it first")),
    };
    // The mark at the beginning and the ends of lines stay what they are.
    let (mark, plain) = match text.strip_prefix('\u{feff}') {
        Some(plain) => ("\u{feff}", plain),
        None => ("", &*text),
    };
    let has_returns = plain.contains("\r\n");
    let mut document: DocumentMut = plain
        .parse()
        .map_err(|_| Error::usage(format!("{FILE} cannot be edited"), "correct it first"))?;
    // A list takes the place of those below it.
    let copied = if document.contains_key("barrier") { &[][..] } else { inherited };
    let list = document.entry("barrier").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let list = list.as_array_of_tables_mut().ok_or_else(|| {
        Error::usage(
            format!("{FILE} holds its barriers in an inline array"),
            "write each as a table `[[barrier]]`",
        )
    })?;
    for barrier in copied.iter().chain(barriers) {
        list.push(entry(barrier)?);
    }
    let mut text = document.to_string();
    if has_returns {
        text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    text.insert_str(0, mark);
    // What would not be read again is not written.
    parse_layer(FILE, text.as_bytes())
        .map_err(|diagnostic| Error::Config { diagnostic, text: text.clone() })?;
    files::replace(path, text.as_bytes())?;
    if let Some(permissions) = permissions {
        fs::set_permissions(path, permissions).map_err(|source| Error::File {
            action: "write",
            path: FILE.to_owned(),
            source,
        })?;
    }
    Ok(copied.len() as u64)
}

/// The keys that come first in a barrier.
const FIRST: [&str; 4] = ["kind", "crate", "crates", "version"];

/// Writes a barrier as a table: what it is about first, and why last.
fn entry(barrier: &Barrier) -> Result<Table, Error> {
    let bug = |e: &dyn std::fmt::Display| Error::Bug(e.to_string());
    let fields = toml::Table::try_from(barrier).map_err(|e| bug(&e))?;
    let rank = |key: &str| match FIRST.iter().position(|first| *first == key) {
        Some(rank) => rank,
        None if key == "reason" => FIRST.len() + 1,
        None => FIRST.len(),
    };
    let mut fields: Vec<(String, toml::Value)> = fields.into_iter().collect();
    // Stable, so that the others keep their order.
    fields.sort_by_key(|(key, _)| rank(key));
    let mut table = Table::new();
    for (key, field) in fields {
        let written: toml_edit::Value = field.to_string().parse().map_err(|e| bug(&e))?;
        table[&key] = value(written);
    }
    Ok(table)
}
