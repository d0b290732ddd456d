#![doc = include_str!("unknown.md")]

use super::{Known, gap, judged};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Unknown;

impl Check for Unknown {
    fn code(&self) -> &'static str {
        "license/unknown"
    }

    fn page(&self) -> &'static str {
        include_str!("unknown.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let unknown =
            judged(context)?.into_iter().filter_map(|(index, package, known)| match known {
                Known::Nothing(why) => Some((index, package, why)),
                Known::Stated(..) => None,
            });
        Ok(each(unknown, |(index, package, why)| {
            let introduction = context.introduction(index);
            let sentence = format!("The licence of {} is not known: {why}.", package.spec());
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy("Read its files, and add what they say to `licenses.clarify` in weft.toml.")
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        gap(context)
    }
}
