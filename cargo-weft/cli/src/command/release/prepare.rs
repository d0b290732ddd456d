//! The manifest of a release, and with `--reproducible` the records of how to build it again.

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use semver::Version;
use serde_json::json;
use weft_gate::Outcome;
use weft_gate::input::lockfile;
use weft_gate::release::reproduce::{
    self, Build, Built, BuiltArtifact, Lock, Locked, is_plain_name,
};
use weft_gate::release::{Made, Manifest, PREDICATE, SCHEMA, Source, is_higher};
use weft_verify::Sha256;
use weft_verify::digest::Artifact;
use weft_verify::proposal::Proposal;
use weft_verify::statement::{ResourceDescriptor, Statement};

use super::{decided, describe, inventory, members, named, place, policy, unfit};
use crate::command::compare::{Whose, judged};
use crate::command::facts::Loaded;
use crate::command::{Format, Selection, today};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::release::contract::{self, Contract};
use crate::source::release::toolchain;
use crate::source::{files, release};

#[derive(Debug, Args)]
pub(super) struct PrepareArgs {
    #[command(flatten)]
    selection: Selection,
    /// The directory of the artifacts
    #[arg(long, value_name = "DIR")]
    artifacts: PathBuf,
    /// The version that is released, which is that of its Cargo.toml
    #[arg(long, value_name = "VERSION")]
    release_version: Version,
    /// The package that is released, where several have that version
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// The signed manifest of the previous release
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// The manifest to go back to, if not the previous one
    #[arg(long, value_name = "FILE")]
    rollback: Option<PathBuf>,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    /// The day to judge for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Record among the artifacts how to build them again: env.json, manifest.json and repro.lock
    #[arg(long)]
    reproducible: bool,
    /// The command that built them; by default `cargo build --release --locked`
    #[arg(long, value_name = "COMMAND", requires = "reproducible")]
    build: Option<String>,
    /// An artifact that this command does not make; may be given several times
    #[arg(long, value_name = "NAME", requires = "reproducible")]
    not_built: Vec<String>,
    /// Where to write the manifest; the verdict goes beside it
    #[arg(long, value_name = "FILE", default_value = "target/weft/release.json")]
    output: PathBuf,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

pub(super) fn run(args: &PrepareArgs) -> Result<ExitStatus, Error> {
    let verdict_path = named(&args.output, "verdict.json");
    for path in [&args.output, &verdict_path] {
        demand_new(path)?;
    }
    let as_of = args.as_of.unwrap_or_else(today);
    let loaded = judged(&args.selection, None, args.advisory_db.as_deref(), as_of, Whose::Gate)?;
    let roles = place(args.roles.as_deref(), &loaded.root)?.in_force(None)?;
    let verdict = decided(&loaded)?;
    if verdict.outcome != Outcome::Passed {
        let outcome = verdict.outcome.as_str();
        return Err(Error::usage(
            format!("the verdict is {outcome}, so there is nothing to sign"),
            "see why: `cargo weft audit`",
        ));
    }
    let source = release::source(&loaded.root, &loaded.facts.inputs).map_err(|why| unfit(&why))?;
    if let Some(path) = &source.changed {
        return Err(unfit(&format!("{path} is not as the commit has it")));
    }
    let records = args.reproducible.then(|| recorded(args, &loaded, &source)).transpose()?;
    let verdict_bytes = verdict.to_canonical().map_err(|e| Error::Bug(e.to_string()))?;
    let previous = args.previous.as_deref().map(release::signed).transpose()?;
    let rollback = match &args.rollback {
        Some(path) => Some(release::signed(path)?.sha256),
        None => previous.as_ref().map(|previous| previous.sha256),
    };
    let purl = format!("pkg:cargo/{}", package(args, &loaded)?);
    let manifest = Manifest {
        purl,
        release_id: args.release_version.to_string(),
        weft: Made {
            commit: source.commit,
            inventory: inventory(&loaded).map_err(|why| unfit(&why))?,
            policy: policy(&loaded)?,
            previous: previous.as_ref().map(|previous| previous.sha256),
            revocations: roles.record().revocations.number,
            rollback,
            schema: SCHEMA,
            tree: source.tree,
            verdict: Sha256::of(&verdict_bytes),
            version: args.release_version.clone(),
        },
    };
    if let Some(previous) = &previous
        && !is_higher(&manifest.weft.version, &previous.manifest.weft.version)
    {
        return Err(Error::usage(
            format!("{} is not above {}", manifest.weft.version, previous.manifest.weft.version),
            "a version only rises: name a higher one",
        ));
    }
    let mut artifacts = release::artifacts(&args.artifacts);
    if let Some(records) = &records {
        let files = contract::NAMES.iter().zip(&records.bytes);
        artifacts.extend(files.map(|(name, bytes)| ((*name).to_owned(), Ok(Artifact::of(bytes)))));
    }
    let subjects = artifacts.into_iter().map(|(name, artifact)| match artifact {
        Ok(artifact) => Ok(ResourceDescriptor::of(&name, &artifact)),
        Err(why) => Err(unfit(&format!("{name} {why}"))),
    });
    let subjects = subjects.collect::<Result<Vec<_>, _>>()?;
    if subjects.is_empty() {
        let message = format!("there is nothing in {}", args.artifacts.display());
        return Err(Error::usage(message, "put the artifacts there"));
    }
    let predicate = manifest.to_value().map_err(|e| Error::Bug(e.to_string()))?;
    let proposal = Proposal::new(Statement::new(subjects, PREDICATE, predicate))
        .map_err(|e| Error::Bug(e.to_string()))?;
    // Nothing is written before everything is known to be fit.
    make_parent(&args.output)?;
    if let Some(records) = &records {
        records.write(&args.artifacts)?;
    }
    files::create_whole(&verdict_path, &verdict_bytes)?;
    files::create_whole(&args.output, proposal.as_bytes())?;
    let shown = terminal(&args.output.display().to_string());
    let text = format!(
        "{}wrote {shown} and {}\nnext: `cargo weft release countersign {shown} --key KEY`, by each who agrees\n",
        describe(&proposal, &manifest),
        terminal(&verdict_path.display().to_string())
    );
    args.format.print(
        text,
        &json!({"digest": proposal.digest(), "manifest": manifest, "schema": 1, "verdict": verdict_path.display().to_string()}),
    )?;
    Ok(ExitStatus::Passed)
}

/// Demands that nothing is overwritten: a manifest may be one that people signed.
fn demand_new(path: &Path) -> Result<(), Error> {
    match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(_) => Err(Error::usage(
            format!("{} is there already", path.display()),
            "remove it, or name another file: --output FILE",
        )),
    }
}

/// Makes the records of a build, which go among its artifacts, so that the manifest names them as it names the others.
fn recorded(args: &PrepareArgs, loaded: &Loaded, source: &Source) -> Result<Contract, Error> {
    let root = &loaded.root;
    toolchain::demand_installed(root).map_err(|why| unfit(&why))?;
    let (top, _) = release::repository(root).map_err(|why| unfit(&why))?;
    let mut environment = contract::template()?;
    if let Some(line) = &args.build {
        environment.build.command = line.split_whitespace().map(str::to_owned).collect();
    }
    let words = environment.build.command;
    let command = reproduce::Command::parse(&words).map_err(|why| unfit(&why.to_string()))?;
    let allowed = contract::variables()?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let places = toolchain::places(top, &target);
    let variables = toolchain::variables(&allowed, &places).map_err(|why| unfit(&why))?;
    for name in toolchain::unrecorded(&allowed) {
        anstream::eprintln!("note: {} is set, and is not part of the records", terminal(&name));
    }
    let directory =
        files::relative(top, root).ok_or_else(|| unfit("the workspace is not in it"))?;
    let build = Build {
        profile: command.profile().to_owned(),
        directory,
        target: String::new(),
        command: words,
    };
    let mut environment =
        toolchain::describe(root, top, top, build, variables).map_err(|why| unfit(&why))?;
    environment.build.target = environment.triple(&command).to_owned();
    environment.command(&allowed).map_err(|why| unfit(&why.to_string()))?;
    let bytes = files::read_bounded(&root.join("Cargo.lock"), lockfile::MAX_BYTES)
        .map_err(|why| unfit(&format!("Cargo.lock {why}")))?;
    let locked = lockfile::parse("Cargo.lock", &bytes).map_err(|why| unfit(&why.to_string()))?;
    let lock = Lock {
        commit: source.commit.clone(),
        tree: source.tree.clone(),
        lockfile: Sha256::of(&bytes),
        packages: Locked::all(&locked),
        schema: reproduce::SCHEMA,
        // Filled in with the others.
        environment: Sha256::of(b""),
        manifest: Sha256::of(b""),
    };
    let records = Contract::fill(environment, built(args)?, lock)?;
    records.demand_room(&args.artifacts)?;
    Ok(records)
}

/// Takes the artifacts apart that the build made.
fn built(args: &PrepareArgs) -> Result<Built, Error> {
    let mut found = release::artifacts(&args.artifacts);
    found.retain(|name, _| !contract::NAMES.contains(&&**name));
    for name in &args.not_built {
        if found.remove(name).is_none() {
            let message = format!("there is no artifact {}", terminal(name));
            return Err(Error::usage(message, "--not-built names a file of --artifacts"));
        }
    }
    let mut artifacts = Vec::new();
    for name in found.keys() {
        let odd = |why: &str| unfit(&format!("{name} {why}"));
        if !is_plain_name(name) {
            return Err(odd("is no plain file name"));
        }
        let bytes = files::read_bounded(&args.artifacts.join(name), release::MAX_ARTIFACT);
        artifacts.push(BuiltArtifact::of(name, &bytes.map_err(|why| odd(&why.to_string()))?));
    }
    let built = Built { artifacts, schema: reproduce::SCHEMA };
    built.demand_fit().map_err(|why| unfit(&why.to_string()))?;
    Ok(built)
}

fn make_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            std::fs::create_dir_all(parent).map_err(|source| Error::File {
                action: "make the directory",
                path: parent.display().to_string(),
                source,
            })
        }
        _ => Ok(()),
    }
}

/// Returns the member that is released, as `name@version`; the version is that of its manifest.
fn package(args: &PrepareArgs, loaded: &Loaded) -> Result<String, Error> {
    let members = members(loaded);
    let version = format!("@{}", args.release_version);
    let is_it = |member: &&String| match &args.package {
        Some(name) => **member == format!("{name}{version}"),
        None => member.ends_with(&version),
    };
    let found: Vec<&String> = members.iter().filter(is_it).collect();
    match found[..] {
        [member] => Ok(member.clone()),
        [] => Err(Error::usage(
            format!(
                "the workspace has no package {}of version {}",
                args.package
                    .as_ref()
                    .map(|name| format!("{} ", terminal(name)))
                    .unwrap_or_default(),
                args.release_version
            ),
            format!("it has {}", members.join(", ")),
        )),
        _ => Err(Error::usage(
            format!("{} packages have the version {}", found.len(), args.release_version),
            "say which is released: --package NAME",
        )),
    }
}
