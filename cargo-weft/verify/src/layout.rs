//! in-toto layouts, version 1.0: the steps of a supply chain, performed by those who may, and linked by digests.
//!
//! A layout says who performs which step, and which artifacts may go in and come out; links are what functionaries
//! signed about the steps that they performed.
//! [`verify`] is §5.2 of the specification up to the inspections: those are commands, and this crate runs nothing.
//! A [`Chain`] names them, so that a caller can be inconclusive.
//!
//! Both wrappings are read, DSSE and the legacy one.
//! Keys are Ed25519 alone; parameters are not substituted, and a layout that has some is refused.
//!
//! It differs from the reference where that takes too much: a link counts for the step that its own `name` says, keys
//! are told apart by their bytes, and a path has one spelling.

mod glob;
mod link;
pub(crate) mod metablock;
pub(crate) mod model;
mod olpc;
mod rule;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Deref;

use self::link::Link;
pub use self::link::{Artifacts, Digests};
use self::metablock::{Metablock, kind};
use self::model::{LAYOUT, Layout, Step};
use self::rule::{List, apply};
use crate::digest::Artifact;
use crate::json::Value;
use crate::key::PublicKey;
use crate::{AsOf, Rejection, Verified};

/// How deep layouts may be nested in layouts.
pub const MAX_DEPTH: usize = 8;

/// The most links that are read, those of nested layouts included.
pub const MAX_LINKS: usize = 1024;

/// A layout with all that is needed to verify it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The layout as its file holds it.
    pub layout: Vec<u8>,
    /// The trusted keys, every one of which must have signed the layout.
    pub keys: Vec<PublicKey>,
    /// The links.
    pub directory: Directory,
}

/// A directory of links.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// Files by name: `STEP.KEYID.link`, where `KEYID` is the first eight characters of the id.
    pub links: BTreeMap<String, Vec<u8>>,
    /// Directories of nested layouts by name: `STEP.KEYID`.
    pub directories: BTreeMap<String, Directory>,
}

/// Where a nested layout has no directory, it has no links.
static NOTHING: Directory = Directory { links: BTreeMap::new(), directories: BTreeMap::new() };

/// A supply chain that was performed as its layout says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The last second at which the layout is valid.
    pub expires: u64,
    /// Its steps, in the order of the layout.
    pub steps: Vec<Performed>,
    /// The inspections, which are unsupported and were not evaluated; those of a nested layout as
    /// `STEP.KEYID/NAME`.
    pub inspections: Vec<String>,
    /// What does not fit, and refuses nothing.
    pub warnings: Vec<Warning>,
    /// What the first step took.
    pub materials: Artifacts,
    /// What the last step made.
    pub products: Artifacts,
}

/// A step that enough functionaries performed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// The name of the step.
    pub name: String,
    /// How many functionaries have to perform it.
    pub threshold: NonZeroU32,
    /// Those who did, in the order of their files' names.
    pub functionaries: Vec<PublicKey>,
    /// The files that do not count, and why.
    pub uncounted: UncountedLinks,
}

/// Something that does not fit, and refuses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A functionary ran another command than the layout expects.
    Command {
        /// The file of the link, that of a nested layout with the name of its directory.
        link: String,
        /// The command that the layout expects.
        expected: Vec<String>,
        /// The command that the link names.
        found: Vec<String>,
    },
    /// No rule is about these artifacts, and none forbids them.
    Unmatched {
        /// The step, that of a nested layout with the name of its directory.
        step: String,
        /// `materials` or `products`.
        list: &'static str,
        /// Their paths.
        artifacts: Vec<String>,
    },
}

/// Links that do not count, by the name of the file, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UncountedLinks(Vec<(String, Rejection)>);

impl Deref for UncountedLinks {
    type Target = [(String, Rejection)];

    fn deref(&self) -> &[(String, Rejection)] {
        &self.0
    }
}

impl fmt::Display for UncountedLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.iter().map(|(file, why)| format!("{file}: {why}")).collect();
        f.write_str(&lines.join("; "))
    }
}

impl Chain {
    /// Says whether all of the layout was evaluated, which is so if it has no inspections.
    pub fn is_complete(&self) -> bool {
        self.inspections.is_empty()
    }

    /// Returns the path of the product that is this artifact, by a strong digest and against none.
    pub fn product_for(&self, artifact: &Artifact) -> Option<&str> {
        let found = self.products.iter().find(|(_, digests)| digests.are_of(artifact));
        found.map(|(path, _)| path.as_str())
    }
}

impl Directory {
    /// Counts the links, and refuses what is nested too deep.
    fn count(&self, depth: usize) -> Result<usize, Rejection> {
        if depth > MAX_DEPTH {
            return Err(Rejection::LayoutTooDeep { limit: MAX_DEPTH });
        }
        let inner = self.directories.values().map(|directory| directory.count(depth + 1));
        Ok(self.links.len().saturating_add(inner.sum::<Result<usize, Rejection>>()?))
    }

    /// Iterates over the files of a step: name, first characters of the key's id, and bytes.
    fn of_step(&self, step: &str) -> impl Iterator<Item = (&str, &str, &[u8])> {
        let start = format!("{step}.");
        self.links.iter().filter_map(move |(file, bytes)| {
            let short_id = file.strip_prefix(&start)?.strip_suffix(".link")?;
            // The file of a step whose name begins alike is another's.
            (!short_id.contains('.')).then_some((file.as_str(), short_id, bytes.as_slice()))
        })
    }
}

/// Verifies that a supply chain was performed as its layout says.
///
/// # Errors
///
/// Any rejection of the families `json`, `record`, `envelope`, `metadata` and `layout` for the layout;
/// [`Rejection::ThresholdZero`] if no key is trusted, [`Rejection::KeyRepeated`] if one is twice, and
/// [`Rejection::LayoutUnsigned`] if one did not sign.
/// Links that cannot be read or may not count are the reasons within [`Rejection::StepUnmet`].
///
/// ```
/// use weft_verify::layout::{self, Bundle, Directory};
/// use weft_verify::{AsOf, Rejection};
///
/// let bundle = Bundle { layout: b"{}".to_vec(), keys: vec![], directory: Directory::default() };
/// assert_eq!(
///     layout::verify(&bundle, AsOf::second(1_795_478_400)),
///     Err(Rejection::ThresholdZero { role: "layout".into() })
/// );
/// ```
pub fn verify(bundle: &Bundle, as_of: AsOf) -> Result<Verified<Chain>, Rejection> {
    let found = bundle.directory.count(0)?;
    if found > MAX_LINKS {
        return Err(Rejection::LayoutTooManyLinks { found, limit: MAX_LINKS });
    }
    if bundle.keys.is_empty() {
        return Err(Rejection::ThresholdZero { role: LAYOUT.to_owned() });
    }
    for (index, key) in bundle.keys.iter().enumerate() {
        if let Some(first) = bundle.keys[..index].iter().position(|earlier| earlier == key) {
            let (path, first) = (format!("keys[{index}]"), format!("keys[{first}]"));
            return Err(Rejection::KeyRepeated { path, first });
        }
    }
    let metablock = Metablock::from_slice(&bundle.layout)?;
    for key in &bundle.keys {
        if metablock.signer(&[*key]).is_err() {
            return Err(Rejection::LayoutUnsigned { key: key.to_string() });
        }
    }
    follow(&metablock.value()?, &bundle.directory, 0, as_of).map(Verified::new)
}

/// Verifies a layout that its owners have signed.
fn follow(
    value: &Value,
    directory: &Directory,
    depth: usize,
    as_of: AsOf,
) -> Result<Chain, Rejection> {
    if depth > MAX_DEPTH {
        return Err(Rejection::LayoutTooDeep { limit: MAX_DEPTH });
    }
    let layout = Layout::read(value)?;
    if as_of.latest() > layout.expires {
        return Err(Rejection::MetadataExpired { expires: layout.expires_text });
    }
    let mut chain = Chain {
        expires: layout.expires,
        steps: Vec::new(),
        inspections: layout.inspections,
        warnings: Vec::new(),
        materials: Artifacts::new(),
        products: Artifacts::new(),
    };
    let mut links = BTreeMap::new();
    for step in &layout.steps {
        links.insert(step.name.as_str(), perform(step, directory, depth, as_of, &mut chain)?);
    }
    for step in &layout.steps {
        for (list, rules) in [(List::Materials, &step.materials), (List::Products, &step.products)]
        {
            let artifacts = apply(&step.name, list, rules, &links)?;
            if !artifacts.is_empty() {
                let (step, list) = (step.name.clone(), list.name());
                chain.warnings.push(Warning::Unmatched { step, list, artifacts });
            }
        }
    }
    if let (Some(first), Some(last)) = (layout.steps.first(), layout.steps.last()) {
        let link = |step: &Step| links.get(step.name.as_str());
        chain.materials = link(first).map(|link| link.materials.clone()).unwrap_or_default();
        chain.products = link(last).map(|link| link.products.clone()).unwrap_or_default();
    }
    Ok(chain)
}

/// A link that counts.
struct Counted<'a> {
    file: &'a str,
    key: PublicKey,
    link: Link,
    /// The chain of a nested layout.
    nested: Option<Chain>,
}

/// Finds the links of a step, adds what is to be said about them to the chain, and returns one of them.
fn perform(
    step: &Step,
    directory: &Directory,
    depth: usize,
    as_of: AsOf,
    chain: &mut Chain,
) -> Result<Link, Rejection> {
    let mut counted: Vec<Counted<'_>> = Vec::new();
    let mut uncounted = Vec::new();
    let mut found = 0;
    for (file, short_id, bytes) in directory.of_step(&step.name) {
        found += 1;
        let judged = judge(step, short_id, bytes, directory, depth, as_of);
        let why = match judged {
            Ok((key, link, nested)) => {
                let first = counted.iter().position(|first| first.key == key);
                let Some(first) = first else {
                    counted.push(Counted { file, key, link, nested });
                    continue;
                };
                Rejection::LinkRepeated { first: counted[first].file.to_owned() }
            }
            // A bound that is passed is no matter of one link.
            Err(why @ Rejection::LayoutTooDeep { .. }) => return Err(why),
            Err(why) => why,
        };
        uncounted.push((file.to_owned(), why));
    }
    let threshold = step.threshold;
    if !u32::try_from(counted.len()).is_ok_and(|counted| counted >= threshold.get()) {
        let (step, threshold) = (step.name.clone(), threshold.get());
        return Err(match uncounted.is_empty() {
            true => Rejection::LinkMissing { step, threshold, found },
            false => Rejection::StepUnmet {
                step,
                threshold,
                counted: counted.len(),
                uncounted: UncountedLinks(uncounted),
            },
        });
    }
    let functionaries = counted.iter().map(|counted| counted.key).collect();
    let mut agreed: Option<(&str, Link)> = None;
    for Counted { file, link, nested, .. } in counted {
        if let Some((first, agreed)) = &agreed
            && let Some(path) = agreed.differs_from(&link)
        {
            let (step, first, second) = (step.name.clone(), (*first).to_owned(), file.to_owned());
            return Err(Rejection::LinksDisagree { step, first, second, path });
        }
        if !step.command.is_empty() && step.command != link.command {
            chain.warnings.push(Warning::Command {
                link: file.to_owned(),
                expected: step.command.clone(),
                found: link.command.clone(),
            });
        }
        if let Some(nested) = nested {
            chain.adopt(nested, file.strip_suffix(".link").unwrap_or(file));
        }
        agreed = agreed.or(Some((file, link)));
    }
    let uncounted = UncountedLinks(uncounted);
    chain.steps.push(Performed { name: step.name.clone(), threshold, functionaries, uncounted });
    // The threshold is one at least, so that there is a link.
    let missing = Rejection::LinkMissing { step: step.name.clone(), threshold: 1, found };
    agreed.map(|(_, link)| link).ok_or(missing)
}

/// Says who signed a file of a step, and what it says; that of a nested layout is what it amounts to.
fn judge(
    step: &Step,
    short_id: &str,
    bytes: &[u8],
    directory: &Directory,
    depth: usize,
    as_of: AsOf,
) -> Result<(PublicKey, Link, Option<Chain>), Rejection> {
    let named = step.functionaries.iter().filter(|functionary| functionary.short_id == short_id);
    let candidates: Vec<PublicKey> = named.map(|functionary| functionary.key).collect();
    if candidates.is_empty() {
        return Err(Rejection::LinkUnauthorised { step: step.name.clone() });
    }
    let metablock = Metablock::from_slice(bytes)?;
    let key = metablock.signer(&candidates)?;
    let value = metablock.value()?;
    match kind(&value)? {
        // The functionary has delegated the step, and is the owner of the layout.
        LAYOUT => {
            let inner = directory.directories.get(&format!("{}.{short_id}", step.name));
            let chain = follow(&value, inner.unwrap_or(&NOTHING), depth + 1, as_of)?;
            let (materials, products) = (chain.materials.clone(), chain.products.clone());
            // What a nested layout expects of its commands it says itself.
            let link = Link { command: step.command.clone(), materials, products };
            Ok((key, link, Some(chain)))
        }
        _ => Ok((key, Link::read(&value, &step.name)?, None)),
    }
}

impl Chain {
    /// Takes over what is to be said about a nested layout.
    fn adopt(&mut self, nested: Self, directory: &str) {
        let below = |name: String| format!("{directory}/{name}");
        self.inspections.extend(nested.inspections.into_iter().map(below));
        self.warnings.extend(nested.warnings.into_iter().map(|warning| match warning {
            Warning::Command { link, expected, found } => {
                Warning::Command { link: below(link), expected, found }
            }
            Warning::Unmatched { step, list, artifacts } => {
                Warning::Unmatched { step: below(step), list, artifacts }
            }
        }));
    }
}
