#![doc = include_str!("build_script.md")]

use super::{contents, gap};
use crate::check::{Check, Context, each};
use crate::content::DeedKind;
use crate::finding::Finding;

/// See the module's page.
pub struct BuildScript;

impl Check for BuildScript {
    fn code(&self) -> &'static str {
        "content/build-script"
    }

    fn page(&self) -> &'static str {
        include_str!("build_script.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let found = contents(context)?.into_iter().filter(|(_, c)| !c.build.is_empty());
        Ok(each(found, |(index, content)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let does = |kind| content.build.iter().any(|deed| deed.kind == kind);
            let what = match (does(DeedKind::Process), does(DeedKind::Network)) {
                (true, true) => "starts processes and reaches the network",
                (true, false) => "starts processes",
                (false, _) => "reaches the network",
            };
            let deeds: Vec<String> =
                content.build.iter().map(|d| format!("line {}: {}", d.line, d.words)).collect();
            let sentence =
                format!("The build script of {} {what}: {}.", package.spec(), deeds.join(", "));
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy("Read the script: it runs on every machine that builds.")
                .field("deeds", deeds)
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        gap(context)
    }
}
