//! What a pull request does to promises: the base's entries compared with the head's.

use super::contract::Contract;
use super::{Claim, Evidence, Promises};

/// Says how a claim asks for less than in the base; empty if it does not.
pub fn weakened(base: &Claim, head: &Claim) -> Vec<String> {
    let mut less = Vec::new();
    if base.kind != head.kind && head.kind.minimum() <= base.kind.minimum() {
        less.push(format!("its kind was `{}` and is `{}`", base.kind.as_str(), head.kind.as_str()));
    }
    let minimum = |claim: &Claim| claim.minimum.unwrap_or(claim.kind.minimum());
    if minimum(head) < minimum(base) {
        less.push(format!(
            "its minimum was `{}` and is `{}`",
            minimum(base).as_str(),
            minimum(head).as_str()
        ));
    }
    for environment in &base.environments {
        if !head.environments.contains(environment) {
            less.push(format!("it was to be shown with {}", environment.describe()));
        }
    }
    for evidence in &base.evidence {
        if head.evidence.contains(evidence) {
            continue;
        }
        // A bound that only got tighter, or a test that only got a symbol, asks for more.
        if !head.evidence.iter().any(|other| is_stronger(evidence, other)) {
            less.push(format!("it asked for {}", evidence.describe()));
        }
    }
    less
}

/// Says whether `head` asks for all that `base` does.
fn is_stronger(base: &Evidence, head: &Evidence) -> bool {
    let mut raised = base.clone();
    match (&mut raised, head) {
        (Evidence::Attestation { threshold, .. }, Evidence::Attestation { threshold: new, .. }) => {
            *threshold = (*threshold).max(*new);
        }
        (Evidence::Bench { at_most, .. }, Evidence::Bench { at_most: new, .. }) => {
            *at_most = (*at_most).min(*new);
        }
        (
            Evidence::Fuzz { executions_at_least, corpus_sha256, .. },
            Evidence::Fuzz { executions_at_least: new, corpus_sha256: other, .. },
        ) => {
            *executions_at_least = (*executions_at_least).max(*new);
            *corpus_sha256 = *other;
        }
        (
            Evidence::MutationScore { missed_at_most, viable_at_least, .. },
            Evidence::MutationScore { missed_at_most: missed, viable_at_least: viable, .. },
        ) => {
            *missed_at_most = (*missed_at_most).min(*missed);
            *viable_at_least = (*viable_at_least).max(*viable);
        }
        // Whether another test shows as much of the same function is for its evidence to say.
        (
            Evidence::Test { symbol: Some(symbol), expects, .. },
            Evidence::Test { symbol: Some(new_symbol), expects: new_expects, .. },
        ) => {
            return symbol == new_symbol && (expects.is_none() || expects == new_expects);
        }
        (
            Evidence::Test { symbol: symbol @ None, expects, .. },
            Evidence::Test { symbol: new_symbol, expects: new_expects, .. },
        ) => {
            symbol.clone_from(new_symbol);
            *expects = expects.take().or(*new_expects);
        }
        _ => return false,
    }
    raised == *head
}

/// Returns entries whose text is another than in the base though their revision is not higher.
pub fn reworded<'h>(base: &'h Promises, head: &'h Promises) -> Vec<(&'h Claim, &'h Claim)> {
    pairs(base, head)
        .filter(|(old, new)| {
            old.text_sha256 != new.text_sha256 && new.revision <= old.revision
                || new.revision < old.revision
        })
        .collect()
}

/// Pairs the entries that both have.
pub fn pairs<'h>(
    base: &'h Promises,
    head: &'h Promises,
) -> impl Iterator<Item = (&'h Claim, &'h Claim)> {
    head.claims.iter().filter_map(|new| Some((base.claim(&new.id)?, new)))
}

impl Promises {
    /// Returns the entry of a claim.
    pub fn claim(&self, id: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.id == id)
    }
}

/// Returns the digest that a signature of the role `claims` has to be about for a contract to ask for less.
pub fn approval(claim: &Claim) -> Option<weft_verify::Sha256> {
    Contract::compile(claim).ok()?.digest().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(kind: &str, minimum: &str, evidence: &str) -> Claim {
        let text = format!(
            "schema = 1\ndocuments = []\n[[claim]]\nid = \"a\"\ndocument = \"R\"\ntext-sha256 = \"{}\"\nrevision = 1\nkind = \"{kind}\"\nowner = \"o\"\nminimum = \"{minimum}\"\nevidence = [{evidence}]\n",
            "0".repeat(64)
        );
        let map = crate::input::claims::parse("claims/a.toml", text.as_bytes()).unwrap();
        map.claims.into_iter().next().unwrap()
    }

    fn check(base: &str, head: &str, is_weaker: bool) {
        let (base, head) = (claim("behaviour", "ran", base), claim("behaviour", "ran", head));
        assert_eq!(!weakened(&base, &head).is_empty(), is_weaker, "{base:?} {head:?}");
    }

    #[test]
    fn a_bound_may_be_tightened_and_not_loosened() {
        let fuzz =
            |n: u32| format!("{{ kind = \"fuzz\", target = \"t\", executions-at-least = {n} }}");
        let score = |missed: u32, viable: u32| {
            format!(
                "{{ kind = \"mutation-score\", package = \"p\", symbol = \"s\", tests = [], missed-at-most = {missed}, viable-at-least = {viable} }}"
            )
        };
        let bench = |n: u32| {
            format!(
                "{{ kind = \"bench\", package = \"p\", bench = \"b\", metric = \"instructions\", at-most = {n} }}"
            )
        };
        let signed = |n: u32| {
            format!(
                "{{ kind = \"attestation\", predicate = \"p\", role = \"r\", threshold = {n} }}"
            )
        };
        for (more, less) in [
            (fuzz(2), fuzz(1)),
            (score(0, 3), score(1, 3)),
            (score(0, 3), score(0, 2)),
            (bench(1), bench(2)),
            (signed(2), signed(1)),
        ] {
            check(&more, &less, true);
            check(&less, &more, false);
            check(&more, &more, false);
            check(&more, "", true);
            check("", &more, false);
        }
        check(&fuzz(1), &bench(1), true);
    }

    #[test]
    fn a_test_may_be_another_of_the_same_function() {
        let test = |name: &str, more: &str| {
            format!(
                "{{ kind = \"test\", package = \"p\", binary = \"lib\", test = \"{name}\"{more} }}"
            )
        };
        let (of, of_other) = (", symbol = \"s\"", ", symbol = \"t\"");
        let refusal = ", symbol = \"s\", expects = \"refusal\"";
        check(&test("a", of), &test("b", of), false);
        check(&test("a", of), &test("a", of_other), true);
        check(&test("a", of), &test("a", ""), true);
        check(&test("a", ""), &test("a", of), false);
        check(&test("a", ""), &test("b", ""), true);
        check(&test("a", of), &test("a", refusal), false);
        check(&test("a", refusal), &test("a", of), true);
    }

    #[test]
    fn kinds_and_levels_do_not_fall() {
        let weaker = |a: (&str, &str), b: (&str, &str)| {
            !weakened(&claim(a.0, a.1, ""), &claim(b.0, b.1, "")).is_empty()
        };
        assert!(weaker(("security", "sensitive"), ("behaviour", "sensitive")));
        assert!(weaker(("behaviour", "reached"), ("behaviour", "ran")));
        assert!(weaker(("resilience", "ran"), ("performance", "ran")));
        assert!(!weaker(("behaviour", "reached"), ("security", "sensitive")));
        assert!(!weaker(("behaviour", "reached"), ("behaviour", "sensitive")));
    }
}
