#![doc = include_str!("database_stale.md")]

use crate::check::{Check, Context};
use crate::exemption::{days, days_between};
use crate::finding::Finding;
use crate::place::Place;

/// See the module's page.
pub struct DatabaseStale;

impl Check for DatabaseStale {
    fn code(&self) -> &'static str {
        "advisory/database-stale"
    }

    fn page(&self) -> &'static str {
        include_str!("database_stale.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let database = &super::advisories(context)?.database;
        let limit = context.policy().advisories.max_age_days;
        let age = days_between(database.date, context.facts().as_of);
        if u32::try_from(age).unwrap_or(0) <= limit {
            return Ok(Vec::new());
        }
        let sentence = format!(
            "The advisory database is of {}, {} before the day that is judged, and the policy allows {limit}.",
            database.date,
            days(age)
        );
        let finding =
            Finding::new(self.code(), "advisory-db", Place::whole(context.lockfile()), sentence);
        let finding = finding
            .remedy("Fetch the newest advisories.")
            .command("cargo weft db update")
            .field("age_days", u64::try_from(age).unwrap_or(0))
            .field("date", &*database.date.to_string());
        Ok(vec![finding])
    }
}
