//! `cargo weft sign --rules`: one signature more for what a change alters of the rules.

use std::fs;

use serde_json::json;
use weft_gate::rule::{Alteration, FILE, ROLE, Rule};
use weft_verify::envelope::{Envelope, IN_TOTO};

use super::{SignArgs, demand_role, open};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report::human;
use crate::source::revision::{Revision, short};
use crate::source::{evidence, files, rules, workspace};

/// Signs what the work tree changes of the base's rules.
pub(super) fn sign(args: &SignArgs, base: &str) -> Result<ExitStatus, Error> {
    let root = workspace::root(None)?;
    let base = Revision::read(&root, base)?;
    rules::bring(&base)?;
    base.demand_root(&workspace::find_manifest(None)?)?;
    let commit = short(&base.commit);
    let roles = evidence::roles(base.root()).map_err(|why| {
        Error::usage(
            format!("the roles of {commit}: {why}"),
            "name a base whose roles are in force",
        )
    })?;
    let roles = roles.ok_or_else(|| {
        Error::usage(format!("{commit} has no roles that could approve anything"), ROLES_HELP)
    })?;
    roles.requirement(ROLE).map_err(Error::rejected("the roles of the base"))?;
    let (alteration, approvals) = rules::alteration(base.root(), &root, &base.project())?;
    if alteration.changed.is_empty() {
        return Err(Error::usage(
            format!("no rule is another than in {commit}"),
            "there is nothing to approve; or name another --base",
        ));
    }
    let unfit = |why: String| {
        Error::usage(terminal(&why), "put a file in its place, and look at what it says")
    };
    let statement = alteration.statement().map_err(unfit)?;
    let mut envelope = match &args.output {
        Some(path) => open(path, &statement)?,
        None => match &approvals.head {
            // The tree may be somebody else's, so no link is followed to it.
            Some(Rule::Unreadable(why)) => {
                let help = "take it away, or name an --output";
                return Err(Error::usage(format!("{FILE} {why}"), help));
            }
            // It is that of an earlier change.
            Some(Rule::Read(_)) if approvals.head == approvals.base => {
                let payload = statement.to_vec().map_err(|e| Error::Bug(e.to_string()))?;
                Envelope::new(IN_TOTO, payload)
            }
            Some(Rule::Read(_)) | None => open(&root.join(FILE), &statement)?,
        },
    };
    // Shown before the passphrase is asked for, so that nobody signs what they have not seen.
    anstream::eprint!("{}", describe(&alteration, commit));
    let key = args.passphrase.unlock(&args.key)?;
    demand_role(&roles, &key, ROLE)?;
    key.endorse(&mut envelope);
    let shown = match &args.output {
        Some(path) => {
            files::write_output(path, &envelope.to_vec())?;
            path.display().to_string()
        }
        None => {
            fs::create_dir_all(root.join(FOLDER)).map_err(|source| Error::File {
                action: "write",
                path: FOLDER.to_owned(),
                source,
            })?;
            files::replace(&root.join(FILE), &envelope.to_vec())?;
            FILE.to_owned()
        }
    };
    let count = envelope.signatures().len();
    let changed: Vec<&str> = alteration.changed.iter().map(|change| &*change.file).collect();
    args.format.print(
        format!("signed for {ROLE} in {} ({count} signatures)\n", terminal(&shown)),
        &json!({
            "changed": changed,
            "key": key.public().id(),
            "role": ROLE,
            "written": [{"bundle": shown, "signatures": count}],
        }),
    )?;
    Ok(ExitStatus::Passed)
}

/// The folder of the approval.
const FOLDER: &str = ".weft";

const ROLES_HELP: &str =
    "begin them with `cargo weft role init`, give keys the role `rules`, and merge that";

fn describe(alteration: &Alteration, base: &str) -> String {
    let mut out = format!("rules that are not as in {base}:\n");
    for change in &alteration.changed {
        out += &format!("  {}: {}\n", terminal(&change.file), terminal(&change.what));
        for (name, state) in [("old", &change.old), ("new", &change.new)] {
            out += &format!("    {name}: {}\n", terminal(&human::state(state)));
        }
    }
    out
}
