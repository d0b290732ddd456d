//! Findings before and after an update, compared by what they say and not by where that stands.

use weft_gate::Finding;
use weft_gate::diff::Identity;
use weft_gate::finding::Field;
use weft_gate::inventory::Inventory;

/// Findings that an update mends, and those that it brings.
pub(super) struct Compared {
    pub(super) fixed: Vec<Finding>,
    pub(super) new: Vec<Finding>,
}

/// Takes from what is fixed and what is new all that says the same at other places.
///
/// `before` are the findings of the base. Of these `kept` name those that are as they were, and `fixed` those that are
/// known to be mended; where several have a name, one about a package that is gone is meant first.
pub(super) fn compared(
    before: &[&Finding],
    after: &Inventory,
    kept: &[Identity],
    fixed: &[Identity],
    mut new: Vec<Finding>,
) -> Compared {
    let is_there = |finding: &Finding| after.packages.iter().any(|p| p.id == finding.subject);
    let named = before.iter().map(|finding| (Identity::of(finding), *finding));
    let mut left: Vec<(Identity, &Finding)> = named.collect();
    left.sort_by_key(|(_, finding)| is_there(finding));
    for identity in kept {
        // What stays is about what is there, which is last.
        let at = left.iter().rposition(|(other, _)| other == identity);
        at.map(|at| left.remove(at));
    }
    new.retain(|finding| {
        let said = without_places(finding);
        let same = left.iter().position(|(_, other)| without_places(other) == said);
        same.map(|at| left.remove(at)).is_none()
    });
    let take = |identity: &Identity| {
        let at = left.iter().position(|(other, _)| other == identity)?;
        Some(left.remove(at).1.clone())
    };
    Compared { fixed: fixed.iter().filter_map(take).collect(), new }
}

/// Returns what a finding is recognised by if the lines of what was found do not count.
fn without_places(finding: &Finding) -> Identity {
    let mut finding = finding.clone();
    for field in finding.fields.values_mut() {
        if let Field::Texts(texts) = field {
            for text in texts.iter_mut() {
                *text = without_line(text).to_owned();
            }
            texts.sort();
            texts.dedup();
        }
    }
    Identity::of(&finding)
}

/// Returns what follows `line 5: `.
fn without_line(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("line ") else { return text };
    match rest.split_once(": ") {
        Some((number, what)) if number.bytes().all(|b| b.is_ascii_digit()) => what,
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_gate::Place;

    fn finding(subject: &str, deeds: &[&str]) -> Finding {
        let deeds: Vec<String> = deeds.iter().map(|deed| (*deed).to_owned()).collect();
        let sentence = format!("{subject} {}", deeds.join(", "));
        let place = Place::whole("Cargo.lock");
        Finding::new("content/build-script", subject, place, sentence).field("deeds", deeds)
    }

    #[test]
    fn what_says_the_same_at_another_place_is_neither_fixed_nor_new() {
        let inventory = weft_gate::inventory::from_lock(
            &weft_gate::input::lockfile::parse("Cargo.lock", b"version = 4\n").unwrap(),
            &[],
            false,
        );
        let check = |before: &[&str], after: &[&str], expected: (usize, usize)| {
            let old = finding("pkg:cargo/a@1.0.0", before);
            let new = finding("pkg:cargo/a@1.1.0", after);
            let fixed = [Identity::of(&old)];
            let found = compared(&[&old], &inventory, &[], &fixed, vec![new.clone()]);
            assert_eq!((found.fixed.len(), found.new.len()), expected, "{before:?} {after:?}");
            // Where not all was looked at, nothing is known to be mended.
            let found = compared(&[&old], &inventory, &[], &[], vec![new.clone()]);
            assert_eq!((found.fixed.len(), found.new.len()), (0, expected.1), "{before:?}");
            let found = compared(&[&old], &inventory, &fixed, &[], vec![new]);
            assert_eq!((found.fixed.len(), found.new.len()), (0, 1), "{before:?} is there");
        };
        check(&["line 5: std::process"], &["line 9: std::process"], (0, 0));
        check(&["line 5: std::process", "line 7: std::process"], &["line 9: std::process"], (0, 0));
        check(&["line 5: std::process"], &["line 5: std::net"], (1, 1));
        check(&["line 5: std::process"], &["line 5: std::process", "line 6: std::net"], (1, 1));
        check(&["line x: std::process"], &["line y: std::process"], (1, 1));
    }
}
