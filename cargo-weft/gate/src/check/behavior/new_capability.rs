#![doc = include_str!("new_capability.md")]

use crate::behavior::rate::{self, Event};
use crate::capability::{Capability, Update};
use crate::check::{Check, Context};
use crate::finding::Finding;

/// See the module's page.
pub struct NewCapability;

/// What an update that needs no second look does not bring.
const WATCHED: [Capability; 12] = [
    Capability::BuildScript,
    Capability::BuildEncoded,
    Capability::BuildForeign,
    Capability::BuildNetwork,
    Capability::BuildProcess,
    Capability::Binary,
    Capability::LibraryEncoded,
    Capability::LibraryForeign,
    Capability::LibraryNetwork,
    Capability::LibraryProcess,
    Capability::Links,
    Capability::ProcMacro,
];

impl Check for NewCapability {
    fn code(&self) -> &'static str {
        "behavior/new-capability"
    }

    fn page(&self) -> &'static str {
        include_str!("new_capability.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let Some(updates) = updates(context)? else { return Ok(Vec::new()) };
        let inventory = context.inventory()?;
        let mut findings = Vec::new();
        for (index, package) in (0u32..).zip(&inventory.packages) {
            let Some(update) = updates.iter().find(|update| update.package == package.id) else {
                continue;
            };
            let Some((from, gained)) = gained(update) else { continue };
            let introduction = context.introduction(index);
            let told: Vec<String> = gained.iter().map(|(_, told)| told.clone()).collect();
            let words: Vec<String> = gained.iter().map(|(c, _)| c.word().to_owned()).collect();
            let rates = gained.iter().filter_map(|(c, _)| rate::of(Event::Update, *c));
            let rate = rates.max_by_key(|rate| rate.millibits());
            let rarest = match (rate, &gained[..]) {
                (None, _) => String::new(),
                (Some(rate), [_]) => format!(" ({})", rate.sentence()),
                (Some(rate), _) => format!(" (the rarest: {})", rate.sentence()),
            };
            let told = told.join("; ");
            let sentence = format!("{} has what {from} had not: {told}{rarest}.", package.spec());
            let mut finding = Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy("Read the change between both versions at the places that are named.")
                .field("capabilities", words)
                .field("from", from);
            if let Some(rate) = rate {
                finding = finding.field("surprisal_millibits", u64::from(rate.millibits()));
            }
            findings.push(finding);
        }
        Ok(findings)
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        let updates = updates(context).ok()??;
        let updates = || updates.iter().filter(|update| update.from.is_some());
        let absent = updates().filter(|u| u.before.is_none() || u.after.is_none()).count();
        if absent > 0 {
            return Some(format!(
                "Cargo's home directory lacks the sources of {absent} of the changed packages, before or after; `cargo fetch --locked` in the base and in the head brings them"
            ));
        }
        let unread = updates().find_map(|update| {
            let both =
                [(&update.from, &update.before), (&Some(update.package.clone()), &update.after)];
            both.into_iter().find_map(|(id, behavior)| {
                Some((id.clone()?, behavior.as_ref()?.unread.first()?.clone()))
            })
        });
        unread.map(|(id, why)| format!("of {}, {why}", short(&id)))
    }
}

/// Returns what is known of the packages that the head brings; `None` without a base.
fn updates<'f>(context: &Context<'f>) -> Result<Option<&'f Vec<Update>>, String> {
    let Some(base) = &context.facts().base else { return Ok(None) };
    let known = base.behavior.as_ref().ok_or("the packages of the base were not looked at")?;
    known.as_ref().map(Some).map_err(str::to_owned)
}

/// Names the version before, and each capability that it lacks with what shows it.
fn gained(update: &Update) -> Option<(&str, Vec<(Capability, String)>)> {
    let (from, before, after) =
        (update.from.as_ref()?, update.before.as_ref()?, update.after.as_ref()?);
    let come = WATCHED.into_iter().filter_map(|capability| {
        let now = capability.of(after)?;
        if capability.of(before).is_some() {
            return None;
        }
        let told = match capability.trace(after).map(|trace| &trace.first) {
            Some(spot) if spot.line == 0 => {
                format!("{}, {} ({})", capability.as_str(), spot.path, spot.words)
            }
            Some(spot) => {
                format!("{}, {}:{} `{}`", capability.as_str(), spot.path, spot.line, spot.words)
            }
            None if capability == Capability::ProcMacro => capability.as_str().to_owned(),
            None => format!("{}, {now}", capability.as_str()),
        };
        Some((capability, told))
    });
    let come: Vec<_> = come.collect();
    (!come.is_empty()).then(|| (short(from), come))
}

/// Returns a package URL without what all of them begin with.
fn short(id: &str) -> &str {
    id.strip_prefix("pkg:cargo/").unwrap_or(id)
}
