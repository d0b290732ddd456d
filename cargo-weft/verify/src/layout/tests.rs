//! The pitfalls of layouts, each with its nearest neighbour that passes.

use ed25519_dalek::Signer as _;
use serde_json::{Value, json};

use super::*;
use crate::digest::to_hex;
use crate::envelope::{Envelope, IN_TOTO, Signature};

/// 2026-11-24, the day of most cases.
const DAY: u64 = 1_795_478_400;

fn key(number: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[number; 32])
}

fn public(number: u8) -> PublicKey {
    PublicKey::from_bytes(key(number).verifying_key().as_bytes()).unwrap()
}

fn id(number: u8) -> String {
    format!("{number:02x}").repeat(32)
}

fn file(step: &str, number: u8) -> String {
    format!("{step}.{}.link", &id(number)[..8])
}

fn dsse(payload: &Value, by: &[u8]) -> Vec<u8> {
    let mut envelope = Envelope::new(IN_TOTO, payload.to_string().into_bytes());
    for number in by {
        let bytes = key(*number).sign(&envelope.pae()).to_bytes().to_vec();
        envelope.add(Signature { key_id: Some(id(*number)), bytes });
    }
    envelope.to_vec()
}

fn legacy(payload: &Value, by: u8) -> Vec<u8> {
    let text = payload.to_string();
    let value = crate::json::read(text.as_bytes(), crate::json::Limits::FOREIGN).unwrap();
    let sig = to_hex(&key(by).sign(&olpc::encode(&value).unwrap()).to_bytes());
    json!({"signed": payload, "signatures": [{"keyid": id(by), "sig": sig}]})
        .to_string()
        .into_bytes()
}

fn sha256(number: u8) -> Value {
    json!({"sha256": id(number)})
}

fn link(name: &str, materials: Value, products: Value) -> Value {
    json!({"_type": "link", "name": name, "command": ["make"], "byproducts": {"return-value": 0},
        "environment": {}, "materials": materials, "products": products})
}

/// The step `fetch` by 2 makes `a`; `build` by 3 or 4 makes `b` of it.
fn layout() -> Value {
    let entry = |number: u8| {
        json!({"keyid": id(number), "keytype": "ed25519", "scheme": "ed25519",
        "keyval": {"private": "", "public": to_hex(public(number).as_bytes())}})
    };
    json!({
        "_type": "layout", "expires": "2026-11-24T00:00:00Z", "readme": "", "inspect": [],
        "keys": {id(2): entry(2), id(3): entry(3), id(4): entry(4)},
        "steps": [
            {"_type": "step", "name": "fetch", "threshold": 1, "pubkeys": [id(2)],
                "expected_command": [], "expected_materials": [["DISALLOW", "*"]],
                "expected_products": [["CREATE", "a"], ["DISALLOW", "*"]]},
            {"_type": "step", "name": "build", "threshold": 1, "pubkeys": [id(3), id(4)],
                "expected_command": ["make"],
                "expected_materials":
                    [["MATCH", "*", "WITH", "PRODUCTS", "FROM", "fetch"], ["DISALLOW", "*"]],
                "expected_products": [["CREATE", "b"], ["ALLOW", "a"], ["DISALLOW", "*"]]},
        ],
    })
}

fn fetched() -> Value {
    link("fetch", json!({}), json!({"a": sha256(10)}))
}

fn built() -> Value {
    link("build", json!({"a": sha256(10)}), json!({"a": sha256(10), "b": sha256(11)}))
}

fn bundle(layout: &Value, links: Vec<(String, Vec<u8>)>) -> Bundle {
    let directory = Directory { links: links.into_iter().collect(), ..Directory::default() };
    Bundle { layout: dsse(layout, &[1]), keys: vec![public(1)], directory }
}

fn links() -> Vec<(String, Vec<u8>)> {
    vec![(file("fetch", 2), dsse(&fetched(), &[2])), (file("build", 3), dsse(&built(), &[3]))]
}

fn run(bundle: &Bundle) -> Result<Chain, Rejection> {
    verify(bundle, AsOf::second(DAY)).map(Verified::into_inner)
}

/// Why the links of a step do not count.
fn reasons(found: Result<Chain, Rejection>) -> Vec<Rejection> {
    let Err(Rejection::StepUnmet { uncounted, .. }) = &found else {
        panic!("expected a step that is not met, found {found:?}")
    };
    uncounted.iter().map(|(_, why)| why.clone()).collect()
}

#[test]
fn a_chain_is_performed_as_its_layout_says() {
    let chain = run(&bundle(&layout(), links())).unwrap();
    assert!(chain.is_complete());
    assert_eq!(chain.expires, DAY);
    assert!(chain.warnings.is_empty(), "{:?}", chain.warnings);
    let names: Vec<&str> = chain.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["fetch", "build"]);
    assert_eq!(chain.steps[1].functionaries, [public(3)]);
    assert!(chain.materials.is_empty());
    assert_eq!(chain.products.keys().collect::<Vec<_>>(), ["a", "b"]);
    let named = |number: u8| Artifact::named(&format!("sha256:{}", id(number))).unwrap();
    assert_eq!(chain.product_for(&named(11)), Some("b"));
    assert_eq!(chain.product_for(&named(12)), None);
}

#[test]
fn both_wrappings_are_read() {
    let links =
        vec![(file("fetch", 2), legacy(&fetched(), 2)), (file("build", 3), dsse(&built(), &[3]))];
    let mut mixed = bundle(&layout(), links);
    mixed.layout = legacy(&layout(), 1);
    assert!(run(&mixed).is_ok());
    mixed.layout = legacy(&layout(), 2);
    assert_eq!(run(&mixed), Err(Rejection::LayoutUnsigned { key: public(1).to_string() }));
}

#[test]
fn every_trusted_key_signed_the_layout() {
    let mut two = bundle(&layout(), links());
    two.keys = vec![public(1), public(5)];
    assert_eq!(run(&two), Err(Rejection::LayoutUnsigned { key: public(5).to_string() }));
    two.layout = dsse(&layout(), &[1, 5]);
    assert!(run(&two).is_ok());
    two.keys = vec![public(1), public(1)];
    let (path, first) = ("keys[1]".to_owned(), "keys[0]".to_owned());
    assert_eq!(run(&two), Err(Rejection::KeyRepeated { path, first }));
    two.keys.clear();
    assert_eq!(run(&two), Err(Rejection::ThresholdZero { role: "layout".into() }));
}

#[test]
fn a_layout_is_valid_up_to_its_last_second() {
    let bundle = bundle(&layout(), links());
    assert!(verify(&bundle, AsOf::second(DAY)).is_ok());
    let expired = Rejection::MetadataExpired { expires: "2026-11-24T00:00:00Z".into() };
    assert_eq!(verify(&bundle, AsOf::second(DAY + 1)), Err(expired.clone()));
    // A day counts as a whole.
    assert_eq!(verify(&bundle, AsOf::day_beginning(DAY)), Err(expired));
}

#[test]
fn a_functionary_of_another_step_does_not_count() {
    // Key 2 may fetch, and key 3 may build.
    let mut wrong = links();
    wrong[1] = (file("build", 2), dsse(&built(), &[2]));
    let unauthorised = Rejection::LinkUnauthorised { step: "build".into() };
    assert_eq!(reasons(run(&bundle(&layout(), wrong.clone()))), [unauthorised]);
    wrong[1] = (file("build", 3), dsse(&built(), &[2]));
    assert_eq!(reasons(run(&bundle(&layout(), wrong))), [Rejection::SignatureInvalid]);
}

#[test]
fn a_key_that_the_layout_does_not_name_does_not_count() {
    let mut wrong = links();
    wrong[1] = (file("build", 9), dsse(&built(), &[9]));
    let unauthorised = Rejection::LinkUnauthorised { step: "build".into() };
    assert_eq!(reasons(run(&bundle(&layout(), wrong))), std::slice::from_ref(&unauthorised));
    // Beside a link that counts, it does no harm, and is told.
    let mut more = links();
    more.push((file("build", 9), dsse(&built(), &[9])));
    let chain = run(&bundle(&layout(), more)).unwrap();
    assert_eq!(chain.steps[1].uncounted[0], (file("build", 9), unauthorised));
}

#[test]
fn a_link_of_another_step_does_not_count_under_this_name() {
    let mut replayed = links();
    let other = link("fetch", json!({"a": sha256(10)}), json!({"b": sha256(11)}));
    replayed[1] = (file("build", 3), dsse(&other, &[3]));
    let name = Rejection::LinkName { expected: "build".into(), found: "fetch".into() };
    assert_eq!(reasons(run(&bundle(&layout(), replayed))), [name]);
}

#[test]
fn a_changed_link_does_not_count() {
    let mut envelope: Value = serde_json::from_slice(&dsse(&built(), &[3])).unwrap();
    let other = link("build", json!({}), json!({}));
    envelope["payload"] = crate::base64::encode(other.to_string().as_bytes()).into();
    let mut changed = links();
    changed[1].1 = envelope.to_string().into_bytes();
    assert_eq!(reasons(run(&bundle(&layout(), changed))), [Rejection::SignatureInvalid]);
}

#[test]
fn a_missing_link_is_told_from_one_that_does_not_count() {
    let missing = |found: usize, threshold: u32| {
        Err(Rejection::LinkMissing { step: "build".into(), threshold, found })
    };
    let mut alone = links();
    alone.truncate(1);
    assert_eq!(run(&bundle(&layout(), alone)), missing(0, 1));
    let mut two = layout();
    two["steps"][1]["threshold"] = 2.into();
    assert_eq!(run(&bundle(&two, links())), missing(1, 2));
}

#[test]
fn a_threshold_counts_distinct_keys() {
    let mut two = layout();
    two["steps"][1]["threshold"] = 2.into();
    let mut both = links();
    both.push((file("build", 4), dsse(&built(), &[4])));
    let chain = run(&bundle(&two, both.clone())).unwrap();
    assert_eq!(chain.steps[1].functionaries, [public(3), public(4)]);
    // The same link under the name of the other key.
    both[2].1 = both[1].1.clone();
    assert_eq!(reasons(run(&bundle(&two, both.clone()))), [Rejection::SignatureInvalid]);
    // A link that both signed is one link, and counts for the key of its name.
    both[1].1 = dsse(&built(), &[3, 4]);
    both.truncate(2);
    assert_eq!(
        run(&bundle(&two, both)),
        Err(Rejection::LinkMissing { step: "build".into(), threshold: 2, found: 1 })
    );
}

#[test]
fn one_key_under_two_ids_counts_once() {
    // Id 5 is another name for the key 3.
    let mut two = layout();
    two["keys"][id(5)] = two["keys"][id(3)].clone();
    two["keys"][id(5)]["keyid"] = id(5).into();
    two["steps"][1]["pubkeys"] = json!([id(3), id(4), id(5)]);
    two["steps"][1]["threshold"] = 2.into();
    let mut twice = links();
    twice.push((file("build", 5), dsse(&built(), &[3])));
    let repeated = Rejection::LinkRepeated { first: file("build", 3) };
    assert_eq!(reasons(run(&bundle(&two, twice))), [repeated]);
    two["steps"][1]["threshold"] = 3.into();
    let unreachable =
        Rejection::ThresholdUnreachable { role: "build".into(), threshold: 3, keys: 2 };
    assert_eq!(run(&bundle(&two, links())), Err(unreachable));
}

#[test]
fn functionaries_agree() {
    let mut more = links();
    let other = link("build", json!({"a": sha256(10)}), json!({"b": sha256(12)}));
    more.push((file("build", 4), dsse(&other, &[4])));
    let found = run(&bundle(&layout(), more));
    let disagree = Rejection::LinksDisagree {
        step: "build".into(),
        first: file("build", 3),
        second: file("build", 4),
        path: "a".into(),
    };
    assert_eq!(found, Err(disagree));
}

#[test]
fn digests_link_the_steps() {
    let disallowed = |list: &'static str, artifact: &str| {
        let (step, pattern) = ("build".to_owned(), "*".to_owned());
        Err(Rejection::ArtifactDisallowed { step, list, pattern, artifact: artifact.to_owned() })
    };
    let with = |build: &Value| {
        let mut links = links();
        links[1].1 = dsse(build, &[3]);
        run(&bundle(&layout(), links))
    };
    let changed = link("build", json!({"a": sha256(13)}), json!({"b": sha256(11)}));
    assert_eq!(with(&changed), disallowed("materials", "a"));
    // A weak digest links nothing.
    let weak = link("build", json!({"a": {"sha1": "00"}}), json!({"b": sha256(11)}));
    assert_eq!(with(&weak), disallowed("materials", "a"));
    let more = link("build", json!({}), json!({"b": sha256(11), "c": sha256(12)}));
    assert_eq!(with(&more), disallowed("products", "c"));
    let outside = link("build", json!({}), json!({"../b": sha256(11)}));
    assert_eq!(reasons(with(&outside)), [Rejection::ArtifactPath { path: "../b".into() }]);
}

#[test]
fn what_is_required_is_there() {
    let mut strict = layout();
    strict["steps"][1]["expected_products"] = json!([["REQUIRE", "c"], ["ALLOW", "*"]]);
    let (step, list, artifact) = ("build".to_owned(), "products", "c".to_owned());
    let required = Rejection::ArtifactRequired { step, list, artifact };
    assert_eq!(run(&bundle(&strict, links())), Err(required));
}

#[test]
fn commands_and_what_no_rule_is_about_are_warnings() {
    let mut other = layout();
    other["steps"][1]["expected_command"] = json!(["make", "all"]);
    other["steps"][1]["expected_products"] = json!([["CREATE", "*"]]);
    let chain = run(&bundle(&other, links())).unwrap();
    let command = Warning::Command {
        link: file("build", 3),
        expected: vec!["make".into(), "all".into()],
        found: vec!["make".into()],
    };
    let unmatched =
        Warning::Unmatched { step: "build".into(), list: "products", artifacts: vec!["a".into()] };
    assert_eq!(chain.warnings, [command, unmatched]);
}

#[test]
fn inspections_are_named_and_not_run() {
    let mut inspected = layout();
    inspected["inspect"] = json!([{"_type": "inspection", "name": "scan", "run": ["rm", "-r", "/"],
        "expected_materials": [], "expected_products": []}]);
    let chain = run(&bundle(&inspected, links())).unwrap();
    assert_eq!(chain.inspections, ["scan"]);
    assert!(!chain.is_complete());
}

/// A layout of one step, `inner`, that makes what `build` makes.
fn inner() -> Value {
    let mut inner = layout();
    let step = json!({"_type": "step", "name": "inner", "threshold": 1, "pubkeys": [id(4)],
        "expected_command": [], "expected_materials": [["ALLOW", "*"]],
        "expected_products": [["ALLOW", "*"]]});
    inner["steps"] = json!([step]);
    inner["inspect"] = json!([{"_type": "inspection", "name": "scan", "run": []}]);
    inner
}

/// The key 3 delegates `build` to a layout, whose step 4 performs.
fn delegated(inner: &Value, by: u8, products: Value) -> Bundle {
    let mut links = links();
    links[1].1 = dsse(inner, &[by]);
    let mut bundle = bundle(&layout(), links);
    let link = dsse(&link("inner", json!({"a": sha256(10)}), products), &[4]);
    let directory = Directory { links: [(file("inner", 4), link)].into(), ..Directory::default() };
    bundle.directory.directories.insert(format!("build.{}", &id(3)[..8]), directory);
    bundle
}

#[test]
fn a_step_can_be_delegated_to_a_layout() {
    let products = || json!({"b": sha256(11)});
    let chain = run(&delegated(&inner(), 3, products())).unwrap();
    assert_eq!(chain.products.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(chain.inspections, [format!("build.{}/scan", &id(3)[..8])]);
    assert_eq!(chain.steps[1].functionaries, [public(3)]);
    // The rules of the outer layout hold for what the inner one amounts to.
    let found = run(&delegated(&inner(), 3, json!({"c": sha256(11)})));
    assert!(
        matches!(found, Err(Rejection::ArtifactDisallowed { artifact, .. }) if artifact == "c")
    );
    // Only the functionary may delegate.
    let found = run(&delegated(&inner(), 4, products()));
    assert_eq!(reasons(found), [Rejection::SignatureInvalid]);
    let mut expired = inner();
    expired["expires"] = "2026-11-23T00:00:00Z".into();
    let expires = "2026-11-23T00:00:00Z".to_owned();
    let found = run(&delegated(&expired, 3, products()));
    assert_eq!(reasons(found), [Rejection::MetadataExpired { expires }]);
    let mut without = delegated(&inner(), 3, products());
    without.directory.directories.clear();
    let missing = Rejection::LinkMissing { step: "inner".into(), threshold: 1, found: 0 };
    assert_eq!(reasons(run(&without)), [missing]);
}

/// A chain of layouts, each of which delegates its one step to the next.
fn nested(depth: usize) -> Bundle {
    let mut layout = inner();
    layout["steps"][0]["name"] = "build".into();
    let mut bundle = bundle(&layout, Vec::new());
    let mut directory = Directory::default();
    let link = link("build", json!({}), json!({}));
    directory.links.insert(file("build", 4), dsse(&link, &[4]));
    for _ in 0..depth {
        let mut outer = Directory::default();
        outer.links.insert(file("build", 4), dsse(&layout, &[4]));
        outer.directories.insert(format!("build.{}", &id(4)[..8]), directory);
        directory = outer;
    }
    bundle.directory = directory;
    bundle
}

#[test]
fn layouts_are_nested_up_to_a_bound() {
    let chain = run(&nested(MAX_DEPTH)).unwrap();
    assert_eq!(chain.inspections.len(), MAX_DEPTH + 1);
    let deep = Err(Rejection::LayoutTooDeep { limit: MAX_DEPTH });
    assert_eq!(run(&nested(MAX_DEPTH + 1)), deep);
    // A directory is not needed to go too deep.
    let mut bundle = nested(MAX_DEPTH);
    let mut layout = inner();
    layout["steps"][0]["name"] = "build".into();
    let mut innermost = &mut bundle.directory;
    for _ in 0..MAX_DEPTH {
        innermost = innermost.directories.values_mut().next().unwrap();
    }
    innermost.links.insert(file("build", 4), dsse(&layout, &[4]));
    assert_eq!(run(&bundle), deep);
}

#[test]
fn links_are_read_up_to_a_bound() {
    let mut many = bundle(&layout(), links());
    let more = (0..MAX_LINKS - 2).map(|number| (format!("other.{number}"), Vec::new()));
    many.directory.links.extend(more);
    assert!(run(&many).is_ok());
    many.directory.links.insert("one-more".into(), Vec::new());
    let expected = Rejection::LayoutTooManyLinks { found: MAX_LINKS + 1, limit: MAX_LINKS };
    assert_eq!(run(&many), Err(expected));
}
