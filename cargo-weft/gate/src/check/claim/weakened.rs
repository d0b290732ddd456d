#![doc = include_str!("weakened.md")]

use super::{closed_phases, is_approved, is_closed, is_release};
use crate::check::{Check, Context, each};
use crate::claim::standing::Standing;
use crate::claim::{Level, Phase, change};
use crate::finding::Finding;
use crate::place::Place;

/// See the module's page.
pub struct Weakened;

impl Check for Weakened {
    fn code(&self) -> &'static str {
        "claim/weakened"
    }

    fn page(&self) -> &'static str {
        include_str!("weakened.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (claims, standings) = context.claims()?;
        let Some(base) = &claims.base else { return Ok(Vec::new()) };
        let pairs = change::pairs(base, &claims.head).into_iter();
        let weaker = pairs.filter_map(|(old, new)| {
            let standing = standings.get(&*new.id);
            let is_sensitive = standing.is_some_and(|s| s.level == Level::Sensitive);
            let less = change::weakened(old, new, is_sensitive);
            (!less.is_empty() && !is_approved(claims, old, new)).then_some((new, less))
        });
        let mut found = each(weaker, |(claim, less)| {
            let sentence =
                format!("`{}` asks for less than in the base: {}.", claim.id, less.join("; "));
            Finding::new(self.code(), &claim.id, claim.place.clone(), sentence)
                .remedy("Keep what was asked for, or have the new contract signed by the role `claims`.")
                .field("less", less)
        });
        let disowned = change::disowned(base, &claims.head);
        let disowned = disowned.into_iter().filter(|(old, _)| !is_release(claims, old));
        found.extend(each(disowned, |(claim, document)| {
            let sentence = format!(
                "No entry holds what `{}` promised in the base, and it still stands in {document}.",
                claim.id
            );
            Finding::new(self.code(), &claim.id, Place::whole(document), sentence)
                .remedy("Take the sentence back as well, or keep its entry and its markers.")
        }));
        let left = base.phases.iter().flat_map(|phase| {
            phase
                .claims
                .iter()
                .filter(|id| claims.head.claim(id).is_some())
                .map(move |id| (phase, id))
        });
        let is_later = |(phase, id): &(&Phase, &String)| {
            let order = |p: &&Phase| p.claims.contains(id) && p.order <= phase.order;
            !claims.head.phases.iter().any(|p| order(&p))
        };
        found.extend(each(left.filter(is_later), |(phase, id)| {
            let sentence = format!(
                "`{id}` was of phase {} in the base, and is of none or of a later one.",
                phase.name
            );
            Finding::new(
                self.code(),
                &format!("{} {id}", phase.name),
                phase.place.clone(),
                sentence,
            )
            .remedy("Keep it where it was: what later phases wait for is a promise as well.")
        }));
        // A claim that was demanded does not begin to wait for something that it did not wait for.
        let closed = closed_phases(claims, standings);
        let waiting = base.claims.iter().filter(|old| {
            claims.head.claim(&old.id).is_some() && is_closed(claims, &closed, &old.id)
        });
        let is_met = |id: &str| standings.get(id).is_some_and(Standing::is_met);
        let newly = waiting.filter_map(|old| {
            let before = change::awaited(base, &old.id);
            let now = change::awaited(&claims.head, &old.id).into_iter();
            Some((old, now.filter(|id| !before.contains(id)).find(|id| !is_met(id))?))
        });
        found.extend(each(newly, |(claim, awaited)| {
            let sentence = format!(
                "`{}` waits for `{awaited}`, which is not met, and did not in the base.",
                claim.id
            );
            let subject = format!("{} {awaited}", claim.id);
            Finding::new(self.code(), &subject, claim.place.clone(), sentence)
                .remedy("Meet what it waits for, or leave it as it was in the base.")
        }));
        Ok(found)
    }
}
