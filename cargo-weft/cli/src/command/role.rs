//! `cargo weft role`: who may sign for what, and how a change of that is signed.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;
use toml_edit::{Item, Table, value};
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::proposal::Proposal;
use weft_verify::role::{Roles, is_name, update};
use weft_verify::{AsOf, Rejection, Verified};

use super::Format;
use super::key::{current, draft_written, edit, public, tables};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::roles::{MAX_BYTES, Place, attestations_beside, envelope, read};
use crate::source::secret::PassphraseArgs;
use crate::source::{files, secret};

#[derive(Debug, Args)]
pub(super) struct RoleArgs {
    #[command(subcommand)]
    command: RoleCommand,
    /// The form of the output
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, global = true, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, global = true, value_name = "DAY")]
    as_of: Option<Date>,
}

#[derive(Debug, Subcommand)]
enum RoleCommand {
    /// Write .weft/roles.toml with one maintainer, as the draft of the first version
    Init {
        /// The name of the maintainer's key
        #[arg(long)]
        name: String,
        /// Its .pub file
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// A role that the key has beside `maintainer`; may be repeated
        #[arg(long, value_name = "NAME", default_value = "release")]
        role: Vec<String>,
    },
    /// Show the roles, and whether the file is in force
    Show,
    /// Propose the roles file as the next version
    Propose {
        /// Where the proposal goes; by default below .weft/proposals
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Sign a proposal
    Attest {
        /// The proposal
        proposal: PathBuf,
        /// The private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where the attestation goes; by default beside the proposal
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Put a proposal in force, once enough maintainers have signed it
    Commit {
        /// The proposal
        proposal: PathBuf,
        /// An attestation; by default all that lie beside the proposal
        #[arg(long, value_name = "FILE")]
        attestation: Vec<PathBuf>,
    },
    /// Add, remove or list witnesses of transparency logs
    Witness {
        #[command(subcommand)]
        command: WitnessCommand,
    },
}

#[derive(Debug, Subcommand)]
enum WitnessCommand {
    /// Add a witness by its verifier key, as a draft of the next roles
    Add {
        /// `name+hash+base64`
        vkey: String,
    },
    /// Remove a witness by its name, as a draft of the next roles
    Remove {
        /// The name in its verifier key
        name: String,
    },
    /// List the witnesses
    List,
}

pub(super) fn run(args: &RoleArgs) -> Result<ExitStatus, Error> {
    let place = Place::find(args.roles.as_deref())?;
    match &args.command {
        RoleCommand::Init { name, key, role } => {
            init(&place, name, key, role)?;
            draft_written(args.format, &place)?;
        }
        RoleCommand::Show => {
            let committed = place.committed(None)?;
            let roles = place.draft(committed.as_deref())?;
            let in_force = committed.as_ref().is_some_and(|c| c.digest() == roles.digest());
            let json =
                json!({"digest": roles.digest(), "in-force": in_force, "record": roles.record()});
            args.format.print(show(&roles, in_force), &json)?;
        }
        RoleCommand::Propose { output } => propose(args.format, &place, output.as_deref())?,
        RoleCommand::Attest { proposal, key, output, passphrase } => {
            let read = read_proposal(proposal)?;
            // Shown before the passphrase is asked for, so that nobody signs what they have not seen.
            let changes = changes(place.committed(None)?.as_deref(), &read)?;
            anstream::eprint!("{changes}");
            let mut attestation = Envelope::new(IN_TOTO, read.as_bytes().to_vec());
            let key = passphrase.unlock(key)?;
            key.endorse(&mut attestation);
            let id = key.public().id().to_string();
            let suffix = format!("{}.dsse.json", &id[..16]);
            let path = output.clone().unwrap_or_else(|| proposal.with_extension(suffix));
            files::write_output(&path, &attestation.to_vec())?;
            let shown = terminal(&path.display().to_string());
            let text = format!("attested {} in {shown}\n", read.digest());
            args.format.print(text, &json!({"digest": read.digest(), "key": id}))?;
        }
        RoleCommand::Commit { proposal, attestation } => {
            commit(args, &place, proposal, attestation)?;
        }
        RoleCommand::Witness { command } => witness(args.format, &place, command)?,
    }
    Ok(ExitStatus::Passed)
}

fn init(place: &Place, name: &str, key: &Path, roles: &[String]) -> Result<(), Error> {
    if place.file().symlink_metadata().is_ok() {
        let message = format!("{} is there already", place.file().display());
        return Err(Error::usage(message, "edit it, and have the change accepted"));
    }
    let public = public(key)?;
    let mut names = vec!["maintainer"];
    for role in roles {
        match is_name(role) {
            false => {
                let message = format!("`{}` is no name of a role", terminal(role));
                return Err(Error::usage(message, "use lower-case letters, digits and hyphens"));
            }
            true if names.contains(&&**role) => {}
            true => names.push(role),
        }
    }
    let tables: String =
        names.iter().map(|name| format!("[roles.{name}]\nthreshold = 1\n\n")).collect();
    let held: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let text = format!(
        "# Who may sign for what. A change takes effect once enough maintainers have signed it:\n\
         # `cargo weft role propose`, then `attest` by each of them, then `commit`.\n\
         schema = 1\nversion = 1\n\n\
         {tables}\
         [[keys]]\nname = \"{}\"\npublic = \"{public}\"\nroles = [{}]\n\n\
         [revocations]\nnumber = 0\n",
        name.escape_default(),
        held.join(", ")
    );
    let shown = place.file().display().to_string();
    weft_gate::input::roles::parse(&shown, text.as_bytes(), None)
        .map_err(|diagnostic| Error::Config { diagnostic, text: text.clone() })?;
    make_directory(place.directory())?;
    secret::create(place.file(), text.as_bytes(), 0o644)
}

fn make_directory(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::File {
        action: "make the directory",
        path: path.display().to_string(),
        source,
    })
}

fn show(roles: &Roles, in_force: bool) -> String {
    let record = roles.record();
    let state = if in_force { "in force" } else { "a draft, not in force" };
    let mut out = format!("version {}, {state}\ndigest {}\n", record.version, roles.digest());
    for (name, role) in &record.roles {
        let holders: Vec<&str> = record
            .keys
            .iter()
            .filter(|key| key.roles.contains(name))
            .map(|key| &*key.name)
            .collect();
        _ = writeln!(
            out,
            "{name}: {} of {}: {}",
            role.threshold,
            holders.len(),
            holders.join(", ")
        );
    }
    let freshness = &record.freshness;
    _ = writeln!(
        out,
        "revocations: number {}, {} keys; a routine action may be {} behind, a sensitive one {}, a release {}",
        record.revocations.number,
        record.revocations.keys.len(),
        freshness.routine,
        freshness.sensitive,
        freshness.release
    );
    _ = writeln!(out, "witnesses: {}", record.witnesses.len());
    out
}

fn propose(format: Format, place: &Place, output: Option<&Path>) -> Result<(), Error> {
    let committed = place.committed(None)?;
    let roles = place.draft(committed.as_deref())?;
    let what = place.file().display().to_string();
    update::follows(committed.as_deref(), &roles).map_err(Error::rejected(&what))?;
    let proposal =
        Proposal::new(update::proposal(&roles)).map_err(|e| Error::Bug(e.to_string()))?;
    let path = match output {
        Some(path) => path.to_owned(),
        None => {
            let directory = place.directory().join("proposals");
            make_directory(&directory)?;
            directory.join(format!("{}.json", proposal.digest()))
        }
    };
    files::write_output(&path, proposal.as_bytes())?;
    let shown = terminal(&path.display().to_string());
    let text = format!(
        "{}proposed {} in {shown}\n\
         next: `cargo weft role attest {shown} --key KEY`, by each maintainer who agrees\n",
        changes(committed.as_deref(), &proposal)?,
        proposal.digest()
    );
    format.print(text, &json!({"digest": proposal.digest(), "version": roles.record().version}))
}

fn read_proposal(path: &Path) -> Result<Proposal, Error> {
    let refused = Error::rejected(&path.display().to_string());
    Proposal::from_slice(&read(path, MAX_BYTES)?).map_err(refused)
}

/// Says what a proposal changes; without anything in force at hand, that is all it holds.
fn changes(current: Option<&Roles>, proposal: &Proposal) -> Result<String, Error> {
    let refused = Error::rejected("the proposal");
    let new = update::proposed(proposal.statement()).map_err(&refused)?;
    if current.is_some() {
        update::follows(current, &new).map_err(&refused)?;
    }
    let new = lines(&new);
    let old = current.map(lines).unwrap_or_default();
    let mut out = String::new();
    old.iter().filter(|line| !new.contains(line)).for_each(|line| _ = writeln!(out, "- {line}"));
    new.iter().filter(|line| !old.contains(line)).for_each(|line| _ = writeln!(out, "+ {line}"));
    Ok(out)
}

/// Everything in a record, a line each.
fn lines(roles: &Roles) -> Vec<String> {
    let record = roles.record();
    let mut lines = vec![format!("version {}", record.version)];
    lines
        .extend(record.roles.iter().map(|(name, role)| format!("role {name}: {}", role.threshold)));
    for key in &record.keys {
        let roles: Vec<&str> = key.roles.iter().map(String::as_str).collect();
        let window = (key.not_before, key.not_after);
        let bound = |bound: Option<u64>| bound.map_or("-".to_owned(), instant);
        let (from, to) = (bound(window.0), bound(window.1));
        lines.push(format!(
            "key {} {} for {} from {from} to {to}",
            key.name,
            key.public,
            roles.join(", ")
        ));
    }
    lines.extend(record.witnesses.iter().map(|w| format!("witness {}", terminal(&w.vkey))));
    lines.push(format!("revocation number {}", record.revocations.number));
    for revocation in &record.revocations.keys {
        let (key, reason) = (revocation.key, terminal(&revocation.reason));
        lines.push(format!("revoked {key} at {}: {reason}", instant(revocation.at)));
    }
    let freshness = &record.freshness;
    let tiers: Vec<&str> = freshness.overridable.iter().map(|tier| tier.name()).collect();
    lines.push(format!(
        "freshness: routine {}, sensitive {}, release {}; override {}",
        freshness.routine,
        freshness.sensitive,
        freshness.release,
        if tiers.is_empty() { "never".to_owned() } else { tiers.join(", ") }
    ));
    lines
}

fn instant(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    time.map_or_else(|| seconds.to_string(), |time| time.to_string())
}

fn commit(
    args: &RoleArgs,
    place: &Place,
    proposal_path: &Path,
    named: &[PathBuf],
) -> Result<(), Error> {
    let current = place.committed(None)?;
    let proposal = read_proposal(proposal_path)?;
    let paths = if named.is_empty() {
        attestations_beside(
            proposal_path,
            &proposal_path.file_stem().unwrap_or_default().to_string_lossy(),
        )?
    } else {
        named.to_vec()
    };
    let attestations = paths.iter().map(|path| envelope(path)).collect::<Result<Vec<_>, _>>()?;
    let as_of = super::as_of(args.as_of)?;
    let refused = Error::rejected("the proposal");
    let roles = accept(current.as_ref(), &proposal, &attestations, as_of).map_err(&refused)?;
    // What is put in force is what the roles file says: otherwise the file would be a draft right away.
    let file = place.draft(current.as_deref())?;
    let what = place.file().display().to_string();
    update::demand_committed(&file, &roles.1).map_err(Error::rejected(&what))?;
    let version = roles.1.record().version;
    make_directory(&place.directory().join("roles"))?;
    files::create_whole(&place.version(version), &roles.0.to_vec())?;
    let digest = roles.1.digest();
    let text = format!("version {version} of the roles is in force\ndigest {digest}\n");
    args.format.print(text, &json!({"digest": digest, "version": version}))
}

/// Puts a proposal in force, if every quorum is met.
fn accept(
    current: Option<&Verified<Roles>>,
    proposal: &Proposal,
    attestations: &[Envelope],
    as_of: AsOf,
) -> Result<(Envelope, Verified<Roles>), Rejection> {
    let gathered = proposal.gather(attestations)?;
    let roles = match current {
        None => update::first(&gathered, as_of)?,
        Some(current) => update::next(current, &gathered, as_of)?,
    };
    Ok((gathered, roles))
}

fn witness(format: Format, place: &Place, command: &WitnessCommand) -> Result<(), Error> {
    match command {
        WitnessCommand::Add { vkey } => edit(place, |document| {
            let mut added = Table::new();
            added["vkey"] = value(vkey);
            tables(document, "witnesses")?.push(added);
            Ok(())
        })?,
        WitnessCommand::Remove { name } => edit(place, |document| {
            let witnesses = tables(document, "witnesses")?;
            let named = |table: &Table| {
                let vkey = table.get("vkey").and_then(Item::as_str).unwrap_or_default();
                vkey.split('+').next() == Some(name)
            };
            let position = witnesses.iter().position(named);
            match position {
                Some(index) => {
                    witnesses.remove(index);
                    Ok(())
                }
                None => Err(Error::usage(
                    format!("no witness is called {}", terminal(name)),
                    "`cargo weft role witness list` lists them",
                )),
            }
        })?,
        WitnessCommand::List => {
            let roles = current(place)?;
            let witnesses: Vec<String> =
                roles.witnesses().iter().map(ToString::to_string).collect();
            let text = witnesses.iter().map(|vkey| terminal(vkey) + "\n").collect();
            return format.print(text, &json!(witnesses));
        }
    }
    draft_written(format, place)
}
