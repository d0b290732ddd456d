//! What a pull request does to promises: the base's entries compared with the head's.

use std::collections::BTreeSet;

use super::contract::Contract;
use super::{Claim, Evidence, Promises, TestName};

/// Says how a claim asks for less than in the base; empty if it does not.
///
/// `is_sensitive` says whether the head's tests are shown to fail when their functions are broken: only then may another
/// test take the place of one that the base names.
pub fn weakened(base: &Claim, head: &Claim, is_sensitive: bool) -> Vec<String> {
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
    // Each piece of the head's evidence stands for one of the base's: what stayed for itself, the others for what they
    // are at least as strong as.
    let mut free: Vec<&Evidence> = head.evidence.iter().collect();
    let mut left = Vec::new();
    for evidence in &base.evidence {
        match free.iter().position(|other| *other == evidence) {
            Some(at) => drop(free.remove(at)),
            None => left.push(evidence),
        }
    }
    for evidence in left {
        let stronger = free.iter().position(|other| is_stronger(evidence, other));
        let Some(at) = stronger else {
            less.push(format!("it asked for {}", evidence.describe()));
            continue;
        };
        let other = free.remove(at);
        if names(evidence) != names(other) && !is_sensitive {
            less.push(format!(
                "{} took the place of {}, and is not shown to be sensitive",
                other.describe(),
                evidence.describe()
            ));
        }
    }
    less
}

fn names(evidence: &Evidence) -> Vec<TestName> {
    evidence.tests().into_iter().map(|(test, _)| test).collect()
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
            *corpus_sha256 = corpus_sha256.or(*other);
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
            Evidence::Test { symbol: Some(symbol), expects, package, .. },
            Evidence::Test {
                symbol: Some(new_symbol),
                expects: new_expects,
                package: new_package,
                ..
            },
        ) => {
            // Where a symbol is looked for begins with the package.
            return symbol == new_symbol
                && package == new_package
                && (expects.is_none() || expects == new_expects);
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
    let by_name = head.claims.iter().filter_map(|new| Some((base.claim(&new.id)?, new)));
    by_name
        .filter(|(old, new)| {
            old.text_sha256 != new.text_sha256 && new.revision <= old.revision
                || new.revision < old.revision
        })
        .collect()
}

/// Pairs entries of the head with those of the base that they stand for: that of the same name, and those whose words they
/// took over.
pub fn pairs<'h>(base: &'h Promises, head: &'h Promises) -> Vec<(&'h Claim, &'h Claim)> {
    // Words that an entry still has are nobody else's to answer for.
    let gave_up =
        |old: &&Claim| head.claim(&old.id).is_none_or(|new| new.text_sha256 != old.text_sha256);
    let free: Vec<&Claim> = base.claims.iter().filter(gave_up).collect();
    let mut pairs = Vec::new();
    for new in &head.claims {
        pairs.extend(base.claim(&new.id).map(|old| (old, new)));
        let taken = |old: &&&Claim| old.id != new.id && old.text_sha256 == new.text_sha256;
        pairs.extend(free.iter().filter(taken).map(|old| (*old, new)));
    }
    pairs
}

/// Returns entries whose sentence still stands in a document though no entry holds it, with the document.
pub fn disowned<'h>(base: &'h Promises, head: &'h Promises) -> Vec<(&'h Claim, &'h str)> {
    let kept = base.claims.iter();
    kept.filter_map(|old| Some((old, &**head.kept.get(&old.id)?))).collect()
}

/// Returns the claims that have to be met before one is demanded: those of the phases before its own.
pub fn awaited<'p>(promises: &'p Promises, id: &str) -> BTreeSet<&'p str> {
    let own = promises.phases.iter().filter(|phase| phase.claims.iter().any(|claim| claim == id));
    let Some(order) = own.map(|phase| phase.order).min() else { return BTreeSet::new() };
    let before = promises.phases.iter().filter(|phase| phase.order < order);
    before.flat_map(|phase| &phase.claims).map(String::as_str).collect()
}

impl Promises {
    /// Returns the entry of a claim.
    pub fn claim(&self, id: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.id == id)
    }
}

/// Returns the digest of a claim's contract: a signature of the role `claims` has to be about the base's and the head's
/// for the head's to ask for less.
pub fn contract_digest(claim: &Claim) -> Option<weft_verify::Sha256> {
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
        assert_eq!(!weakened(&base, &head, true).is_empty(), is_weaker, "{base:?} {head:?}");
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
        let pinned = fuzz(1).replace(" }", &format!(", corpus-sha256 = \"{}\" }}", "1".repeat(64)));
        check(&pinned, &fuzz(1), true);
        check(&fuzz(1), &pinned, false);
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
        let elsewhere = test("a", of).replace("package = \"p\"", "package = \"q\"");
        check(&test("a", of), &elsewhere, true);
        // One test does not stand for two.
        let two = format!("{}, {}", test("a", of), test("b", of));
        check(&two, &test("c", of), true);
        check(&two, &test("a", of), true);
        check(&two, &format!("{}, {}", test("c", of), test("a", of)), false);
        let (old, new) = (test("a", of), test("b", of));
        let (old, new) = (claim("behaviour", "ran", &old), claim("behaviour", "ran", &new));
        assert_eq!(weakened(&old, &new, false).len(), 1, "another test has to be sensitive");
    }

    #[test]
    fn kinds_and_levels_do_not_fall() {
        let weaker = |a: (&str, &str), b: (&str, &str)| {
            !weakened(&claim(a.0, a.1, ""), &claim(b.0, b.1, ""), true).is_empty()
        };
        assert!(weaker(("security", "sensitive"), ("behaviour", "sensitive")));
        assert!(weaker(("behaviour", "reached"), ("behaviour", "ran")));
        assert!(weaker(("resilience", "ran"), ("performance", "ran")));
        assert!(!weaker(("behaviour", "reached"), ("security", "sensitive")));
        assert!(!weaker(("behaviour", "reached"), ("behaviour", "sensitive")));
    }
}
