//! The update itself: fetch, compare with what is there, write.

use std::path::Path;

use serde_json::{Value, json};
use weft_gate::provenance::sigstore::{EMBEDDED, Trust};

use super::UpdateArgs;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::online::tuf::{
    Failure, Fetched, MAX_ROOT, MAX_TARGET, Repository, State, Versions,
};
use crate::source::roles::read;

pub(in crate::command::trust) fn run(args: &UpdateArgs) -> Result<ExitStatus, Error> {
    let as_of = crate::command::as_of(args.as_of)?;
    let repository = repository(args)?;
    if !args.online {
        return Err(Error::usage(
            format!(
                "it would connect to {}, and connections are opened on request alone",
                repository.url()
            ),
            "add --online",
        ));
    }
    let old = old(&args.output)?;
    let before = State::beside(&args.output, &repository)?;
    let fetched = repository.fetch(&before, as_of).and_then(|fetched| {
        let new = accepted(&fetched, old.as_ref())?;
        Ok((fetched, new))
    });
    let (fetched, new) = match fetched {
        Ok(fetched) => fetched,
        Err(Failure::Error(error)) => return Err(*error),
        Err(Failure::Refused(why)) => return refused(args, &repository, &why),
    };
    fetched.state.write(&before, &args.output, &fetched.trusted_root)?;
    let is_same = old.is_some_and(|old| old.sha256() == new.sha256());
    let word = if is_same { "unchanged" } else { "updated" };
    let newest = new.newest().unwrap_or_default();
    let versions = fetched.state.versions();
    let file = terminal(&args.output.display().to_string());
    let human = format!(
        "{word}\n  {file}: sha256:{}, not older than {newest}\n  from {}: {}\n  next: --trusted-root {file}\n",
        new.sha256(),
        repository.url(),
        described(versions),
    );
    let json = json!({
        "file": args.output.display().to_string(),
        "newest": new.newest(),
        "result": word,
        "schema": 1,
        "sha256": new.sha256(),
        "url": repository.url(),
        "versions": versions,
    });
    args.format.print(human, &json)?;
    Ok(ExitStatus::Passed)
}

fn repository(args: &UpdateArgs) -> Result<Repository, Error> {
    if let (Some(url), Some(root)) = (&args.url, &args.initial_root) {
        return Repository::elsewhere(url, read(root, MAX_ROOT)?);
    }
    let name = args.root.as_deref().unwrap_or("public-good");
    let known = EMBEDDED.iter().find(|(known, _)| *known == name);
    let (_, instance) = known.ok_or_else(|| Error::Bug(format!("no instance {name}")))?;
    Repository::of(*instance)
}

/// Reads the trusted root that is there, which has to be one: no other file is replaced.
fn old(output: &Path) -> Result<Option<Trust>, Error> {
    if output.symlink_metadata().is_err() {
        return Ok(None);
    }
    let shown = output.display().to_string();
    let old = Trust::from_json(&shown, &read(output, MAX_TARGET)?);
    old.map(Some).map_err(|why| {
        Error::usage(
            format!("{shown} is there, and no trusted root: {why}"),
            "name another --output",
        )
    })
}

/// Demands that what was fetched is a trusted root that can be used, and not older than the one that is there.
fn accepted(fetched: &Fetched, old: Option<&Trust>) -> Result<Trust, Failure> {
    let new = Trust::from_json("new", &fetched.trusted_root);
    let new = new.map_err(|why| Failure::Refused(why.to_string()))?;
    match old {
        Some(old) if new.newest() < old.newest() => {
            let day = |trust: &Trust| trust.newest().unwrap_or_else(|| "no day".to_owned());
            Err(Failure::Refused(format!(
                "the trusted root is older than the one that is there: {} and {}",
                day(&new),
                day(old)
            )))
        }
        _ => Ok(new),
    }
}

fn refused(args: &UpdateArgs, repository: &Repository, why: &str) -> Result<ExitStatus, Error> {
    let human = format!(
        "refused\n  from {}: {}\n  nothing was written\n  next: ask who runs the repository; what is there stays in use\n",
        repository.url(),
        terminal(why)
    );
    let json = json!({
        "file": args.output.display().to_string(),
        "reason": why,
        "result": "refused",
        "schema": 1,
        "url": repository.url(),
        "versions": Value::Null,
    });
    args.format.print(human, &json)?;
    Ok(ExitStatus::Failed)
}

fn described(versions: Versions) -> String {
    let Versions { root, timestamp, snapshot, targets } = versions;
    format!("root {root}, timestamp {timestamp}, snapshot {snapshot}, targets {targets}")
}
