//! Claims maps, `claims/*.toml`, read with places and without mercy (`docs/src/spec/claims.md`).

use std::collections::BTreeMap;

use weft_verify::Sha256;

use super::text;
use super::tree::{self, Node, Table, suggest};
use crate::Diagnostic;
use crate::claim::{
    Claim, Environment, Evidence, Expectation, Kind, Level, Metric, Phase, TestName,
    feature_arguments, is_id,
};
use crate::place::SourceText;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The largest map that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// The most entries of one map.
const MAX_CLAIMS: usize = 20_000;

/// A claims map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Map {
    /// Its entries, in the order of the file.
    pub claims: Vec<Claim>,
    /// Patterns of the documents that may hold spans.
    pub documents: Vec<String>,
    /// Its phases, in the order of the file.
    pub phases: Vec<Phase>,
}

/// Reads a map.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Map, Diagnostic> {
    let source = SourceText::new(file, text(file, bytes, MAX_BYTES)?);
    let document = tree::parse(&source)?;
    let table = Table::new(&source, document.get_ref());
    match table.get("schema") {
        None => {
            return Err(Diagnostic::whole(file, "states no schema")
                .help(format!("begin it with `schema = {SCHEMA}`")));
        }
        Some(schema) if schema.number(u32::MAX)? != SCHEMA => {
            return Err(schema
                .fault("this schema is unknown")
                .help(format!("weft reads {SCHEMA}")));
        }
        Some(_) => {}
    }
    let documents = match table.get("documents") {
        Some(documents) => documents.strings()?,
        None => {
            return Err(Diagnostic::whole(file, "names no documents")
                .help("say where promises stand, such as `documents = [\"README.md\"]`"));
        }
    };
    let items = |key: &'static str| table.get(key).map_or(Ok(Vec::new()), |list| list.items());
    let (claims, phases) = (items("claim")?, items("phase")?);
    table.finish()?;
    if claims.len() > MAX_CLAIMS {
        return Err(Diagnostic::whole(file, format!("has more than {MAX_CLAIMS} claims")));
    }
    let mut map = Map { documents, ..Map::default() };
    let mut seen = BTreeMap::new();
    for node in &claims {
        let claim = claim(node)?;
        if seen.insert(claim.id.clone(), ()).is_some() {
            return Err(node
                .fault(format!("`{}` is claimed above", claim.id))
                .help("keep one of the two"));
        }
        map.claims.push(claim);
    }
    map.phases = phases.iter().map(phase).collect::<Result<_, _>>()?;
    Ok(map)
}

fn claim(node: &Node<'_, '_>) -> Result<Claim, Diagnostic> {
    let entry = Entry { node, table: node.table()?, what: "claim" };
    let id_node = entry.member("id")?;
    let id = id_node.string()?.to_owned();
    if !is_id(&id) {
        let fault = id_node.fault("this is no identifier of a claim");
        return Err(fault.help("write words of lower-case letters, digits and `-`, joined by `.`"));
    }
    let evidence = entry.table.get("evidence").map_or(Ok(Vec::new()), |list| list.items())?;
    let environments =
        entry.table.get("environments").map_or(Ok(Vec::new()), |list| list.items())?;
    let claim = Claim {
        document: entry.words("document")?,
        environments: environments.iter().map(environment).collect::<Result<_, _>>()?,
        evidence: evidence.iter().map(self::evidence).collect::<Result<_, _>>()?,
        id,
        kind: entry.one_of("kind", &Kind::ALL, Kind::as_str)?,
        minimum: match entry.table.get("minimum") {
            Some(_) => Some(entry.one_of("minimum", &Level::ALL, Level::as_str)?),
            None => None,
        },
        owner: entry.words("owner")?,
        place: id_node.place(),
        revision: entry.member("revision")?.number(u32::MAX)?,
        text_sha256: digest(&entry.member("text-sha256")?)?,
    };
    entry.table.finish()?;
    Ok(claim)
}

fn environment(node: &Node<'_, '_>) -> Result<Environment, Diagnostic> {
    let entry = Entry { node, table: node.table()?, what: "environment" };
    let flag = |key: &'static str| entry.table.get(key).map_or(Ok(false), |node| node.bool());
    let all = flag("all-features")?;
    let no_default = flag("no-default-features")?;
    let features = entry.table.get("features");
    let names = features.as_ref().map_or(Ok(Vec::new()), Node::strings)?;
    let is_stated = all || no_default || features.is_some();
    let words = |key: &'static str| entry.table.get(key).map(|_| entry.words(key)).transpose();
    let environment = Environment {
        features: is_stated.then(|| feature_arguments(all, no_default, &names)),
        target: words("target")?,
        toolchain: words("toolchain")?,
    };
    entry.table.finish()?;
    if environment == Environment::default() {
        let fault = node.fault("this environment names nothing");
        return Err(fault.help("name a `toolchain`, a `target` or `features`"));
    }
    Ok(environment)
}

const EVIDENCE: [&str; 6] =
    ["attestation", "bench", "doc-example", "fuzz", "mutation-score", "test"];

fn evidence(node: &Node<'_, '_>) -> Result<Evidence, Diagnostic> {
    let entry = Entry { node, table: node.table()?, what: "piece of evidence" };
    let kind = entry.member("kind")?;
    let evidence = match kind.string()? {
        "attestation" => Evidence::Attestation {
            predicate: entry.words("predicate")?,
            role: entry.words("role")?,
            threshold: entry.positive("threshold", 1)?,
        },
        "bench" => bench(&entry)?,
        "doc-example" => Evidence::DocExample {
            // The crate's own examples have no item.
            item: entry.member("item")?.string()?.trim().to_owned(),
            ordinal: entry.positive("ordinal", 1)?,
            package: entry.words("package")?,
        },
        "fuzz" => Evidence::Fuzz {
            executions_at_least: u64::from(entry.positive("executions-at-least", 0)?),
            corpus_sha256: entry.table.get("corpus-sha256").map(|n| digest(&n)).transpose()?,
            target: entry.words("target")?,
        },
        "mutation-score" => Evidence::MutationScore {
            missed_at_most: entry.member("missed-at-most")?.number(u32::MAX)?,
            package: entry.words("package")?,
            symbol: entry.words("symbol")?,
            tests: entry
                .member("tests")?
                .items()?
                .iter()
                .map(test_name)
                .collect::<Result<_, _>>()?,
            viable_at_least: entry.positive("viable-at-least", 0)?,
        },
        "test" => Evidence::Test {
            binary: entry.words("binary")?,
            expects: match entry.table.get("expects") {
                Some(_) => Some(entry.one_of("expects", &[Expectation::Refusal], |_| "refusal")?),
                None => None,
            },
            package: entry.words("package")?,
            symbol: entry.table.get("symbol").map(|_| entry.words("symbol")).transpose()?,
            test: entry.words("test")?,
        },
        other => {
            let fault = kind.fault(format!("`{}` is no kind of evidence", other.escape_debug()));
            return Err(fault.help(suggest(other, EVIDENCE.into_iter())));
        }
    };
    entry.table.finish()?;
    Ok(evidence)
}

fn bench(entry: &Entry<'_, '_, '_>) -> Result<Evidence, Diagnostic> {
    let metric = entry.member("metric")?;
    let metric = match metric.string()? {
        "instructions" => Metric::Instructions,
        "ratio" => Metric::Ratio,
        "time" | "seconds" | "wall" => {
            let fault = metric.fault("a time is no evidence: the next machine has another");
            return Err(fault.help("count `instructions`, or compare two runs by `ratio`"));
        }
        other => {
            let fault = metric.fault(format!("`{}` is no metric", other.escape_debug()));
            return Err(fault.help(suggest(other, ["instructions", "ratio"].into_iter())));
        }
    };
    let strings = |key: &'static str| entry.table.get(key).map_or(Ok(Vec::new()), |n| n.strings());
    Ok(Evidence::Bench {
        arguments: strings("arguments")?,
        at_most: entry.member("at-most")?.long()?,
        bench: entry.words("bench")?,
        metric,
        over: strings("over")?,
        package: entry.words("package")?,
    })
}

fn test_name(node: &Node<'_, '_>) -> Result<TestName, Diagnostic> {
    let entry = Entry { node, table: node.table()?, what: "test" };
    let name = TestName {
        binary: entry.words("binary")?,
        package: entry.words("package")?,
        test: entry.words("test")?,
    };
    entry.table.finish()?;
    Ok(name)
}

fn phase(node: &Node<'_, '_>) -> Result<Phase, Diagnostic> {
    let entry = Entry { node, table: node.table()?, what: "phase" };
    let name = entry.member("name")?;
    let phase = Phase {
        claims: entry.member("claims")?.strings()?,
        name: entry.words("name")?,
        order: entry.member("order")?.number(u32::MAX)?,
        place: name.place(),
    };
    entry.table.finish()?;
    Ok(phase)
}

/// A table with members that have to be there.
struct Entry<'n, 'a, 't> {
    node: &'n Node<'a, 't>,
    table: Table<'a, 't>,
    what: &'static str,
}

impl<'a, 't> Entry<'_, 'a, 't> {
    fn member(&self, key: &'static str) -> Result<Node<'a, 't>, Diagnostic> {
        let fault = || self.node.fault(format!("this {} has no `{key}`", self.what));
        self.table.get(key).ok_or_else(fault)
    }

    fn words(&self, key: &'static str) -> Result<String, Diagnostic> {
        let value = self.member(key)?;
        match value.string()?.trim() {
            "" => Err(value.fault(format!("`{key}` is empty"))),
            text => Ok(text.to_owned()),
        }
    }

    /// Reads a number of at least 1; `default` 0 is none.
    fn positive(&self, key: &'static str, default: u32) -> Result<u32, Diagnostic> {
        let Some(node) = self.table.get(key) else {
            return match default {
                0 => Err(self.node.fault(format!("this {} has no `{key}`", self.what))),
                number => Ok(number),
            };
        };
        match node.number(u32::MAX)? {
            0 => Err(node.fault(format!("`{key}` is at least 1"))),
            number => Ok(number),
        }
    }

    fn one_of<T: Copy>(
        &self,
        key: &'static str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<T, Diagnostic> {
        let node = self.member(key)?;
        let text = node.string()?;
        all.iter().copied().find(|item| name(*item) == text).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|item| name(*item)).collect();
            let fault = node.fault(format!("`{}` is no {key}", text.escape_debug()));
            fault.help(suggest(text, names.iter().copied()))
        })
    }
}

fn digest(node: &Node<'_, '_>) -> Result<Sha256, Diagnostic> {
    let fault = || node.fault("this is not a SHA-256 digest of 64 hexadecimal digits");
    node.string()?.parse().map_err(|_| fault().help("`cargo weft claims mark ID` writes it"))
}
