//! What is attested: statements about artifacts, or about the commit that is checked out.

use std::path::{Path, PathBuf};

use serde_json::json;
use weft_gate::evidence::Outcome;
use weft_gate::facts::Input;
use weft_gate::gate::{CYCLONEDX, SPDX, summary};
use weft_gate::input::junit;
use weft_gate::provenance::statement::{SLSA_V1, TEST_RESULT};
use weft_gate::release::Source;
use weft_verify::canonical;
use weft_verify::json::{self as strict, Limits, Value};
use weft_verify::statement::{ResourceDescriptor, Statement};

use super::BillFormat;
use crate::command::facts::{self, Loaded};
use crate::command::{Selection, today};
use crate::error::Error;
use crate::escape::terminal;
use crate::report;
use crate::source::release as fetch;
use crate::source::roles::read;
use crate::source::{sources, workspace};

/// The predicate type of an inventory.
const INVENTORY: &str = "https://github.com/cargo-weft/cargo-weft/inventory/v1";

/// What the `buildType` of provenance by weft means: `docs/src/spec/attestation.md`.
const BUILD_TYPE: &str = "https://github.com/cargo-weft/cargo-weft/build/v1";

/// What a caller says of a build; what is left out is taken from a GitHub workflow's environment.
pub(super) struct Build<'a> {
    pub(super) builder: Option<&'a str>,
    pub(super) repository: Option<&'a str>,
    pub(super) reference: Option<&'a str>,
}

/// Says that artifacts were built from this commit, and what it locks.
pub(super) fn provenance(
    selection: &Selection,
    artifacts: &Path,
    build: &Build<'_>,
) -> Result<Statement, Error> {
    let loaded = load(selection)?;
    let source = committed(&loaded.root, &loaded.facts.inputs)?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let server = variable("GITHUB_SERVER_URL");
    let of_github = |name: &str| Some(format!("{}/{}", server.as_ref()?, variable(name)?));
    let stated = |named: Option<&str>, found: Option<String>, what: &str, flag: &str| {
        named.map(str::to_owned).or(found).ok_or_else(|| {
            Error::usage(format!("nothing says {what}"), format!("name it with {flag}"))
        })
    };
    let builder = of_github("GITHUB_WORKFLOW_REF");
    let builder = stated(build.builder, builder, "who built the artifacts", "--builder URI")?;
    let repository = of_github("GITHUB_REPOSITORY");
    let repository =
        stated(build.repository, repository, "which repository was built", "--source-repo URL")?;
    let reference = build.reference.map(str::to_owned).or_else(|| variable("GITHUB_REF"));
    demand_uri("the builder", &builder)?;
    demand_uri("the repository", &repository)?;
    if let Some(reference) = &reference {
        demand_graphic("the ref", reference)?;
    }
    let mut workflow = json!({"repository": repository});
    let mut uri = format!("git+{repository}");
    if let Some(reference) = reference {
        uri += &format!("@{reference}");
        workflow["ref"] = reference.into();
    }
    let mut materials = vec![json!({"digest": {"gitCommit": source.commit}, "uri": uri})];
    let packages = loaded.inventory()?.packages.iter().filter(|p| p.selected && !p.member);
    materials.extend(packages.map(|package| match &package.checksum {
        Some(checksum) => json!({"digest": {"sha256": checksum}, "uri": package.id}),
        None => json!({"uri": package.id}),
    }));
    let predicate = json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"workflow": workflow},
            "resolvedDependencies": materials,
        },
        "runDetails": {"builder": {"id": builder}},
    });
    Ok(Statement::new(subjects(artifacts)?, SLSA_V1, value(&predicate)?))
}

/// Says which packages this commit is made of.
pub(super) fn inventory(selection: &Selection) -> Result<Statement, Error> {
    let loaded = load(selection)?;
    let subjects = of_sources(&loaded.root, &loaded.facts.inputs)?;
    Ok(Statement::new(subjects, INVENTORY, value(loaded.inventory()?)?))
}

/// Says which packages artifacts are made of.
pub(super) fn bill(
    selection: &Selection,
    artifacts: &Path,
    format: BillFormat,
) -> Result<Statement, Error> {
    let loaded = load(selection)?;
    committed(&loaded.root, &loaded.facts.inputs)?;
    let inventory = loaded.inventory()?;
    let (predicate_type, document) = match format {
        BillFormat::Cyclonedx => (CYCLONEDX, report::cyclonedx::render(inventory, None)),
        BillFormat::Spdx => (SPDX, report::spdx::render(inventory, None)),
    };
    let document = document.map_err(|e| Error::Bug(e.to_string()))?;
    Ok(Statement::new(subjects(artifacts)?, predicate_type, value(&document)?))
}

/// Says which tests passed and which did not (in-toto test-result v0.1).
pub(super) fn tests(reports: &[PathBuf]) -> Result<Statement, Error> {
    let root = workspace::root(None)?;
    let subjects = of_sources(&root, &[])?;
    let (mut passed, mut warned, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for path in reports {
        let shown = path.display().to_string();
        let bytes = read(path, junit::MAX_BYTES)?;
        let found = junit::parse(&shown, &bytes).map_err(|diagnostic| {
            // A report is the output of a tool: its place says enough.
            Error::usage(format!("{shown} {}", diagnostic.message), "write the report again")
        })?;
        for ((binary, test), outcome) in found {
            let name = format!("{binary} {test}");
            match outcome {
                Outcome::Passed => passed.push(name),
                Outcome::Flaky => warned.push(name),
                Outcome::Failed | Outcome::Missing | Outcome::Unknown => failed.push(name),
                // What did not run shows nothing.
                Outcome::Ignored | Outcome::NotRun => {}
            }
        }
    }
    if passed.is_empty() && warned.is_empty() && failed.is_empty() {
        return Err(Error::usage("the reports hold no test", "name those of a run with tests"));
    }
    for list in [&mut passed, &mut warned, &mut failed] {
        list.sort();
        list.dedup();
    }
    let result = match (failed.is_empty(), warned.is_empty()) {
        (false, _) => "FAILED",
        (true, false) => "WARNED",
        (true, true) => "PASSED",
    };
    let predicate = json!({
        "configuration": [],
        "failedTests": failed,
        "passedTests": passed,
        "result": result,
        "warnedTests": warned,
    });
    Ok(Statement::new(subjects, TEST_RESULT, value(&predicate)?))
}

/// Refuses what is no absolute URI, and one with a name or a password in it, which would be signed for all to read.
fn demand_uri(what: &str, uri: &str) -> Result<(), Error> {
    demand_graphic(what, uri)?;
    let authority = uri.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
    let unfit = |why: &str| {
        let shown = terminal(uri);
        Error::usage(format!("{what} {shown} {why}"), "name it as https://HOST/PATH")
    };
    match authority {
        None | Some("") => Err(unfit("is no URI")),
        Some(authority) if authority.contains('@') => {
            let message = format!("{what} is named with a user or a password in it");
            Err(Error::usage(message, "leave that out: what is signed is for all to read"))
        }
        Some(_) => Ok(()),
    }
}

/// Refuses blanks, control characters and whatever is not ASCII: it is compared letter by letter.
fn demand_graphic(what: &str, text: &str) -> Result<(), Error> {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(Error::usage(
            format!("{what} `{}` has characters that no URI has", terminal(text)),
            "write them with a percent sign, or leave them out",
        )),
    }
}

fn load(selection: &Selection) -> Result<Loaded, Error> {
    facts::load(selection, today())
}

/// Returns the commit, if the work tree is as it stands there.
fn committed(root: &Path, read: &[Input]) -> Result<Source, Error> {
    let unfit = |why: String| {
        let why = format!("nothing can be attested: {}", terminal(&why));
        Error::usage(why, "mend that first: what is signed is what others can check out")
    };
    let source = fetch::source(root, read).map_err(unfit)?;
    match &source.changed {
        Some(path) => Err(unfit(format!("{path} is not as the commit has it"))),
        None => Ok(source),
    }
}

/// Names the sources of the commit: by the digest that evidence has, and as git does.
fn of_sources(root: &Path, read: &[Input]) -> Result<Vec<ResourceDescriptor>, Error> {
    let source = committed(root, read)?;
    let sources = sources::read(root).map_err(|why| {
        Error::usage(format!("the sources are not known: {}", terminal(&why)), "mend that first")
    })?;
    Ok(vec![weft_gate::evidence::subject(sources.sha256), summary::subject(&source)])
}

fn subjects(directory: &Path) -> Result<Vec<ResourceDescriptor>, Error> {
    let unfit =
        |what: String| Error::usage(what, "put the artifacts into a directory of their own");
    let mut subjects = Vec::new();
    for (name, artifact) in fetch::artifacts(directory) {
        let artifact = artifact.map_err(|why| unfit(format!("{} {why}", terminal(&name))))?;
        subjects.push(ResourceDescriptor::of(&name, &artifact));
    }
    match subjects.is_empty() {
        true => Err(unfit(format!("there are no artifacts in {}", directory.display()))),
        false => Ok(subjects),
    }
}

fn value(predicate: &impl serde::Serialize) -> Result<Value, Error> {
    let bytes = canonical::to_vec(predicate).map_err(|e| Error::Bug(e.to_string()))?;
    let limits = Limits { size: 64 << 20, ..Limits::FOREIGN };
    strict::read(&bytes, limits).map_err(|e| Error::Bug(e.to_string()))
}
