//! Family `content`: what lies in the sources of packages.

mod binary;
mod build_script;
mod dirty;

pub use binary::Binary;
pub use build_script::BuildScript;
pub use dirty::Dirty;

use crate::check::Context;
use crate::content::Content;

/// Pairs the judged packages from elsewhere with what lies in their sources.
fn contents<'f>(context: &Context<'f>) -> Result<Vec<(u32, &'f Content)>, String> {
    let inventory = context.inventory()?;
    let contents = context.facts().contents.as_ref().map_err(str::to_owned)?;
    let judged = inventory.present_externals().into_iter();
    Ok(judged.filter_map(|i| Some((i, contents.get(&inventory.package(i).id)?))).collect())
}

/// Says what could not be looked at, if there is any.
fn gap(context: &Context<'_>) -> Option<String> {
    let inventory = context.inventory().ok()?;
    let contents = context.facts().contents.as_ref().ok()?;
    let judged = inventory.present_externals();
    let absent = judged.iter().filter(|i| !contents.contains_key(&inventory.package(**i).id));
    match absent.count() {
        0 => {}
        count => {
            return Some(format!(
                "Cargo's home directory lacks the sources of {count} of the judged packages; `cargo fetch --locked` brings them"
            ));
        }
    }
    let unread = judged.iter().find_map(|index| {
        let package = inventory.package(*index);
        Some((package, contents.get(&package.id)?.unread.first()?))
    });
    unread.map(|(package, why)| format!("of {}, {why}", package.spec()))
}
