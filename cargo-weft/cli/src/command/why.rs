//! `cargo weft why`: why a crate is there, what it passes through, and who stands in the way of updating it.

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::Serialize;
use std::fmt::Write;
use weft_gate::inventory::{Inventory, Package, Source};
use weft_gate::{Place, Topology};
use weft_graph::shortest_path;

use super::output::{Reports, Text};
use super::{Selection, facts};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report;
use crate::report::human::{paragraph, place, plural};

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// The crate: `name`, `name@version` or a package URL
    #[arg(value_name = "CRATE[@VERSION]")]
    name: String,
    /// The version to update to; by default the newest other version that is locked
    #[arg(long, value_name = "VERSION")]
    to: Option<Version>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reports: Reports<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// How many packages are named in a sentence.
const MOST_NAMED: usize = 20;

/// The answer for one package.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// External packages that only it brings in, `name@version` each.
    pub(super) alone: Vec<String>,
    /// The exact command that updates it, or the blocker that must move first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<String>,
    /// Packages that depend on it directly.
    pub(super) dependents: Vec<Dependent>,
    /// Its package URL.
    pub(super) id: String,
    /// Where it comes from.
    pub(super) source: String,
    /// Whether it is part of what is judged.
    pub(super) judged: bool,
    /// Shortest path from a member, `name@version` each.
    pub(super) path: Vec<String>,
    /// The manifest line where that path begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
    /// `name@version`.
    pub(super) spec: String,
    /// Packages that every path from a member passes through, nearest the member first.
    pub(super) through: Vec<String>,
    /// The version that `blocks` is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<String>,
}

/// A package that depends on the subject.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Dependent {
    /// Whether its requirement rules out the version to update to; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blocks: Option<bool>,
    /// Whether it is a member of the workspace.
    pub(super) member: bool,
    /// Where its manifest states the requirement, for members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
    /// The versions it accepts, where that is known.
    pub(super) requirement: Vec<String>,
    /// `name@version`.
    pub(super) spec: String,
}

pub(super) fn run(args: &WhyArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let loaded = facts::load(&args.selection, super::today())?;
    let inventory = loaded.inventory()?;
    let topology = Topology::of(inventory).map_err(|e| Error::NoGraph { reason: e.to_string() })?;
    let wanted = find(inventory, &args.name)?;
    let query = Query { inventory, topology: &topology, to: args.to.as_ref() };
    let answers: Vec<Answer> = wanted.into_iter().map(|index| query.answer(index)).collect();
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(answers.iter().map(human).collect::<Vec<_>>().join("\n"))),
        Format::Json => report::json::render(&answers).map(Text::Machine),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}

/// Finds the packages that `name`, `name@version` or a package URL means.
pub(super) fn find(inventory: &Inventory, wanted: &str) -> Result<Vec<u32>, Error> {
    let (name, version) = match wanted.split_once('@') {
        Some((name, version)) if !wanted.starts_with("pkg:") => (name, Some(version)),
        _ => (wanted, None),
    };
    let matches = |package: &Package| {
        package.id == wanted
            || package.name == name && version.is_none_or(|v| package.version.to_string() == v)
    };
    let found: Vec<u32> =
        (0u32..).zip(&inventory.packages).filter(|(_, p)| matches(p)).map(|(i, _)| i).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let same_name = inventory.packages.iter().filter(|p| p.name == name).map(Package::spec);
    let help = match same_name.collect::<Vec<_>>() {
        versions if !versions.is_empty() => format!("locked are {}", versions.join(", ")),
        _ => {
            let names = inventory.packages.iter().map(|p| p.name.as_str());
            let close = names.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
            match close.filter(|(distance, known)| *distance <= 1 + known.len() / 4) {
                Some((_, known)) => format!("did you mean `{known}`?"),
                None => "`cargo weft graph` lists every package".to_owned(),
            }
        }
    };
    Err(Error::usage(format!("`{wanted}` is not in the lockfile"), help))
}

/// What is asked about packages.
pub(super) struct Query<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) topology: &'a Topology,
    /// The version to update to; the newest other one that is locked, if none is named.
    pub(super) to: Option<&'a Version>,
}

impl Query<'_> {
    pub(super) fn answer(&self, index: u32) -> Answer {
        let package = self.inventory.package(index);
        let path =
            shortest_path(&self.topology.graph, &self.topology.roots, index).unwrap_or_default();
        let to = self.to.cloned().or_else(|| self.newer(package));
        let dependents = self.dependents(index, to.as_ref());
        Answer {
            alone: self.alone(index),
            command: self.command(package, &dependents, to.as_ref()),
            id: package.id.clone(),
            source: package.source.to_string(),
            judged: package.selected,
            place: match path[..] {
                [member, first, ..] => self.declarations(member, first).into_iter().flatten().min(),
                _ => None,
            },
            path: path.iter().map(|p| self.inventory.package(*p).spec()).collect(),
            spec: package.spec(),
            through: self.through(index),
            to: to.map(|to| to.to_string()),
            dependents,
        }
    }

    /// Returns the command that updates the package, or the dependent that must move first.
    fn command(
        &self,
        package: &Package,
        dependents: &[Dependent],
        to: Option<&Version>,
    ) -> Option<String> {
        if package.source.is_path() {
            return None;
        }
        let spec = self.package_id(package);
        let blocker = dependents.iter().find(|d| d.blocks == Some(true));
        Some(match (blocker, to) {
            // A member's requirement is changed by hand, at its place.
            (Some(blocker), _) if blocker.member => return None,
            (Some(blocker), _) => format!("cargo update -p {}", blocker.spec),
            // An exact version is worth trying only where everyone is known to accept it.
            (None, Some(to)) if dependents.iter().all(|d| d.blocks == Some(false)) => {
                format!("cargo update -p {spec} --precise {to}")
            }
            (None, _) => format!("cargo update -p {spec}"),
        })
    }

    /// Returns a name that means one package to Cargo: `name@version`, with the source if another has the same.
    fn package_id(&self, package: &Package) -> String {
        let twins = self.inventory.packages.iter().filter(|p| p.spec() == package.spec()).count();
        match &package.source {
            Source::Registry { url } if twins > 1 => format!("{url}#{}", package.spec()),
            Source::Git { url, .. } if twins > 1 => format!("{url}#{}", package.spec()),
            _ => package.spec(),
        }
    }

    /// Returns the newest locked version of the same crate, if it is newer.
    fn newer(&self, package: &Package) -> Option<Version> {
        let same = self.inventory.packages.iter().filter(|p| p.name == package.name);
        same.map(|p| &p.version).filter(|version| **version > package.version).max().cloned()
    }

    /// Lists what dominates the package, without itself and without members.
    fn through(&self, index: u32) -> Vec<String> {
        let own = self.topology.condensation.component(index);
        let chain = self.topology.dominators.chain(index);
        let nodes = chain
            .into_iter()
            .filter(|c| *c != own)
            .flat_map(|c| self.topology.condensation.members(c));
        nodes
            .map(|node| self.inventory.package(*node))
            .filter(|p| !p.member)
            .map(Package::spec)
            .collect()
    }

    /// Lists the external packages that every path to passes through the package.
    fn alone(&self, index: u32) -> Vec<String> {
        let own = self.topology.condensation.component(index);
        let below = |other: &u32| {
            let component = self.topology.condensation.component(*other);
            component != own && self.topology.dominators.chain(*other).contains(&own)
        };
        let external = self.inventory.judged_externals();
        external
            .into_iter()
            .filter(below)
            .map(|other| self.inventory.package(other).spec())
            .collect()
    }

    fn declarations(&self, from: u32, to: u32) -> Vec<Option<Place>> {
        let edge = self.inventory.edge(from, to);
        edge.map(|e| e.declared.iter().map(|d| d.place.clone()).collect()).unwrap_or_default()
    }

    fn dependents(&self, index: u32, to: Option<&Version>) -> Vec<Dependent> {
        let edges = self.inventory.edges.iter().filter(|e| e.to == index && e.from != index);
        let mut all: Vec<Dependent> = edges
            .map(|edge| {
                let dependent = self.inventory.package(edge.from);
                let mut requirement: Vec<String> =
                    edge.declared.iter().filter_map(|d| d.requirement.clone()).collect();
                requirement.sort();
                requirement.dedup();
                Dependent {
                    blocks: to.and_then(|to| blocks(&requirement, to)),
                    member: dependent.member,
                    place: edge.declared.iter().filter_map(|d| d.place.clone()).min(),
                    requirement,
                    spec: dependent.spec(),
                }
            })
            .collect();
        all.sort_by_key(|d| (d.blocks != Some(true), d.spec.clone()));
        all
    }
}

/// Says whether a version is ruled out; unknown without requirements.
fn blocks(requirement: &[String], to: &Version) -> Option<bool> {
    let accepts = |text: &String| VersionReq::parse(text).is_ok_and(|r| r.matches(to));
    (!requirement.is_empty()).then(|| !requirement.iter().all(accepts))
}

fn human(answer: &Answer) -> String {
    let mut out = format!("{} ({})\n", terminal(&answer.spec), terminal(&answer.source));
    if !answer.judged {
        paragraph(&mut out, "", "is locked, and not part of what is judged", 2);
    }
    if answer.path.len() > 1 {
        paragraph(&mut out, "path: ", &join(&answer.path), 2);
        if let Some(from) = &answer.place {
            _ = writeln!(out, "  --> {}", place(from));
        }
    }
    if !answer.through.is_empty() {
        paragraph(&mut out, "every path passes: ", &join(&answer.through), 2);
    }
    if !answer.alone.is_empty() {
        let number = plural(answer.alone.len() as u64, "external package");
        let shown: Vec<String> =
            answer.alone.iter().take(MOST_NAMED).map(|spec| terminal(spec)).collect();
        let more = answer.alone.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 {
            format!(" and {more} more (`--format json` lists them)")
        } else {
            String::new()
        };
        paragraph(
            &mut out,
            "",
            &format!("alone brings in {number}: {}{more}", shown.join(", ")),
            2,
        );
    }
    dependents(&mut out, answer);
    next(&mut out, answer);
    out
}

fn dependents(out: &mut String, answer: &Answer) {
    if answer.dependents.is_empty() {
        return;
    }
    let target =
        answer.to.as_ref().map(|to| format!(", and whether they accept {to}")).unwrap_or_default();
    _ = writeln!(out, "  needed by{}:", terminal(&target));
    for dependent in &answer.dependents {
        let requirement = match dependent.requirement[..] {
            [] => String::new(),
            _ => format!(" asks for {}", dependent.requirement.join(" and ")),
        };
        let verdict = match dependent.blocks {
            Some(true) => " (blocks it)",
            Some(false) => " (accepts it)",
            None => "",
        };
        let from =
            dependent.place.as_ref().map(|p| format!(" at {}", place(p))).unwrap_or_default();
        let line =
            format!("{}{}{from}{verdict}", terminal(&dependent.spec), terminal(&requirement));
        paragraph(out, "", &line, 4);
    }
    if answer.dependents.iter().any(|d| d.requirement.is_empty()) {
        paragraph(out, "", "what the others ask for is known at metadata precision", 4);
    }
}

fn next(out: &mut String, answer: &Answer) {
    let blocker = answer.dependents.iter().find(|d| d.blocks == Some(true));
    match (&answer.command, blocker) {
        (Some(command), Some(_)) => {
            _ = writeln!(out, "  next, for the blocker to move:\n        {}", terminal(command))
        }
        (Some(command), None) => _ = writeln!(out, "  next:\n        {}", terminal(command)),
        (None, Some(blocker)) => {
            let from =
                blocker.place.as_ref().map(|p| format!(" at {}", place(p))).unwrap_or_default();
            _ = writeln!(out, "  next: raise the requirement of {}{from}", terminal(&blocker.spec));
        }
        (None, None) => {}
    }
}

fn join(specs: &[String]) -> String {
    specs.iter().map(|spec| terminal(spec)).collect::<Vec<_>>().join(" > ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_blocks_what_it_does_not_match() {
        let to = Version::new(2, 0, 0);
        let requirements = |list: &[&str]| list.iter().map(|&r| r.to_owned()).collect::<Vec<_>>();
        assert_eq!(blocks(&requirements(&["^1.0"]), &to), Some(true));
        assert_eq!(blocks(&requirements(&[">=1"]), &to), Some(false));
        assert_eq!(blocks(&requirements(&[">=1", "^1"]), &to), Some(true));
        assert_eq!(blocks(&[], &to), None);
    }
}
