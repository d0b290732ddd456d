//! One layer of a policy: a `weft.toml` or a profile, read with places and without mercy.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::{
    Barrier, Boundary, Clarification, DeniedCrate, FeatureRule, Features, Level, LicenseException,
    ProvenancePolicy, SCHEMA, Targets, barrier, license, provenance, rule,
};
use crate::Diagnostic;
use crate::advisory::Severity;
use crate::check;
use crate::gate::Requirement;
use crate::input::text;
use crate::input::tree::{self, Node, Table, suggest};
use crate::place::{Place, SourceText};
use crate::risk::{Campaign, campaign};

/// The largest layer that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The keys of `weft.toml`, as `policy show` prints them.
pub(super) mod key {
    pub(in super::super) const ADVISORY_AGE: &str = "advisories.max-age-days";
    pub(in super::super) const ADVISORY_DB: &str = "advisories.database";
    pub(in super::super) const BAN_ALLOW: &str = "bans.allow";
    pub(in super::super) const BAN_DENY: &str = "bans.deny";
    pub(in super::super) const BAN_FEATURE: &str = "bans.feature";
    pub(in super::super) const BARRIER: &str = "barrier";
    pub(in super::super) const BOUNDARY: &str = "boundary";
    pub(in super::super) const BLAST: &str = "topology.blast-percent";
    pub(in super::super) const CAMPAIGNS: &str = "risk.campaigns";
    pub(in super::super) const COOLDOWN: &str = "cooldown.days";
    pub(in super::super) const COOLDOWN_EXEMPT: &str = "cooldown.exempt";
    pub(in super::super) const DELTA_BUDGET: &str = "risk.delta-budget-percent";
    pub(in super::super) const DEV_DEPENDENCIES: &str = "graph.dev-dependencies";
    pub(in super::super) const DUPLICATE_SKIP: &str = "topology.duplicate-skip";
    pub(in super::super) const DUPLICATE_SKIP_TREE: &str = "topology.duplicate-skip-tree";
    pub(in super::super) const DUPLICATES: &str = "topology.duplicate-versions";
    pub(in super::super) const FEATURES: &str = "graph.features";
    pub(in super::super) const GATEWAY: &str = "topology.sole-gateway-percent";
    pub(in super::super) const GIT: &str = "sources.git";
    pub(in super::super) const HOST: &str = "topology.host-execution-percent";
    pub(in super::super) const HOST_ALLOW: &str = "topology.host-execution-allow";
    pub(in super::super) const LEXICON: &str = "claims.lexicon";
    pub(in super::super) const LICENSE_ALLOW: &str = "licenses.allow";
    pub(in super::super) const LICENSE_CLARIFY: &str = "licenses.clarify";
    pub(in super::super) const LICENSE_CONFIDENCE: &str = "licenses.confidence-percent";
    pub(in super::super) const LICENSE_EXCEPTION: &str = "licenses.exception";
    pub(in super::super) const LOSSES: &str = "risk.losses";
    pub(in super::super) const PROVENANCE: &str = "provenance";
    pub(in super::super) const REGISTRIES: &str = "sources.registries";
    pub(in super::super) const REQUIRE: &str = "gate.audit.require";
    pub(in super::super) const REQUIRE_MERGE: &str = "gate.merge.require";
    pub(in super::super) const REQUIRE_RELEASE: &str = "gate.release.require";
    pub(in super::super) const SINGLE_POINT: &str = "publishers.single-point-percent";
    pub(in super::super) const SIGNED_EVIDENCE: &str = "claims.signed-evidence";
    pub(in super::super) const SEVERITY: &str = "advisories.severity";
    pub(in super::super) const SNAPSHOT: &str = "publishers.snapshot";
    pub(in super::super) const TARGETS: &str = "graph.targets";
}

/// One layer of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The name of the file or profile.
    pub name: String,
    /// The profile this layer builds on: a built-in name, or a path relative to the file.
    pub profile: Option<String>,
    /// The bytes of `profile`'s value, for faults found when it is loaded.
    pub profile_span: Option<Range<usize>>,
    /// The files of the campaigns it adds, relative to the policy's directory.
    pub campaigns: Vec<Reference>,
    pub(super) settings: Vec<Setting>,
}

/// A file that a layer names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its path, with `/`.
    pub path: String,
    /// The bytes of the value, for faults found when it is loaded.
    pub span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) value: Value,
    pub(super) place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Barriers(Vec<Barrier>),
    Boundaries(Vec<Boundary>),
    /// The files, and what was read of them; nothing before that.
    Campaigns(Vec<String>, Option<Vec<Campaign>>),
    Clarifications(Vec<Clarification>),
    Denied(Vec<DeniedCrate>),
    FeatureRules(Vec<FeatureRule>),
    Features(Features),
    Flag(bool),
    Level(String, Level),
    Losses(BTreeMap<String, u32>),
    LicenseExceptions(Vec<LicenseException>),
    Number(u32),
    Provenance(Box<ProvenancePolicy>),
    Requirements(Vec<Requirement>),
    Severity(Severity),
    Strings(Vec<String>),
    Targets(Targets),
    Text(String),
}

/// Reads one layer.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault: an unknown key, check, level or value is one.
pub fn parse_layer(file: &str, bytes: &[u8]) -> Result<Layer, Diagnostic> {
    let text = text(file, bytes, MAX_BYTES)?;
    let source = SourceText::new(file, text);
    let document = tree::parse(&source)?;
    let document = Table::new(&source, document.get_ref());
    check_schema(file, &document)?;
    let mut reader = Reader { campaigns: Vec::new(), settings: Vec::new() };
    let profile = document.get("profile");
    reader.graph(&document)?;
    reader.checks(&document)?;
    reader.advisories(&document)?;
    reader.read(key::BARRIER, document.get("barrier"), barrier::read)?;
    reader.bans(&document)?;
    reader.claims(&document)?;
    reader.cooldown(&document)?;
    reader.licenses(&document)?;
    reader.read(key::PROVENANCE, document.get("provenance"), provenance::read)?;
    reader.publishers(&document)?;
    reader.risk(&document)?;
    reader.sources(&document)?;
    reader.topology(&document)?;
    reader.gates(&document)?;
    document.finish()?;
    Ok(Layer {
        name: file.to_owned(),
        profile: profile.as_ref().map(|node| node.string().map(str::to_owned)).transpose()?,
        profile_span: profile.map(|node| node.value_span()),
        campaigns: reader.campaigns,
        settings: reader.settings,
    })
}

fn check_schema(file: &str, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
    let Some(schema) = document.get("schema") else {
        return Err(Diagnostic::whole(file, "states no schema")
            .help(format!("begin it with `schema = {SCHEMA}`")));
    };
    match schema.number(u32::MAX)? {
        SCHEMA => Ok(()),
        found => {
            Err(schema.fault(format!("policy schema {found} is unknown; weft reads {SCHEMA}")))
        }
    }
}

impl Layer {
    /// Adds what was read of the files of `campaigns`, in their order.
    ///
    /// # Errors
    ///
    /// A [`Diagnostic`] with the place of a file whose campaign cannot be added.
    pub fn bring(&mut self, read: Vec<Campaign>) -> Result<(), Diagnostic> {
        if let Err((at, fault)) = campaign::check_added(&read) {
            let span = self.campaigns.get(at).map(|file| file.span.clone()).unwrap_or_default();
            return Err(Diagnostic::at(&self.name, span, fault));
        }
        for setting in &mut self.settings {
            if let Value::Campaigns(files, campaigns) = &mut setting.value
                && files.len() == read.len()
            {
                *campaigns = Some(read.clone());
            }
        }
        Ok(())
    }
}

struct Reader {
    campaigns: Vec<Reference>,
    settings: Vec<Setting>,
}

impl Reader {
    fn graph(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("graph")? else { return Ok(()) };
        self.read(key::TARGETS, table.get("targets"), |node| {
            Ok(Value::Targets(match node.as_str() {
                Some("all") => Targets::All,
                Some(_) => {
                    return Err(node.fault("`targets` is \"all\" or a list of target triples"));
                }
                None => Targets::List(not_empty(node)?),
            }))
        })?;
        self.read(key::FEATURES, table.get("features"), |node| {
            Ok(Value::Features(match node.as_str() {
                Some("all") => Features::All,
                Some("default") => Features::Default,
                Some(_) => {
                    return Err(
                        node.fault("`features` is \"all\", \"default\" or a list of features")
                    );
                }
                None => Features::List(node.strings()?),
            }))
        })?;
        self.read(key::DEV_DEPENDENCIES, table.get("dev-dependencies"), |node| {
            Ok(Value::Flag(node.bool()?))
        })?;
        table.finish()
    }

    fn checks(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("checks")? else { return Ok(()) };
        let mut families = Vec::new();
        let mut codes = Vec::new();
        for node in table.iter() {
            let level = level(&node)?;
            if !node.key().contains('/') && check::families().any(|family| family == node.key()) {
                let help = format!("write \"{}/*\" for the whole family", node.key());
                return Err(node.key_fault("a level is for a check or for `family/*`").help(help));
            }
            let value = Value::Level(check_pattern(&node, node.key())?, level);
            let setting = Setting { key: "checks", value, place: node.place() };
            if node.key().ends_with("/*") { families.push(setting) } else { codes.push(setting) }
        }
        self.settings.extend(families.into_iter().chain(codes));
        Ok(())
    }

    fn advisories(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("advisories")? else { return Ok(()) };
        self.read(key::ADVISORY_DB, table.get("database"), |node| {
            Ok(Value::Text(node.string()?.to_owned()))
        })?;
        self.read(key::ADVISORY_AGE, table.get("max-age-days"), days)?;
        self.read(key::SEVERITY, table.get("severity"), |node| {
            Ok(Value::Severity(word(node, "severity", Severity::ALL, Severity::as_str)?))
        })?;
        table.finish()
    }

    fn bans(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        self.read(key::BOUNDARY, document.get("boundary"), rule::boundaries)?;
        let Some(table) = document.table("bans")? else { return Ok(()) };
        self.read(key::BAN_ALLOW, table.get("allow"), strings)?;
        self.read(key::BAN_DENY, table.get("deny"), rule::denied)?;
        self.read(key::BAN_FEATURE, table.get("feature"), rule::features)?;
        table.finish()
    }

    fn licenses(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("licenses")? else { return Ok(()) };
        self.read(key::LICENSE_ALLOW, table.get("allow"), license::allow)?;
        self.read(key::LICENSE_CLARIFY, table.get("clarify"), license::clarifications)?;
        self.read(key::LICENSE_CONFIDENCE, table.get("confidence-percent"), |node| {
            Ok(Value::Number(node.number(100)?))
        })?;
        self.read(key::LICENSE_EXCEPTION, table.get("exception"), license::exceptions)?;
        table.finish()
    }

    fn claims(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("claims")? else { return Ok(()) };
        self.read(key::LEXICON, table.get("lexicon"), |node| {
            let words = node.list()?;
            let mut lexicon = Vec::new();
            for word in &words {
                match word.string()?.trim() {
                    "" => return Err(word.fault("a word of the lexicon is empty")),
                    text => lexicon.push(text.to_lowercase()),
                }
            }
            Ok(Value::Strings(lexicon))
        })?;
        self.read(key::SIGNED_EVIDENCE, table.get("signed-evidence"), |node| {
            Ok(Value::Flag(node.bool()?))
        })?;
        table.finish()
    }

    fn cooldown(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("cooldown")? else { return Ok(()) };
        self.read(key::COOLDOWN, table.get("days"), days)?;
        self.read(key::COOLDOWN_EXEMPT, table.get("exempt"), strings)?;
        table.finish()
    }

    fn publishers(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("publishers")? else { return Ok(()) };
        self.read(key::SINGLE_POINT, table.get("single-point-percent"), |node| {
            Ok(Value::Number(node.number(100)?))
        })?;
        self.read(key::SNAPSHOT, table.get("snapshot"), |node| {
            Ok(Value::Text(node.string()?.to_owned()))
        })?;
        table.finish()
    }

    fn risk(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("risk")? else { return Ok(()) };
        if let Some(node) = table.get("campaigns") {
            self.campaigns = barrier::campaigns(&node)?;
            let files: Vec<String> = self.campaigns.iter().map(|file| file.path.clone()).collect();
            let read = files.is_empty().then(Vec::new);
            let value = Value::Campaigns(files, read);
            self.settings.push(Setting { key: key::CAMPAIGNS, value, place: node.place() });
        }
        self.read(key::DELTA_BUDGET, table.get("delta-budget-percent"), |node| {
            Ok(Value::Number(node.number(1_000_000)?))
        })?;
        self.read(key::LOSSES, table.get("losses"), barrier::losses)?;
        table.finish()
    }

    fn sources(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("sources")? else { return Ok(()) };
        self.read(key::REGISTRIES, table.get("registries"), strings)?;
        self.read(key::GIT, table.get("git"), strings)?;
        table.finish()
    }

    fn topology(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("topology")? else { return Ok(()) };
        let percent = |node: &Node<'_, '_>| Ok(Value::Number(node.number(100)?));
        self.read(key::BLAST, table.get("blast-percent"), percent)?;
        self.read(key::DUPLICATE_SKIP, table.get("duplicate-skip"), strings)?;
        self.read(key::DUPLICATE_SKIP_TREE, table.get("duplicate-skip-tree"), strings)?;
        self.read(key::DUPLICATES, table.get("duplicate-versions"), |node| {
            match node.number(1000)? {
                0 => {
                    Err(node
                        .fault("`duplicate-versions` is at least 1: each crate has one version"))
                }
                number => Ok(Value::Number(number)),
            }
        })?;
        self.read(key::HOST_ALLOW, table.get("host-execution-allow"), strings)?;
        self.read(key::HOST, table.get("host-execution-percent"), percent)?;
        self.read(key::GATEWAY, table.get("sole-gateway-percent"), percent)?;
        table.finish()
    }

    fn gates(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(table) = document.table("gate")? else { return Ok(()) };
        if let Some(audit) = table.table("audit")? {
            self.read(key::REQUIRE, audit.get("require"), |node| {
                let entries = node.list()?;
                let entries = entries.iter().map(|entry| check_pattern(entry, entry.string()?));
                Ok(Value::Strings(entries.collect::<Result<_, _>>()?))
            })?;
            audit.finish()?;
        }
        for (name, key, known) in [
            ("merge", key::REQUIRE_MERGE, &Requirement::OF_MERGE[..]),
            ("release", key::REQUIRE_RELEASE, &Requirement::ALL[..]),
        ] {
            if let Some(gate) = table.table(name)? {
                self.read(key, gate.get("require"), |node| requirements(node, known))?;
                gate.finish()?;
            }
        }
        table.finish()
    }

    fn read(
        &mut self,
        key: &'static str,
        node: Option<Node<'_, '_>>,
        value: impl Fn(&Node<'_, '_>) -> Result<Value, Diagnostic>,
    ) -> Result<(), Diagnostic> {
        if let Some(node) = node {
            self.settings.push(Setting { key, value: value(&node)?, place: node.place() });
        }
        Ok(())
    }
}

fn strings(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    Ok(Value::Strings(node.strings()?))
}

/// An empty list of targets would judge nothing.
pub(super) fn not_empty(node: &Node<'_, '_>) -> Result<Vec<String>, Diagnostic> {
    match node.strings()? {
        list if list.is_empty() => {
            Err(node.fault("an empty list would judge nothing; write \"all\" for every target"))
        }
        list => Ok(list),
    }
}

fn level(node: &Node<'_, '_>) -> Result<Level, Diagnostic> {
    word(node, "level", [Level::Deny, Level::Warn, Level::Note, Level::Off], Level::as_str)
}

/// Reads what a gate requires, each thing once.
fn requirements(node: &Node<'_, '_>, known: &[Requirement]) -> Result<Value, Diagnostic> {
    let mut list = Vec::new();
    for entry in node.list()? {
        let requirement = word(&entry, "requirement", known, Requirement::name)?;
        if list.contains(&requirement) {
            return Err(entry.fault(format!("`{}` stands twice", requirement.name())));
        }
        list.push(requirement);
    }
    list.sort();
    Ok(Value::Requirements(list))
}

/// Reads one of a few words.
pub(crate) fn word<T: Copy>(
    node: &Node<'_, '_>,
    what: &str,
    known: impl AsRef<[T]>,
    name: fn(T) -> &'static str,
) -> Result<T, Diagnostic> {
    let (text, known) = (node.string()?, known.as_ref());
    known.iter().copied().find(|word| name(*word) == text).ok_or_else(|| {
        let help = suggest(text, known.iter().map(|word| name(*word)));
        node.fault(format!("unknown {what} `{}`", text.escape_debug())).help(help)
    })
}

/// Reads a number of days, of at most a century.
fn days(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    Ok(Value::Number(node.number(36_500)?))
}

/// Accepts a check's code, a family or `family/*`.
fn check_pattern(node: &Node<'_, '_>, pattern: &str) -> Result<String, Diagnostic> {
    if check::codes().any(|code| super::covers(pattern, code)) {
        return Ok(pattern.to_owned());
    }
    let families = check::families().map(|family| format!("{family}/*"));
    let known: Vec<String> = families.chain(check::codes().map(str::to_owned)).collect();
    let fault = format!("no check is called `{}`", pattern.escape_debug());
    Err(node.key_fault(fault).help(suggest(pattern, known.iter().map(String::as_str))))
}

/// Writes rules as an array of inline tables.
fn write_rules<T: Serialize>(f: &mut fmt::Formatter<'_>, rules: &[T]) -> fmt::Result {
    let values = rules.iter().map(toml::Value::try_from).collect::<Result<Vec<_>, _>>();
    write!(f, "{}", toml::Value::Array(values.map_err(|_| fmt::Error)?))
}

impl fmt::Display for Value {
    /// Writes the value as `weft.toml` would have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Severity(severity) => write!(f, "{:?}", severity.as_str()),
            Self::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
            Self::Barriers(list) => write_rules(f, list),
            Self::Boundaries(list) => write_rules(f, list),
            Self::Losses(losses) => {
                write!(f, "{}", toml::Value::try_from(losses).map_err(|_| fmt::Error)?)
            }
            Self::Provenance(expected) => {
                write!(f, "{}", toml::Value::try_from(expected).map_err(|_| fmt::Error)?)
            }
            Self::Requirements(list) => {
                let names: Vec<String> = list.iter().map(|r| format!("{:?}", r.name())).collect();
                write!(f, "[{}]", names.join(", "))
            }
            Self::Clarifications(list) => write_rules(f, list),
            Self::Denied(list) => write_rules(f, list),
            Self::FeatureRules(list) => write_rules(f, list),
            Self::LicenseExceptions(list) => write_rules(f, list),
            Self::Level(_, level) => write!(f, "{:?}", level.as_str()),
            Self::Features(Features::All) | Self::Targets(Targets::All) => f.write_str("\"all\""),
            Self::Features(Features::Default) => f.write_str("\"default\""),
            Self::Campaigns(list, _)
            | Self::Strings(list)
            | Self::Features(Features::List(list))
            | Self::Targets(Targets::List(list)) => {
                let items: Vec<String> =
                    list.iter().map(|item| toml::Value::from(item.as_str()).to_string()).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, message: &str, help: &str) {
        let fault = parse_layer("weft.toml", format!("schema = 1\n{text}").as_bytes()).unwrap_err();
        assert!(fault.message.contains(message), "{fault:?}");
        assert!(fault.help.unwrap_or_default().contains(help), "{text}");
        assert!(fault.span.is_some());
    }

    #[test]
    fn what_is_unknown_is_refused_with_a_suggestion() {
        check("profil = \"x\"", "unknown key `profil`", "did you mean `profile`?");
        check("[graph]\ntarget = []", "unknown key `target`", "did you mean `targets`?");
        check("[gate.mege]\nrequire = []", "unknown key `mege`", "did you mean `merge`?");
        check("[gate.merge]\nrequire = [\"sbom\"]", "unknown requirement `sbom`", "inventory");
        check(
            "[gate.release]\nrequire = [\"sbm\"]",
            "unknown requirement `sbm`",
            "did you mean `sbom`?",
        );
        check("[gate.release]\nrequire = [\"sbom\", \"sbom\"]", "stands twice", "");
        check(
            "[checks]\n\"topology/blas\" = \"off\"",
            "no check is called",
            "did you mean `topology/blast`?",
        );
        check(
            "[checks]\n\"licence/*\" = \"off\"",
            "no check is called",
            "did you mean `license/*`?",
        );
        check("[checks]\n\"topology\" = \"off\"", "for a check or for", "topology/*");
        check(
            "[checks]\n\"topology/blast\" = \"dany\"",
            "unknown level `dany`",
            "did you mean `deny`?",
        );
        check("[gate.audit]\nrequire = [\"sources\"]", "no check is called", "source/*");
    }

    #[test]
    fn values_that_would_judge_nothing_are_refused() {
        check("[graph]\ntargets = []", "would judge nothing", "");
        check("[topology]\nduplicate-versions = 0", "at least 1", "");
        check("[topology]\nblast-percent = 101", "from 0 to 100", "");
        check("[topology]\nblast-percent = -1", "from 0 to 100", "");
        check("[topology]\nblast-percent = 1.5", "from 0 to 100", "");
        check("[publishers]\nsingle-point-percent = 101", "from 0 to 100", "");
    }

    #[test]
    fn a_campaign_is_named_by_a_path_that_every_commit_shows() {
        for path in [
            "ours",
            "../ours.toml",
            "/ours.toml",
            "./ours.toml",
            ".weft/ours.toml",
            "a//b.toml",
            "a\\\\b.toml",
            "",
        ] {
            let text = format!("[risk]\ncampaigns = [\"{path}\"]");
            check(&text, "below the policy's directory", "campaigns/ours.toml");
        }
        check("[risk]\ncampaigns = [\"a.toml\", \"a.toml\"]", "stands twice", "");
        check("[risk]\ncampaigns = \"a.toml\"", "a list of strings", "");
        check("[risk]\ncampaign = []", "unknown key `campaign`", "did you mean `campaigns`?");
    }

    #[test]
    fn a_policy_states_its_schema() {
        let fault = |text: &str| parse_layer("weft.toml", text.as_bytes()).unwrap_err().message;
        assert!(fault("profile = \"local\"").contains("states no schema"));
        assert!(fault("schema = 2").contains("schema 2 is unknown"));
    }
}
