//! Family `license`: under which terms packages may be used.

mod not_allowed;
mod unknown;

pub use not_allowed::NotAllowed;
pub use unknown::Unknown;

use spdx::{Expression, Licensee};

use crate::check::Context;
use crate::facts::Terms;
use crate::inventory::Package;
use crate::policy::{Clarification, LicensePolicy, MODE};

/// What is known of a package's licence.
enum Known {
    /// An expression, and where it is from, as a part of a sentence.
    Stated(Box<Expression>, String),
    /// Nothing that counts: why.
    Nothing(String),
}

/// Reads each judged package's licence; those whose sources are not there are left out.
fn judged<'f>(context: &Context<'f>) -> Result<Vec<(u32, &'f Package, Known)>, String> {
    let inventory = context.inventory()?;
    let policy = &context.policy().licenses;
    if policy.allow.is_empty() {
        return Err("the policy lists no licences: `licenses.allow` is empty".to_owned());
    }
    let licenses = context.facts().licenses.as_ref().map_err(str::to_owned)?;
    let externals = inventory.judged_externals().into_iter();
    let packages = externals.map(|index| (index, inventory.package(index)));
    Ok(packages
        .filter_map(|(index, package)| {
            Some((index, package, known(policy, package, licenses.get(&package.id)?)))
        })
        .collect())
}

/// Says how many judged packages there is no source of, if there are any.
fn gap(context: &Context<'_>) -> Option<String> {
    let inventory = context.inventory().ok()?;
    let licenses = context.facts().licenses.as_ref().ok()?;
    let absent = |i: &u32| !licenses.contains_key(&inventory.package(*i).id);
    match inventory.judged_externals().into_iter().filter(absent).count() {
        0 => None,
        count => Some(format!(
            "Cargo's home directory lacks the sources of {count} of the judged packages; `cargo fetch --locked` brings them"
        )),
    }
}

fn known(policy: &LicensePolicy, package: &Package, terms: &Terms) -> Known {
    let about = |c: &&Clarification| {
        c.name == package.name && c.version.as_ref().is_none_or(|req| req.matches(&package.version))
    };
    if let Some(clarification) = policy.clarify.iter().find(about) {
        let changed = clarification.files.iter().find(|file| !terms.files.contains(file));
        return match changed {
            None => read(&clarification.expression, "by a clarification in the policy"),
            Some(file) => Known::Nothing(format!(
                "the policy clarifies it by {}, which is not the file that was read then",
                file.path
            )),
        };
    }
    if let Some(expression) = &terms.expression {
        return read(expression, "by its manifest");
    }
    let sure = u64::from(policy.confidence_percent) * 10;
    match &terms.text {
        Some(text) if u64::from(text.confidence_thousandths) >= sure => read(
            &text.license,
            &format!(
                "by the text of {}, matched with a confidence of {}%",
                text.path,
                tenths(text.confidence_thousandths)
            ),
        ),
        Some(text) => Known::Nothing(format!(
            "its manifest states none, and {} is like {} with a confidence of {}% alone",
            text.path,
            text.license,
            tenths(text.confidence_thousandths)
        )),
        None => Known::Nothing("its manifest states none, and no text of one is found".to_owned()),
    }
}

fn tenths(thousandths: u32) -> String {
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

fn read(expression: &str, from: &str) -> Known {
    match Expression::parse_mode(expression, MODE) {
        Ok(parsed) => Known::Stated(Box::new(parsed), format!("{expression} {from}")),
        Err(error) => Known::Nothing(format!(
            "it is stated as `{expression}`, which is not an SPDX expression: {}",
            error.reason
        )),
    }
}

/// Reads licences of the policy, which were checked when it was read.
fn licensees(list: &[String]) -> Vec<Licensee> {
    list.iter().filter_map(|text| Licensee::parse_mode(text, MODE).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::LicenseText;
    use crate::input::lockfile;
    use crate::inventory::from_lock;

    fn said(policy: &str, terms: &Terms) -> Result<String, String> {
        let policy = format!("schema = 1\nprofile = \"local\"\n{policy}");
        let mut layers = crate::policy::built_in("local").unwrap();
        layers.push(crate::policy::parse_layer("weft.toml", policy.as_bytes()).unwrap());
        let policy = crate::policy::combine(&layers).unwrap().policy.licenses;
        let lock = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.2.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        let inventory =
            from_lock(&lockfile::parse("Cargo.lock", lock.as_bytes()).unwrap(), &[], false);
        match known(&policy, &inventory.packages[0], terms) {
            Known::Stated(_, said) => Ok(said),
            Known::Nothing(why) => Err(why),
        }
    }

    fn text(confidence_thousandths: u32) -> Terms {
        let (license, path) = ("MIT".to_owned(), "LICENSE".to_owned());
        let text = Some(LicenseText { confidence_thousandths, license, path });
        Terms { text, ..Terms::default() }
    }

    #[test]
    fn a_text_counts_from_the_stated_confidence_on() {
        let policy = "[licenses]\nconfidence-percent = 93\n";
        let sure = said(policy, &text(930)).unwrap();
        assert_eq!(sure, "MIT by the text of LICENSE, matched with a confidence of 93.0%");
        let unsure = said(policy, &text(929)).unwrap_err();
        assert!(unsure.ends_with("is like MIT with a confidence of 92.9% alone"), "{unsure}");
        assert!(said(policy, &Terms::default()).is_err());
    }

    #[test]
    fn a_clarification_is_for_its_crate_its_versions_and_its_files() {
        let digest = "0".repeat(64);
        let policy = |name: &str, version: &str| {
            format!(
                "[[licenses.clarify]]\ncrate = \"{name}\"\nversion = \"{version}\"\nexpression = \"MIT\"\nfiles = [{{ path = \"L\", sha256 = \"{digest}\" }}]\n"
            )
        };
        let sha256 = digest.parse().unwrap();
        let files = vec![crate::policy::LicenseFile { path: "L".to_owned(), sha256 }];
        let terms = Terms { expression: Some("GPL-3.0-only".to_owned()), files, text: None };
        let clarified = "MIT by a clarification in the policy";
        assert_eq!(said(&policy("a", "1"), &terms).unwrap(), clarified);
        let by_manifest = "GPL-3.0-only by its manifest";
        assert_eq!(said(&policy("b", "1"), &terms).unwrap(), by_manifest);
        assert_eq!(said(&policy("a", "2"), &terms).unwrap(), by_manifest);
        let changed = Terms { files: Vec::new(), ..terms };
        assert!(said(&policy("a", "1"), &changed).unwrap_err().contains("not the file"));
    }
}
