//! A layout: who performs which steps, and what may go in and come out (in-toto specification 1.0 §4.3).

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use serde::Deserialize;

use super::metablock::demand_kind;
use super::rule::Rule;
use crate::digest::from_hex;
use crate::json::{self, Value};
use crate::key::PublicKey;
use crate::{Rejection, time};

/// The `_type` of a layout.
pub(super) const LAYOUT: &str = "layout";

/// The scheme of keys that is accepted.
const ED25519: &str = "ed25519";

/// A layout, whose keys, rules and names hold together.
#[derive(Debug)]
pub(super) struct Layout {
    /// The last second at which it is valid.
    pub(super) expires: u64,
    /// The same, as it is written.
    pub(super) expires_text: String,
    pub(super) steps: Vec<Step>,
    /// The names of inspections, which are not run.
    pub(super) inspections: Vec<String>,
}

/// A step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) threshold: NonZeroU32,
    pub(super) functionaries: Vec<Functionary>,
    pub(super) command: Vec<String>,
    pub(super) materials: Vec<Rule>,
    pub(super) products: Vec<Rule>,
}

/// Somebody who may perform a step.
#[derive(Debug)]
pub(super) struct Functionary {
    /// The first eight characters of the key's id, which the names of files have.
    pub(super) short_id: String,
    pub(super) key: PublicKey,
}

#[derive(Deserialize)]
struct Wire {
    expires: String,
    keys: BTreeMap<String, WireKey>,
    steps: Vec<WireStep>,
    #[serde(default)]
    inspect: Vec<WireInspection>,
}

#[derive(Deserialize)]
struct WireStep {
    name: String,
    threshold: u32,
    pubkeys: Vec<String>,
    #[serde(default)]
    expected_command: Vec<String>,
    expected_materials: Vec<Vec<String>>,
    expected_products: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct WireInspection {
    name: String,
}

/// A public key as in-toto and TUF write it.
#[derive(Deserialize)]
pub(crate) struct WireKey {
    keytype: String,
    scheme: String,
    keyval: WireKeyValue,
}

#[derive(Deserialize)]
struct WireKeyValue {
    #[serde(default)]
    public: Option<String>,
}

impl WireKey {
    /// Reads the key, by the scheme that it names itself.
    pub(crate) fn public(&self) -> Result<PublicKey, Rejection> {
        if let Some(found) = [&self.keytype, &self.scheme].into_iter().find(|s| *s != ED25519) {
            return Err(Rejection::KeyScheme { found: found.chars().take(40).collect() });
        }
        let digits = self.keyval.public.as_deref().and_then(from_hex);
        let bytes: Option<[u8; 32]> = digits.and_then(|bytes| bytes.try_into().ok());
        let message = "expected 64 lower-case hexadecimal digits";
        PublicKey::from_bytes(&bytes.ok_or(Rejection::KeyMalformed { message })?)
    }
}

impl Layout {
    /// Reads a layout that somebody who may has signed.
    pub(super) fn read(value: &Value) -> Result<Self, Rejection> {
        demand_kind(value, LAYOUT)?;
        let wire: Wire = json::from_value(value)?;
        let expires = time::instant(&wire.expires).ok_or_else(|| Rejection::MemberInvalid {
            path: "expires".to_owned(),
            message: "expected an instant, as 2030-01-31T00:00:00Z".to_owned(),
        })?;
        if wire.steps.is_empty() {
            return Err(Rejection::LayoutEmpty);
        }
        demand_names(&wire)?;
        let known: BTreeSet<&str> = wire.steps.iter().map(|step| step.name.as_str()).collect();
        let steps = wire.steps.iter().enumerate();
        let steps =
            steps.map(|(index, step)| step.read(&format!("steps[{index}]"), &wire.keys, &known));
        Ok(Self {
            expires,
            steps: steps.collect::<Result<_, Rejection>>()?,
            inspections: wire.inspect.iter().map(|inspection| inspection.name.clone()).collect(),
            expires_text: wire.expires,
        })
    }
}

/// Refuses names that stand twice: a link of one step would be one of another.
fn demand_names(wire: &Wire) -> Result<(), Rejection> {
    let steps = wire.steps.iter().map(|step| &step.name).enumerate();
    let inspections = wire.inspect.iter().map(|inspection| &inspection.name).enumerate();
    let steps = steps.map(|(index, name)| (format!("steps[{index}].name"), name));
    let inspections = inspections.map(|(index, name)| (format!("inspect[{index}].name"), name));
    let mut seen = BTreeSet::new();
    for (path, name) in steps.chain(inspections) {
        if name.is_empty() {
            let message = "expected a name that is not empty".to_owned();
            return Err(Rejection::MemberInvalid { path, message });
        }
        if !seen.insert(name) {
            return Err(Rejection::LayoutNameRepeated { path, name: name.clone() });
        }
    }
    Ok(())
}

impl WireStep {
    fn read(
        &self,
        path: &str,
        keys: &BTreeMap<String, WireKey>,
        steps: &BTreeSet<&str>,
    ) -> Result<Step, Rejection> {
        let mut functionaries = Vec::new();
        for (index, id) in self.pubkeys.iter().enumerate() {
            let key = keys.get(id).ok_or_else(|| Rejection::MemberInvalid {
                path: format!("{path}.pubkeys[{index}]"),
                message: "no key has this id".to_owned(),
            })?;
            functionaries.push(Functionary { short_id: short_id(id), key: key.public()? });
        }
        let zero = || Rejection::ThresholdZero { role: self.name.clone() };
        let threshold = NonZeroU32::new(self.threshold).ok_or_else(zero)?;
        // Keys are told apart by their bytes: one under two ids is one functionary.
        let distinct = functionaries.iter().map(|f| f.key).collect::<BTreeSet<_>>().len();
        if u32::try_from(distinct).is_ok_and(|keys| keys < threshold.get()) {
            let (role, threshold) = (self.name.clone(), threshold.get());
            return Err(Rejection::ThresholdUnreachable { role, threshold, keys: distinct });
        }
        demand_substituted(&self.expected_command, &format!("{path}.expected_command"))?;
        let rules = |list: &[Vec<String>], name: &str| {
            let rules = list.iter().enumerate();
            let rules = rules
                .map(|(index, words)| read_rule(words, &format!("{path}.{name}[{index}]"), steps));
            rules.collect::<Result<Vec<Rule>, Rejection>>()
        };
        Ok(Step {
            name: self.name.clone(),
            threshold,
            functionaries,
            command: self.expected_command.clone(),
            materials: rules(&self.expected_materials, "expected_materials")?,
            products: rules(&self.expected_products, "expected_products")?,
        })
    }
}

fn read_rule(words: &[String], path: &str, steps: &BTreeSet<&str>) -> Result<Rule, Rejection> {
    demand_substituted(words, path)?;
    let rule = Rule::read(words, path)?;
    // A misspelt step would silently match nothing.
    match rule.other_step().is_none_or(|step| steps.contains(step)) {
        true => Ok(rule),
        false => Err(Rejection::MemberInvalid {
            path: path.to_owned(),
            message: "no step has the name behind FROM".to_owned(),
        }),
    }
}

/// Refuses texts with a parameter, `{NAME}`, that nobody has put a value for.
fn demand_substituted(words: &[String], path: &str) -> Result<(), Rejection> {
    for (index, word) in words.iter().enumerate() {
        if let Some(name) = parameter(word) {
            let (path, name) = (format!("{path}[{index}]"), name.to_owned());
            return Err(Rejection::LayoutParameter { path, name });
        }
    }
    Ok(())
}

/// Returns the name of the first parameter in a text.
fn parameter(text: &str) -> Option<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut pieces = text.split('{');
    pieces.next();
    let mut names = pieces.filter_map(|piece| piece.split_once('}')).map(|(name, _)| name);
    names.find(|name| !name.is_empty() && name.chars().all(is_name))
}

/// Returns what names of files have of a key's id.
fn short_id(id: &str) -> String {
    id.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Limits, read};

    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn layout(change: &dyn Fn(&mut serde_json::Value)) -> Result<(), Rejection> {
        let key = serde_json::json!({"keytype": "ed25519", "scheme": "ed25519",
            "keyval": {"public": KEY, "private": ""}});
        let mut value = serde_json::json!({
            "_type": "layout", "expires": "2030-01-31T00:00:00Z", "readme": "",
            "keys": {"a1": key.clone(), "a2": key},
            "steps": [{"_type": "step", "name": "build", "threshold": 1, "pubkeys": ["a1"],
                "expected_command": ["make"], "expected_materials": [],
                "expected_products": [["DISALLOW", "*"]]}],
            "inspect": [{"_type": "inspection", "name": "scan", "run": ["true"]}],
        });
        change(&mut value);
        let value = read(value.to_string().as_bytes(), Limits::FOREIGN).unwrap();
        Layout::read(&value).map(drop)
    }

    #[test]
    fn a_layout_holds_together() {
        assert_eq!(layout(&|_| {}), Ok(()));
        let check = |change: &dyn Fn(&mut serde_json::Value), expected: Rejection| {
            assert_eq!(layout(change), Err(expected));
        };
        let invalid = |path: &str, message: &str| Rejection::MemberInvalid {
            path: path.to_owned(),
            message: message.to_owned(),
        };
        check(&|l| l["steps"] = serde_json::json!([]), Rejection::LayoutEmpty);
        check(
            &|l| l["steps"][0]["pubkeys"] = serde_json::json!(["a3"]),
            invalid("steps[0].pubkeys[0]", "no key has this id"),
        );
        check(
            &|l| l["steps"][0]["threshold"] = 0.into(),
            Rejection::ThresholdZero { role: "build".into() },
        );
        check(
            &|l| l["expires"] = "2030-01-31".into(),
            invalid("expires", "expected an instant, as 2030-01-31T00:00:00Z"),
        );
        check(
            &|l| l["steps"][0]["name"] = "scan".into(),
            Rejection::LayoutNameRepeated { path: "inspect[0].name".into(), name: "scan".into() },
        );
        let from = serde_json::json!([["MATCH", "*", "WITH", "PRODUCTS", "FROM", "scan"]]);
        check(
            &|l| l["steps"][0]["expected_materials"] = from.clone(),
            invalid("steps[0].expected_materials[0]", "no step has the name behind FROM"),
        );
        let parameter = |path: &str| Rejection::LayoutParameter {
            path: path.to_owned(),
            name: "VERSION".to_owned(),
        };
        check(
            &|l| l["steps"][0]["expected_command"][0] = "make-{VERSION}".into(),
            parameter("steps[0].expected_command[0]"),
        );
        check(
            &|l| l["steps"][0]["expected_products"][0][1] = "{}{VERSION}.crate".into(),
            parameter("steps[0].expected_products[0][1]"),
        );
    }

    #[test]
    fn one_key_under_two_ids_is_one_functionary() {
        let twice = layout(&|l| {
            l["steps"][0]["pubkeys"] = serde_json::json!(["a1", "a2"]);
            l["steps"][0]["threshold"] = 2.into();
        });
        let role = "build".to_owned();
        assert_eq!(twice, Err(Rejection::ThresholdUnreachable { role, threshold: 2, keys: 1 }));
    }

    #[test]
    fn a_functionarys_key_is_ed25519() {
        let scheme = |found: &str| Err(Rejection::KeyScheme { found: found.to_owned() });
        assert_eq!(layout(&|l| l["keys"]["a1"]["keytype"] = "rsa".into()), scheme("rsa"));
        let ecdsa = "ecdsa-sha2-nistp256";
        assert_eq!(layout(&|l| l["keys"]["a1"]["scheme"] = ecdsa.into()), scheme(ecdsa));
        // Nobody's key: it does no harm.
        assert_eq!(layout(&|l| l["keys"]["a2"]["keytype"] = "rsa".into()), Ok(()));
        let message = "expected 64 lower-case hexadecimal digits";
        assert_eq!(
            layout(&|l| l["keys"]["a1"]["keyval"]["public"] = "-----BEGIN".into()),
            Err(Rejection::KeyMalformed { message })
        );
        assert_eq!(
            layout(&|l| l["keys"]["a1"]["keyval"]["public"] = "00".repeat(32).into()),
            Err(Rejection::KeyWeak)
        );
    }
}
