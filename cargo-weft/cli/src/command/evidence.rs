//! `cargo weft evidence`: shows what claims promise by running their tests, and keeps what was shown.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use weft_gate::claim::contract::Contract;
use weft_gate::claim::standing;
use weft_gate::claim::{Claims, Evidence, Level, Metric, TestName, feature_arguments};
use weft_gate::evidence::{self, Held, Materials, Mutants, Outcome, Record, SCHEMA, Shown};
use weft_verify::Sha256;
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::sign::SigningKey;

use super::claims::{claims, find, load};
use super::{PrecisionChoice, Selection, output};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report::human::plural;
use crate::source::collect::mutation::Breaker;
use crate::source::collect::{Workshop, bench, fuzz, libtest, mutation, nextest, symbol, version};
use crate::source::secret::PassphraseArgs;
use crate::source::sources::{self, EVIDENCE, Sources};
use crate::source::{files, workspace};

#[derive(Debug, Args)]
pub(super) struct EvidenceArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the tests that claims name, and keep what they show
    Collect(CollectArgs),
}

#[derive(Debug, Args)]
struct CollectArgs {
    /// How far to look; by default as far as each claim's contract demands
    #[arg(long, value_enum, value_name = "LEVEL")]
    level: Option<Depth>,
    /// Only this claim; may be repeated
    #[arg(long = "claim", value_name = "ID")]
    only: Vec<String>,
    /// Take outcomes of tests from a JUnit report of cargo-nextest instead of running them
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Collect although the work tree has changes; such evidence counts for no gate
    #[arg(long)]
    allow_dirty: bool,
    /// Collect again what there is fresh evidence of
    #[arg(long)]
    force: bool,
    /// Write what ran as an in-toto test result as well
    #[arg(long, value_name = "FILE")]
    test_result: Option<PathBuf>,
    /// Sign what is collected with this key of the role `evidence`
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Switch these features on
    #[arg(long, value_name = "FEATURES")]
    features: Vec<String>,
    /// Switch all features on
    #[arg(long)]
    all_features: bool,
    /// Switch default features off
    #[arg(long)]
    no_default_features: bool,
    /// Build for this target
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// A policy file, or a profile: local, baseline, strict, release; by default weft.toml, or else local
    #[arg(long, value_name = "FILE|PROFILE")]
    policy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Depth {
    /// Run the tests
    Ran,
    /// See whether they execute the function
    Reached,
    /// See whether they fail when it is broken
    Sensitive,
}

impl From<Depth> for Level {
    fn from(depth: Depth) -> Self {
        match depth {
            Depth::Ran => Self::Ran,
            Depth::Reached => Self::Reached,
            Depth::Sensitive => Self::Sensitive,
        }
    }
}

pub(super) fn run(args: &EvidenceArgs) -> Result<ExitStatus, Error> {
    let Command::Collect(args) = &args.command;
    collect(args)
}

fn unfit(reason: String) -> Error {
    Error::usage(format!("evidence cannot be collected: {}", terminal(&reason)), "mend that first")
}

fn collect(args: &CollectArgs) -> Result<ExitStatus, Error> {
    let selection = Selection {
        manifest_path: args.manifest_path.clone(),
        lockfile: None,
        precision: PrecisionChoice::Lock,
        policy: args.policy.clone(),
        offline: true,
        online: false,
    };
    let root = workspace::root(args.manifest_path.as_deref())?;
    let loaded = load(&selection, super::today())?;
    let known = claims(&loaded)?;
    let sources = sources::read(&root).map_err(unfit)?;
    let dirty = sources::changed(&root, &sources.commit).map_err(unfit)?;
    if let Some(path) = dirty.as_ref().filter(|_| !args.allow_dirty) {
        return Err(Error::usage(
            format!("the work tree is not as its commit: {}", terminal(path)),
            "commit, or look without keeping it for a gate: --allow-dirty",
        ));
    }
    if args.junit.is_some() && args.key.is_some() {
        return Err(Error::usage(
            "a report of somebody else's run is not signed as seen here",
            "leave --key out, or let the tests run: leave --junit out",
        ));
    }
    let key = args.key.as_deref().map(|key| args.passphrase.unlock(key)).transpose()?;
    let shop = Workshop::open(&root, features(args), args.target.clone()).map_err(unfit)?;
    let task = Task {
        args,
        shop: &shop,
        sources: &sources,
        dirty: dirty.is_some(),
        key: key.as_ref(),
        claims: known,
        notes: RefCell::default(),
        progress: bar(),
    };
    task.run()
}

fn features(args: &CollectArgs) -> Vec<String> {
    feature_arguments(args.all_features, args.no_default_features, &args.features)
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{pos}/{len} claims, about {eta} left: {msg}");
    let bar = ProgressBar::new(0);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// One collection.
struct Task<'a> {
    args: &'a CollectArgs,
    shop: &'a Workshop,
    sources: &'a Sources,
    dirty: bool,
    key: Option<&'a SigningKey>,
    claims: &'a Claims,
    /// What could not be shown, and why.
    notes: RefCell<BTreeSet<String>>,
    progress: ProgressBar,
}

/// A claim to collect for.
struct Wanted {
    contract: Contract,
    digest: Sha256,
    level: Level,
}

/// What ran tells of every test that is named.
struct Ran {
    tests: BTreeMap<TestName, Outcome>,
    examples: BTreeMap<String, BTreeMap<String, Vec<Outcome>>>,
    runner: String,
}

impl Task<'_> {
    fn note(&self, note: String) {
        self.notes.borrow_mut().insert(note);
    }

    fn run(&self) -> Result<ExitStatus, Error> {
        let (wanted, fresh) = self.wanted()?;
        self.progress.set_length(wanted.len() as u64);
        let ran = self.ran(&wanted)?;
        let mut materials = self.shop.materials(ran.runner.clone()).map_err(unfit)?;
        if self.args.junit.is_some() {
            // Nobody knows what it was made with.
            materials.toolchain = "not known".to_owned();
            materials.target = "not known".to_owned();
            materials.features = vec!["not known".to_owned()];
        }
        if let Some(path) = &self.args.test_result {
            let statement = evidence::test_result(self.sources.sha256, &materials, &ran.tests);
            let statement = statement.map_err(|e| Error::Bug(e.to_string()))?;
            files::write_output(path, &self.signed(statement))?;
        }
        let needs_breaking = wanted.iter().any(|w| w.level >= Level::Reached);
        let breaker = match needs_breaking {
            true => Some(Breaker::open(self.shop).map_err(unfit)?),
            false => None,
        };
        let mut written = Vec::new();
        for wanted in &wanted {
            self.progress.set_message(wanted.contract.claim.clone());
            let record = self.record(wanted, &ran, &materials, breaker.as_ref());
            written.push(self.write(&record)?);
            self.progress.inc(1);
        }
        self.progress.finish_and_clear();
        self.report(&written, fresh)
    }

    /// Lists the claims to collect for, and counts those of which there is fresh evidence.
    fn wanted(&self) -> Result<(Vec<Wanted>, u64), Error> {
        for id in &self.args.only {
            find(self.claims, id)?;
        }
        let (mut wanted, mut fresh) = (Vec::new(), 0);
        let tracked = sources::tracked_evidence(&self.shop.root).map_err(unfit)?;
        for claim in &self.claims.head.claims {
            if !self.args.only.is_empty() && !self.args.only.contains(&claim.id) {
                continue;
            }
            let contract = match Contract::compile(claim) {
                Ok(contract) => contract,
                Err(lacks) => {
                    self.note(format!("{}: no contract, {}", claim.id, lacks.join("; ")));
                    continue;
                }
            };
            let digest = contract.digest().map_err(|e| Error::Bug(e.to_string()))?;
            let level = self.args.level.map_or(contract.minimum, Level::from);
            let wanted_level = level.max(Level::Ran);
            let is_fresh = |held: &Held| {
                held.record.contract == digest
                    && held.record.sources == self.sources.sha256
                    && held.record.level >= wanted_level
                    && self.shop.is_made_with(&held.record.materials)
                    && held.record.dirty == self.dirty
                    // What a change brings along was not seen here.
                    && (held.signed || self.key.is_none() && !tracked.contains(&held.file))
            };
            if !self.args.force && self.claims.records.iter().any(is_fresh) {
                fresh += 1;
                continue;
            }
            wanted.push(Wanted { contract, digest, level: wanted_level });
        }
        Ok((wanted, fresh))
    }

    /// Runs all tests that are named, each once.
    fn ran(&self, wanted: &[Wanted]) -> Result<Ran, Error> {
        let obligations = || wanted.iter().flat_map(|wanted| &wanted.contract.obligations);
        let named: BTreeSet<TestName> =
            obligations().flat_map(Evidence::tests).map(|(test, _)| test).collect();
        let packages: BTreeSet<&String> = obligations()
            .filter_map(|obligation| match obligation {
                Evidence::DocExample { package, .. } => Some(package),
                _ => None,
            })
            .collect();
        let mut examples = BTreeMap::new();
        for package in packages {
            self.progress.set_message(format!("examples of {package}"));
            match libtest::examples(self.shop, package) {
                Ok(found) => drop(examples.insert(package.clone(), found)),
                Err(reason) => self.note(format!("examples of {package}: {reason}")),
            }
        }
        let (tests, runner) = self.tests(&named)?;
        Ok(Ran { tests, examples, runner })
    }

    fn tests(
        &self,
        named: &BTreeSet<TestName>,
    ) -> Result<(BTreeMap<TestName, Outcome>, String), Error> {
        self.progress.set_message("tests");
        if let Some(junit) = &self.args.junit {
            let tests = nextest::read(junit, self.shop, named).map_err(unfit)?;
            return Ok((tests, "a JUnit report".to_owned()));
        }
        if named.is_empty() {
            return Ok((BTreeMap::new(), "none".to_owned()));
        }
        if let Some(version) = nextest::available(self.shop) {
            let tests = nextest::tests(self.shop, named).map_err(unfit)?;
            return Ok((tests, format!("cargo-nextest {version}")));
        }
        let mut notes = Vec::new();
        let progress = |what: &str| self.progress.set_message(what.to_owned());
        let tests = libtest::tests(self.shop, named, &mut notes, progress);
        notes.into_iter().for_each(|note| self.note(note));
        let version = version(self.shop.cargo(&self.shop.root).arg("--version"));
        Ok((tests, format!("cargo test {}", version.unwrap_or_default())))
    }

    fn record(
        &self,
        wanted: &Wanted,
        ran: &Ran,
        materials: &Materials,
        breaker: Option<&Breaker>,
    ) -> Record {
        let results = wanted.contract.obligations.iter();
        Record {
            claim: wanted.contract.claim.clone(),
            commit: self.sources.commit.clone(),
            contract: wanted.digest,
            dirty: self.dirty,
            level: wanted.level,
            materials: materials.clone(),
            results: results.filter_map(|o| self.shown(o, wanted.level, ran, breaker)).collect(),
            schema: SCHEMA,
            sources: self.sources.sha256,
        }
    }

    fn shown(
        &self,
        obligation: &Evidence,
        level: Level,
        ran: &Ran,
        breaker: Option<&Breaker>,
    ) -> Option<Shown> {
        let mut shown = Shown {
            count: None,
            mutants: None,
            obligation: obligation.clone(),
            outcome: Outcome::Unknown,
            reached: None,
        };
        match obligation {
            // Signed by others, and read where it lies.
            Evidence::Attestation { .. } => return None,
            Evidence::Bench { package, bench, arguments, over, metric, at_most } => {
                let count = self.count(package, bench, arguments, over, *metric)?;
                shown.count = Some(count);
                shown.outcome = if count <= *at_most { Outcome::Passed } else { Outcome::Failed };
            }
            Evidence::DocExample { package, item, ordinal } => {
                let of_package = ran.examples.get(package)?;
                let of_item = of_package.get(item);
                let outcome = of_item.and_then(|all| all.get(*ordinal as usize - 1));
                shown.outcome = outcome.copied().unwrap_or(Outcome::Missing);
            }
            Evidence::Fuzz { target, executions_at_least, corpus_sha256 } => {
                let (count, corpus) = self.fuzz(target, *executions_at_least)?;
                shown.count = Some(count);
                let fits = corpus_sha256.is_none_or(|wanted| wanted == corpus);
                let enough = count >= *executions_at_least;
                shown.outcome = if fits && enough { Outcome::Passed } else { Outcome::Failed };
            }
            Evidence::MutationScore { tests, symbol, .. } => {
                let all = tests.iter().map(|test| ran.tests.get(test).copied());
                let first = all.into_iter().find(|outcome| *outcome != Some(Outcome::Passed));
                shown.outcome = first.map_or(Outcome::Passed, |o| o.unwrap_or(Outcome::Unknown));
                if level >= Level::Sensitive && shown.outcome == Outcome::Passed {
                    shown.mutants = self.mutants(breaker?, tests, symbol);
                }
            }
            Evidence::Test { .. } => {
                let (test, symbol) = obligation.tests().into_iter().next()?;
                shown.outcome = ran.tests.get(&test).copied().unwrap_or(Outcome::Unknown);
                let (Some(symbol), Outcome::Passed) = (symbol, shown.outcome) else {
                    return Some(shown);
                };
                if level >= Level::Reached {
                    shown.reached = self.reached(breaker?, &test, symbol);
                }
                if level >= Level::Sensitive {
                    shown.mutants = self.mutants(breaker?, &[test], symbol);
                }
            }
        }
        Some(shown)
    }

    fn reached(&self, breaker: &Breaker, test: &TestName, name: &str) -> Option<bool> {
        let reached = symbol::find(self.shop, test, name).and_then(|found| {
            breaker.control(self.shop, test)?;
            breaker.reaches(self.shop, test, &found)
        });
        reached.map_err(|reason| self.note(format!("{}: {reason}", test.test))).ok()
    }

    fn mutants(&self, breaker: &Breaker, tests: &[TestName], name: &str) -> Option<Mutants> {
        if mutation::available(self.shop).is_none() {
            self.note(
                "cargo-mutants is not installed, so nothing is shown to be sensitive: `cargo install --locked cargo-mutants`"
                    .to_owned(),
            );
            return None;
        }
        let first = tests.first()?;
        let mutants = symbol::find(self.shop, first, name).and_then(|found| {
            tests.iter().try_for_each(|test| breaker.control(self.shop, test))?;
            breaker.mutate(self.shop, tests, &found)
        });
        mutants.map_err(|reason| self.note(format!("{}: {reason}", first.test))).ok()
    }

    fn count(
        &self,
        package: &str,
        name: &str,
        arguments: &[String],
        over: &[String],
        metric: Metric,
    ) -> Option<u64> {
        if bench::available().is_none() {
            self.note(format!("{name}: {}", bench::advice()));
            return None;
        }
        let counted = bench::build(self.shop, package, name).and_then(|program| {
            let count = bench::instructions(self.shop, &program, arguments)?;
            match metric {
                Metric::Instructions => Ok(count),
                Metric::Ratio => {
                    let other = bench::instructions(self.shop, &program, over)?;
                    let thousandths = u128::from(count) * 1000 / u128::from(other.max(1));
                    Ok(u64::try_from(thousandths).unwrap_or(u64::MAX))
                }
            }
        });
        counted.map_err(|reason| self.note(format!("{name}: {reason}"))).ok()
    }

    fn fuzz(&self, target: &str, count: u64) -> Option<(u64, Sha256)> {
        if fuzz::available(self.shop).is_none() {
            self.note(format!(
                "{target}: cargo-fuzz is not installed: `cargo install --locked cargo-fuzz`"
            ));
            return None;
        }
        let Some(folder) = fuzz::folder(&self.shop.root, target) else {
            self.note(format!("{target}: neither fuzz/ nor tests/fuzz/ has such a target"));
            return None;
        };
        let ran = fuzz::executions(self.shop, &folder, target, count);
        let ran = ran.map_err(|reason| self.note(format!("{target}: {reason}"))).ok()?;
        Some((ran, fuzz::corpus(&folder, target)))
    }

    /// Keeps a record by its digest, and removes those of the same claim that it replaces.
    fn write(&self, record: &Record) -> Result<String, Error> {
        let statement = record.to_statement().map_err(|e| Error::Bug(e.to_string()))?;
        let digest = Sha256::of(&statement);
        let bytes = self.signed(statement);
        let folder = self.shop.root.join(EVIDENCE);
        let failed = |source| Error::File { action: "write", path: EVIDENCE.to_owned(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let name = format!("{EVIDENCE}/{digest}.json");
        files::replace(&self.shop.root.join(&name), &bytes)?;
        for held in &self.claims.records {
            if held.file != name && self.replaces(record, held) {
                remove(&self.shop.root.join(&held.file)).map_err(failed)?;
            }
        }
        Ok(record.claim.clone())
    }

    /// Returns a statement in an envelope, if there is a key to sign it with.
    fn signed(&self, statement: Vec<u8>) -> Vec<u8> {
        let Some(key) = self.key else { return statement };
        let mut envelope = Envelope::new(IN_TOTO, statement);
        key.endorse(&mut envelope);
        envelope.to_vec()
    }

    /// Says whether a new record leaves nothing of an old one to count.
    fn replaces(&self, new: &Record, old: &Held) -> bool {
        let old = &old.record;
        let still_sensitive = old.contract == new.contract
            && new.level < old.level
            && old.results.iter().filter_map(|s| s.mutants.as_ref()).any(|mutants| {
                let files = &self.claims.files;
                mutants.files.iter().all(|(path, digest)| files.get(path) == Some(digest))
            });
        let is_of_this = old.contract == new.contract && old.sources == new.sources;
        let other_environment = is_of_this && !new.materials.is_like(&old.materials);
        let looked_further = is_of_this && old.level > new.level;
        old.claim == new.claim && !other_environment && !looked_further && !still_sensitive
    }

    fn report(&self, written: &[String], fresh: u64) -> Result<ExitStatus, Error> {
        let loaded = load(
            &Selection {
                manifest_path: self.args.manifest_path.clone(),
                lockfile: None,
                precision: PrecisionChoice::Lock,
                policy: self.args.policy.clone(),
                offline: true,
                online: false,
            },
            super::today(),
        )?;
        let known = claims(&loaded)?;
        let standings = standing::judge(known, loaded.facts.policy.claims.signed_evidence);
        let mut out = String::new();
        for id in written {
            let Some(standing) = standings.get(&**id) else { continue };
            let met = if standing.is_met() { "met" } else { "NOT met" };
            out += &format!("{id}: shown at `{}`, {met}\n", standing.level.as_str());
            for lack in &standing.missing {
                out += &format!("  {}\n", terminal(lack));
            }
        }
        for note in self.notes.borrow().iter() {
            out += &format!("not shown: {}\n", terminal(note));
        }
        let count = plural(written.len() as u64, "record");
        out += &format!("{count} written to {EVIDENCE}, {fresh} fresh already\n");
        if self.dirty {
            out += "the work tree has changes that no commit has: this counts for no gate\n";
        }
        output::print(out)?;
        Ok(ExitStatus::Passed)
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
