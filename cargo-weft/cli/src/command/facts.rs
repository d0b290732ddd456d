//! Joins what the sources fetched with the parsers of the gate: the facts a decision is made from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use weft_gate::Place;
use weft_gate::advisory::Advisories;
use weft_gate::check::barrier;
use weft_gate::facts::{self, Contents, Facts, Known, LockfileState, Notice};
use weft_gate::input::{lockfile, manifest::Manifest, metadata};
use weft_gate::inventory::{self, Drift, Inventory, Package};
use weft_gate::policy::{Barrier, Level, Policy};

use super::{PrecisionChoice, Selection};
use crate::error::Error;
use crate::report;
use crate::source::workspace::{Fault, Tree};
use crate::source::{
    advisories, cargo, checkout, contents, evidence, exemptions, index, licenses, policy, promises,
    publishers, vouchers, workspace,
};

/// Facts, and what of the way there a person should see.
pub(super) struct Loaded {
    pub(super) facts: Facts,
    /// The workspace root, or the directory of the lockfile.
    pub(super) root: PathBuf,
    /// The checkout the root is in: none of its programs is run.
    checkout: PathBuf,
    /// Where the path of an advisory database in the policy begins.
    pub(super) database_root: PathBuf,
    /// The root of the base that is compared with, whose files say who publishes.
    pub(super) base_root: Option<PathBuf>,
    /// Whether it is judged beside another state of the tree.
    pub(super) is_compared: bool,
    /// Whether a lockfile was named and nothing else is read.
    selection_is_lockfile: bool,
    /// Faults in the tree's files.
    faults: Vec<Fault>,
    /// What Cargo said when it failed.
    said: Option<String>,
    /// What `cargo metadata` printed, if the graph was made of it.
    pub(super) metadata: Option<Vec<u8>>,
}

/// Why commands that show the graph alone do not know what a verdict needs.
const NOT_ASKED: &str = "it was not looked for";

const NO_MAP: &str = "there is no claims map in claims/; `cargo weft claims init` begins one";

const ONLY_A_LOCKFILE: &str = "only a lockfile was read";

/// Reads the workspace, or the lockfile, that the command line selects.
pub(super) fn load(selection: &Selection, as_of: Date) -> Result<Loaded, Error> {
    load_by(selection, as_of, None)
}

/// Reads it to be judged by the given policy; without one, by that which the command line or the workspace names.
pub(super) fn load_by(
    selection: &Selection,
    as_of: Date,
    rules: Option<&policy::Loaded>,
) -> Result<Loaded, Error> {
    let only_lockfile = selection.lockfile.is_some();
    if only_lockfile && selection.precision == PrecisionChoice::Metadata {
        return Err(Error::usage(
            "a lockfile alone cannot be known at metadata precision",
            "name the workspace with --manifest-path instead of --lockfile",
        ));
    }
    let tree = match &selection.lockfile {
        Some(path) => workspace::read_lockfile(path)?,
        None => workspace::read_workspace(selection.manifest_path.as_deref())?,
    };
    let policy = match rules {
        Some(rules) => rules.clone(),
        None => policy::load(selection.policy.as_deref(), &tree.root)?,
    };
    let mut draft = Draft {
        selection,
        tree,
        policy: &policy.effective.policy,
        said: None,
        metadata: None,
        stale: false,
        agrees: false,
    };
    let (inventory, drift) = draft.graph();
    let replacements = draft.replacements();
    let escapes = draft.escapes();
    let mut inputs = std::mem::take(&mut draft.tree.inputs);
    inputs.extend(policy.inputs);
    inputs.sort();
    let lockfile_name = draft.tree.lockfile_name.clone();
    let facts = Facts {
        advisories: Known::Unknown(NOT_ASKED.to_owned()),
        as_of,
        base: None,
        claims: Known::Unknown(NOT_ASKED.to_owned()),
        contents: Known::Unknown(NOT_ASKED.to_owned()),
        drift,
        escapes,
        exemptions: Vec::new(),
        inputs,
        inventory,
        licenses: Known::Unknown(NOT_ASKED.to_owned()),
        lockfile: match draft.tree.lockfile.is_some() || draft.tree.has_fault(&lockfile_name) {
            true => LockfileState::Present(lockfile_name),
            false => LockfileState::Missing(lockfile_name),
        },
        notices: std::mem::take(&mut draft.tree.notices),
        policy: policy.effective.policy.clone(),
        publishers: None,
        releases: Known::Unknown(NOT_ASKED.to_owned()),
        replacements,
        schema: facts::SCHEMA,
        vouched: None,
    };
    let Draft { tree, said, metadata, .. } = draft;
    let checkout = tree.checkout.clone();
    let database_root = tree.root.clone();
    Ok(Loaded {
        facts,
        root: tree.root,
        checkout,
        database_root,
        base_root: None,
        is_compared: false,
        selection_is_lockfile: only_lockfile,
        faults: tree.faults,
        said,
        metadata,
    })
}

impl Loaded {
    /// Adds what a verdict needs beside the graph: advisories, what registries say, and exemptions.
    ///
    /// # Errors
    ///
    /// A fault in the exemptions, with the place.
    pub(super) fn for_verdict(&mut self, advisory_db: Option<&Path>) -> Result<(), Error> {
        let exemptions = exemptions::load(&self.root)?;
        self.judge_by(advisory_db, &exemptions);
        self.add_claims(None)
    }

    /// Adds what risk is reckoned from beside the graph: how old versions are, and who vouches for them.
    pub(super) fn for_risk(&mut self) -> Result<(), Error> {
        self.facts.releases = index::releases(self.inventory()?);
        self.know_vouchers();
        Ok(())
    }

    /// Returns the same workspace with another graph, of which nothing else is known yet.
    pub(super) fn relocked(&self, inventory: Inventory) -> Self {
        Self {
            facts: Facts { inventory: Known::Value(inventory), ..self.facts.clone() },
            root: self.root.clone(),
            checkout: self.checkout.clone(),
            database_root: self.database_root.clone(),
            base_root: self.base_root.clone(),
            is_compared: self.is_compared,
            selection_is_lockfile: self.selection_is_lockfile,
            faults: Vec::new(),
            said: None,
            metadata: None,
        }
    }

    /// Adds exemptions alone.
    ///
    /// # Errors
    ///
    /// A fault in the exemptions, with the place.
    pub(super) fn add_exemptions(&mut self) -> Result<(), Error> {
        let exemptions = exemptions::load(&self.root)?;
        self.facts.exemptions = exemptions.list;
        self.facts.inputs.extend(exemptions.input);
        self.facts.inputs.sort();
        Ok(())
    }

    /// Adds what the workspace promises and the evidence for it; `base` is the root of the commit that it is compared
    /// with, whose roles count.
    ///
    /// # Errors
    ///
    /// A fault in a claims map or in a document that it names.
    pub(super) fn add_claims(&mut self, base: Option<&Path>) -> Result<(), Error> {
        if self.selection_is_lockfile {
            self.facts.claims = Known::Unknown(ONLY_A_LOCKFILE.to_owned());
            return Ok(());
        }
        let lexicon = &self.facts.policy.claims.lexicon;
        let (base_promises, base_patterns) = match base {
            Some(base) => {
                let of_head = promises::patterns(&self.root)?;
                (promises::load(base, lexicon, &of_head)?, promises::patterns(base)?)
            }
            None => (None, promises::Patterns::new()),
        };
        let head = promises::load(&self.root, lexicon, &base_patterns)?;
        let is_promised = head.is_some();
        let mut head = head.unwrap_or_default();
        if let Some(base) = &base_promises {
            head.promises.kept = promises::kept(&self.root, &base.promises, &head.promises)?;
        }
        self.facts.inputs.extend(head.inputs);
        let retired = base_promises.iter().flat_map(|base| &base.promises.claims);
        let retired = retired.filter(|claim| head.promises.claim(&claim.id).is_none());
        self.facts.notices.extend(retired.map(|claim| Notice {
            message: format!("the claim `{}` of the base is retired", claim.id),
            place: None,
        }));
        let both = base_promises.iter().flat_map(|base| &base.promises.claims);
        let both = both.filter_map(|old| Some((old, head.promises.claim(&old.id)?)));
        let handed_over = both.filter(|(old, new)| old.owner != new.owner);
        self.facts.notices.extend(handed_over.map(|(old, new)| Notice {
            message: format!(
                "`{}` was answered for by {}, and is by {}",
                new.id, old.owner, new.owner
            ),
            place: Some(new.place.clone()),
        }));
        self.facts.notices.sort();
        self.facts.claims = match is_promised {
            false => Known::Unknown(NO_MAP.to_owned()),
            true => Known::Value(evidence::claims(
                &self.root,
                base.unwrap_or(&self.root),
                self.facts.as_of,
                head.promises,
                base.map(|_| base_promises.unwrap_or_default().promises),
                &mut self.facts.inputs,
            )),
        };
        self.facts.inputs.sort();
        self.facts.inputs.dedup();
        Ok(())
    }

    /// Adds who publishes the packages from elsewhere, if a check asks.
    fn add_publishers(&mut self) {
        let asked = |(code, level): (&String, &Level)| {
            code.starts_with("maintainer/") && *level != Level::Off
        };
        if self.facts.policy.checks.iter().any(asked) {
            self.know_publishers();
        }
    }

    /// Adds who publishes the packages from elsewhere.
    pub(super) fn know_publishers(&mut self) {
        let inventory = match &self.facts.inventory {
            Known::Value(inventory) => inventory,
            Known::Unknown(reason) => {
                self.facts.publishers = Some(Known::Unknown(reason.clone()));
                return;
            }
        };
        let files = self.rule_files();
        let copies = redirected(&self.facts.replacements).is_none();
        let policy = &self.facts.policy.publishers;
        let loaded = publishers::load(inventory, policy, files, copies);
        self.facts.publishers = Some(loaded.publications);
        // To the head, those of a base are the base's inputs.
        if self.base_root.as_ref().is_none_or(|base| *base == self.root) {
            self.facts.inputs.extend(loaded.inputs);
            self.facts.inputs.sort();
        }
    }

    /// Adds the same with the given exemptions.
    pub(super) fn judge_by(&mut self, advisory_db: Option<&Path>, exemptions: &exemptions::Loaded) {
        self.facts.exemptions.clone_from(&exemptions.list);
        self.facts.inputs.extend(exemptions.input.clone());
        self.facts.inputs.sort();
        match &self.facts.inventory {
            Known::Value(inventory) => {
                let stated = &self.facts.policy.advisories.database;
                let directory = match (advisory_db, &**stated) {
                    (Some(named), _) => Some(named.to_owned()),
                    (None, "") => advisories::default_directory(),
                    (None, stated) => Some(self.database_root.join(stated)),
                };
                let is_changed = advisory_db.is_none()
                    && self.is_compared
                    && directory.as_ref().is_some_and(|directory| {
                        directory.exists() && !checkout::is_outside(directory, &self.database_root)
                    });
                let policy = &self.facts.policy.licenses;
                let (database, (releases, (licenses, contents))) = rayon::join(
                    || database(inventory, directory.as_deref(), &self.checkout),
                    || {
                        let licenses = || licenses::licenses(inventory, policy);
                        let contents = || contents(inventory, &self.facts.policy);
                        rayon::join(
                            || index::releases(inventory),
                            || rayon::join(licenses, contents),
                        )
                    },
                );
                self.facts.advisories = match is_changed {
                    false => database,
                    true => Known::Unknown(
                        "the advisory database lies in the tree, where a change can alter it; name one with --advisory-db"
                            .to_owned(),
                    ),
                };
                // Cargo's copies of a registry are not what is built where its packages are taken from elsewhere.
                let (contents, licenses) = match redirected(&self.facts.replacements) {
                    None => (contents, licenses),
                    Some(why) => (Known::Unknown(why.clone()), Known::Unknown(why)),
                };
                self.facts.contents = contents;
                self.facts.licenses = licenses;
                self.facts.releases = releases;
                self.facts.notices.extend(namesakes(inventory, &self.facts.advisories));
                self.facts.notices.extend(strays(inventory, &self.facts.policy));
                self.facts.notices.sort();
            }
            Known::Unknown(reason) => {
                self.facts.advisories = Known::Unknown(reason.clone());
                self.facts.contents = Known::Unknown(reason.clone());
                self.facts.licenses = Known::Unknown(reason.clone());
                self.facts.releases = Known::Unknown(reason.clone());
            }
        }
        self.add_publishers();
        self.know_vouchers();
    }

    /// Adds who vouches for packages, if a barrier asks.
    fn know_vouchers(&mut self) {
        let Known::Value(inventory) = &self.facts.inventory else { return };
        let (tree, files) = (&self.root, self.rule_files());
        let asked = vouchers::load(&self.facts.policy, inventory, tree, files, self.facts.as_of);
        let Some(loaded) = asked else { return };
        // To the head, the rules of a base are the base's inputs, and what is signed lies in the head.
        let is_ruled_here = self.base_root.as_ref().is_none_or(|base| *base == self.root);
        self.facts.inputs.extend(loaded.rules.into_iter().filter(|_| is_ruled_here));
        self.facts.inputs.extend(loaded.signed);
        let unread = loaded.unread.into_iter();
        self.facts.notices.extend(unread.map(|message| Notice { message, place: None }));
        self.facts.notices.sort();
        self.facts.inputs.sort();
        self.facts.inputs.dedup();
        self.facts.vouched = Some(loaded.vouched);
    }

    /// Returns whose files say by what is judged: those of the base, where there is one.
    fn rule_files(&self) -> publishers::Files<'_> {
        match &self.base_root {
            Some(base) => publishers::Files::Below(base),
            None if self.is_compared => publishers::Files::None,
            None => publishers::Files::Below(&self.root),
        }
    }

    /// Shows on standard error what a report has no place for.
    pub(super) fn show_faults(&self) {
        for fault in &self.faults {
            report::diagnostic::show(&fault.diagnostic, &fault.text);
        }
        if let Some(said) = &self.said {
            report::diagnostic::show_quoted("cargo metadata said", said);
        }
    }

    /// Leaves out the exemptions of the tree: nobody but what is judged vouches for them.
    pub(super) fn leave_exemptions(&mut self) {
        if std::mem::take(&mut self.facts.exemptions).is_empty() {
            return;
        }
        self.facts.inputs.retain(|input| input.name != exemptions::FILE);
        let message = format!("{} lies in what is judged, and is not obeyed", exemptions::FILE);
        self.facts.notices.push(Notice { message, place: None });
        self.facts.notices.sort();
    }

    /// Returns the inventory, for commands that are about nothing else.
    pub(super) fn inventory(&self) -> Result<&Inventory, Error> {
        self.show_faults();
        let reason = |reason: &str| match self.faults.is_empty() {
            true => reason.to_owned(),
            false => "see the fault above".to_owned(),
        };
        self.facts.inventory.as_ref().map_err(|why| Error::NoGraph { reason: reason(why) })
    }
}

/// Says where packages of a registry are taken from elsewhere, if they are.
pub(super) fn redirected(replacements: &Known<Vec<facts::Replacement>>) -> Option<String> {
    let replacements = replacements.as_ref().ok()?;
    let redirection = replacements.iter().find(|r| r.what.starts_with("source `"))?;
    Some(format!(
        "{} redirects {} to {}, and what lies there is not looked at",
        redirection.place.file, redirection.what, redirection.with
    ))
}

/// Looks at sources only if a check asks for it.
fn contents(inventory: &Inventory, policy: &Policy) -> Known<Contents> {
    let asked = policy
        .checks
        .iter()
        .any(|(code, level)| code.starts_with("content/") && *level != Level::Off);
    match asked {
        true => contents::contents(inventory),
        false => Known::Unknown("the policy switches these checks off".to_owned()),
    }
}

fn database(inventory: &Inventory, directory: Option<&Path>, checkout: &Path) -> Known<Advisories> {
    let Some(directory) = directory else {
        return Known::Unknown("there is no Cargo home directory to keep advisories in".to_owned());
    };
    let names: BTreeSet<&str> = inventory.packages.iter().map(|p| &*p.name).collect();
    match advisories::load(directory, checkout, &names) {
        Ok(advisories) => Known::Value(advisories),
        Err(reason) => Known::Unknown(reason),
    }
}

/// Tells of barriers that guard nothing, and of losses of nobody, since a name may be misspelled.
fn strays(inventory: &Inventory, policy: &Policy) -> Vec<Notice> {
    let of = |barrier: &Barrier| {
        let kind = barrier.kind();
        let names = barrier::strays(inventory, barrier).into_iter();
        let message = move |name: &str| {
            format!("a barrier `{kind}` guards nothing: no package of the graph is called {name}")
        };
        names.map(message).collect::<Vec<String>>()
    };
    let members = inventory.packages.iter().filter(|package| package.member);
    let members: BTreeSet<&str> = members.map(|package| &*package.name).collect();
    let losses = policy.risk.losses.keys().filter(|name| !members.contains(&***name));
    let losses =
        losses.map(|name| format!("`risk.losses` names {name}, and no member is called so"));
    let messages = policy.barriers.iter().flat_map(of).chain(losses);
    messages.map(|message| Notice { message, place: None }).collect()
}

/// Tells of packages that an advisory would be about if they came from crates.io.
fn namesakes(inventory: &Inventory, advisories: &Known<Advisories>) -> Vec<Notice> {
    let Known::Value(advisories) = advisories else { return Vec::new() };
    let elsewhere = || inventory.packages.iter().filter(|p| !p.member && !p.source.is_crates_io());
    let about = |package: &Package| -> Vec<&str> {
        let entries = advisories.entries.iter();
        entries
            .filter(|a| a.package == package.name && a.affects(&package.version))
            .map(|a| &*a.id)
            .collect()
    };
    let told = elsewhere().map(|package| (package, about(package)));
    told.filter(|(_, ids)| !ids.is_empty())
        .map(|(package, ids)| Notice {
            message: format!(
                "{} is not from crates.io, so {} of its namesake there {} not applied to it",
                package.spec(),
                ids.join(", "),
                if ids.len() == 1 { "is" } else { "are" }
            ),
            place: Some(package.place.clone()),
        })
        .collect()
}

struct Draft<'a> {
    selection: &'a Selection,
    tree: Tree,
    policy: &'a Policy,
    said: Option<String>,
    metadata: Option<Vec<u8>>,
    stale: bool,
    /// Cargo has read the workspace with `--locked`.
    agrees: bool,
}

impl Draft<'_> {
    fn graph(&mut self) -> (Known<Inventory>, Known<Vec<Drift>>) {
        let unknown = |reason: String| (Known::Unknown(reason.clone()), Known::Unknown(reason));
        if let Some(fault) = self.tree.faults.first() {
            return unknown(report::diagnostic::placed(&fault.diagnostic, &fault.text));
        }
        let Some(bytes) = &self.tree.lockfile else {
            return unknown("there is no Cargo.lock".to_owned());
        };
        let lockfile = match lockfile::parse(&self.tree.lockfile_name, bytes) {
            Ok(lockfile) => lockfile,
            Err(diagnostic) => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let reason = report::diagnostic::placed(&diagnostic, &text);
                self.tree.faults.push(Fault { diagnostic, text });
                return unknown(reason);
            }
        };
        let manifests = std::mem::take(&mut self.tree.manifests);
        let inventory = self.inventory(&lockfile, &manifests);
        let drift = self.drift(&lockfile, &manifests);
        self.tree.manifests = manifests;
        (inventory, drift)
    }

    fn inventory(
        &mut self,
        lockfile: &lockfile::Lockfile,
        manifests: &[Manifest],
    ) -> Known<Inventory> {
        let dev_dependencies = self.policy.graph.dev_dependencies;
        let is_whole = !self.tree.incomplete;
        let at_lock = || match is_whole {
            true => inventory::from_lock(lockfile, manifests, dev_dependencies),
            false => inventory::from_lock_in_part(lockfile, manifests, dev_dependencies),
        };
        let wanted = match self.selection.lockfile {
            Some(_) => PrecisionChoice::Lock,
            None => self.selection.precision,
        };
        if wanted == PrecisionChoice::Lock {
            return Known::Value(at_lock());
        }
        if let Some(opaque) = &self.tree.opaque {
            let reason = format!("cargo is not run, since it would follow {opaque}");
            return self.without_cargo(&reason, at_lock);
        }
        let arguments: Vec<String> =
            // The nearest file wins, and the last argument does.
            self.tree.configs.iter().rev().flat_map(|c| c.arguments.clone()).collect();
        match cargo::metadata(
            &self.tree.root,
            &self.tree.checkout,
            &arguments,
            self.selection.online,
        ) {
            // Once Cargo has answered there is no way back: what does not fit is a fault, not a reason to judge
            // something else.
            Ok(bytes) => match self.at_metadata(&bytes, lockfile, manifests) {
                Ok(inventory) => {
                    self.agrees = true;
                    self.metadata = Some(bytes);
                    Known::Value(inventory)
                }
                Err(reason) => Known::Unknown(reason),
            },
            Err(failure) if failure.refused => {
                self.said = Some(failure.details);
                Known::Unknown(failure.reason.to_owned())
            }
            Err(failure) => {
                self.stale = failure.stale;
                self.said = Some(failure.details).filter(|said| !said.is_empty());
                self.without_cargo(failure.reason, at_lock)
            }
        }
    }

    /// Falls back to lock precision and says so, unless metadata precision was asked for.
    fn without_cargo(&mut self, reason: &str, at_lock: impl Fn() -> Inventory) -> Known<Inventory> {
        if self.selection.precision == PrecisionChoice::Metadata {
            return Known::Unknown(format!("metadata precision was asked for: {reason}"));
        }
        let message = format!("judged at lock precision: {reason}");
        self.tree.notices.push(Notice { message, place: None });
        Known::Value(at_lock())
    }

    fn at_metadata(
        &self,
        bytes: &[u8],
        lockfile: &lockfile::Lockfile,
        manifests: &[Manifest],
    ) -> Result<Inventory, String> {
        let metadata = metadata::parse(bytes).map_err(|e| e.to_string())?;
        inventory::from_metadata(lockfile, manifests, &metadata, &self.policy.graph)
    }

    fn drift(&self, lockfile: &lockfile::Lockfile, manifests: &[Manifest]) -> Known<Vec<Drift>> {
        if manifests.is_empty() {
            return Known::Unknown(ONLY_A_LOCKFILE.to_owned());
        }
        // Under --locked Cargo answers only if it would change nothing.
        if self.agrees {
            return Known::Value(Vec::new());
        }
        let patched: Vec<String> =
            self.tree.configs.iter().flat_map(|c| c.patched.clone()).collect();
        let mut drift = inventory::drift(lockfile, manifests, &patched, self.tree.incomplete);
        if drift.is_empty() && self.stale {
            drift.push(Drift {
                place: Place::whole(&self.tree.lockfile_name),
                sentence: "cargo would change the lockfile before it builds".to_owned(),
                subject: self.tree.lockfile_name.clone(),
            });
        }
        Known::Value(drift)
    }

    /// Says why the files beside the lockfile are not all known, if they are not.
    fn unread(&self) -> Option<String> {
        if self.selection.lockfile.is_some() {
            return Some(ONLY_A_LOCKFILE.to_owned());
        }
        let lockfile = &self.tree.lockfile_name;
        let fault = self.tree.faults.iter().find(|fault| fault.diagnostic.file != *lockfile)?;
        Some(report::diagnostic::placed(&fault.diagnostic, &fault.text))
    }

    fn escapes(&mut self) -> Known<Vec<facts::Escape>> {
        let mut escapes = std::mem::take(&mut self.tree.escapes);
        escapes.sort();
        match self.unread() {
            // What was found is told, though there may be more.
            Some(reason) if escapes.is_empty() => Known::Unknown(reason),
            _ => Known::Value(escapes),
        }
    }

    fn replacements(&self) -> Known<Vec<facts::Replacement>> {
        let found = self.tree.replacements();
        match self.unread() {
            Some(reason) if found.is_empty() => return Known::Unknown(reason),
            _ => {}
        }
        let mut configs = self.tree.configs.iter().chain(&self.tree.nested);
        match configs.find_map(|config| config.include.as_ref()) {
            Some(place) => Known::Unknown(format!(
                "{} includes other files, which weft does not read",
                place.file
            )),
            None => Known::Value(found),
        }
    }
}

impl Tree {
    fn has_fault(&self, file: &str) -> bool {
        self.faults.iter().any(|fault| fault.diagnostic.file == file)
    }
}
