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
