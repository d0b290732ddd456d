#![doc = include_str!("not_allowed.md")]

use std::collections::BTreeSet;

use super::{Known, gap, judged, licensees};
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Package;
use crate::policy::LicenseException;

/// See the module's page.
pub struct NotAllowed;

impl Check for NotAllowed {
    fn code(&self) -> &'static str {
        "license/not-allowed"
    }

    fn page(&self) -> &'static str {
        include_str!("not_allowed.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let policy = &context.policy().licenses;
        let general = licensees(&policy.allow);
        let excepted = |package: &Package| {
            let about = |e: &&LicenseException| {
                e.name == package.name
                    && e.version.as_ref().is_none_or(|req| req.matches(&package.version))
            };
            let lists = policy.exception.iter().filter(about);
            lists.flat_map(|exception| licensees(&exception.allow)).collect::<Vec<_>>()
        };
        let mut refused = Vec::new();
        for (index, package, known) in judged(context)? {
            let Known::Stated(expression, stated) = known else { continue };
            let special = excepted(package);
            let accepts = |req: &spdx::LicenseReq| {
                general.iter().chain(&special).any(|licensee| licensee.satisfies(req))
            };
            if let Err(failures) = expression.evaluate_with_failures(accepts) {
                let failures: BTreeSet<String> =
                    failures.iter().map(|f| f.req.to_string()).collect();
                refused.push((index, package, stated, Vec::from_iter(failures)));
            }
        }
        Ok(each(refused, |(index, package, stated, failures)| {
            let introduction = context.introduction(index);
            let sentence = format!(
                "{} is licensed under {stated}, and the policy does not allow {}.",
                package.spec(),
                failures.join(", ")
            );
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy(format!(
                    "Do without it, or allow the licence in weft.toml: for all in `licenses.allow`, or for {} alone in \
                     `licenses.exception`.",
                    package.name
                ))
                .field("licenses", failures)
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        gap(context)
    }
}
