//! A good envelope, changed: every bit, every member, every length.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use proptest::prelude::*;
use serde_json::{Value, json};
use weft_verify::digest::Artifact;
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::sign::SigningKey;
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::threshold::{Authority, Requirement, Signer, Validity};
use weft_verify::{AsOf, Rejection, json as strict};

const PREDICATE: &str = "https://example.org/predicate/v1";

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn authority() -> Authority {
    Authority::new([1, 2].map(|number| Signer {
        id: key(number).public().id().to_string(),
        name: format!("key-{number}"),
        key: key(number).public(),
        roles: ["release".to_owned()].into(),
        validity: Validity::default(),
    }))
}

/// An envelope that two of two keys signed.
fn good() -> Vec<u8> {
    let subject = ResourceDescriptor::of("app.crate", &Artifact::of(b"artifact"));
    let statement = Statement::new(vec![subject], PREDICATE, strict::Value::Object(Vec::new()));
    let mut envelope = Envelope::new(IN_TOTO, statement.to_vec().unwrap());
    [1, 2].into_iter().for_each(|number| key(number).endorse(&mut envelope));
    envelope.to_vec()
}

/// The whole way from bytes to the artifact.
fn verify(bytes: &[u8]) -> Result<(), Rejection> {
    let envelope = Envelope::from_slice(bytes)?;
    let two = Requirement::new("release", 2)?;
    let payload = envelope.verify(&authority(), &two, AsOf::second(1_795_478_400))?;
    let statement = Statement::from_payload(&payload)?;
    statement.demand_predicate(PREDICATE)?;
    statement.subject_for(&Artifact::of(b"artifact")).map(drop)
}

#[test]
fn the_good_envelope_passes() {
    assert_eq!(verify(&good()), Ok(()));
}

#[test]
fn what_is_missing_and_what_does_not_count_is_said() {
    let subject = ResourceDescriptor::of("app.crate", &Artifact::of(b"artifact"));
    let statement = Statement::new(vec![subject], PREDICATE, strict::Value::Object(Vec::new()));
    let mut envelope = Envelope::new(IN_TOTO, statement.to_vec().unwrap());
    key(1).endorse(&mut envelope);
    let key_id = Some(key(2).public().id().to_string());
    envelope.add(weft_verify::envelope::Signature { key_id, bytes: vec![0; 64] });
    assert_eq!(envelope.unverified_payload_type(), IN_TOTO);
    let two = Requirement::new("release", 2).unwrap();
    let refused = envelope.verify(&authority(), &two, AsOf::second(0)).unwrap_err();
    assert_eq!(refused.to_string(), "1 of 2; missing role release");
    let Rejection::ThresholdNotMet { tallies } = refused else { panic!("{refused}") };
    assert_eq!(tallies[0].counted[0].name, "key-1");
    assert_eq!(tallies[0].uncounted[0].name.as_deref(), Some("key-2"));
    assert_eq!(tallies[0].uncounted[0].why, Rejection::SignatureInvalid);
    assert!(!tallies.is_partial(), "a false signature is not a missing one");
    let mut alone = Envelope::new(IN_TOTO, statement.to_vec().unwrap());
    key(1).endorse(&mut alone);
    key(3).endorse(&mut alone);
    let refused = alone.verify(&authority(), &two, AsOf::second(0)).unwrap_err();
    assert!(matches!(refused, Rejection::ThresholdNotMet { tallies } if tallies.is_partial()));
    let one = Requirement::new("release", 1).unwrap();
    let payload = envelope.verify(&authority(), &one, AsOf::second(0)).unwrap();
    assert_eq!(payload.tallies.to_string(), "1 of 1; by role release");
    assert_eq!(weft_verify::revocation::Tier::Sensitive.to_string(), "sensitive");
}

#[test]
fn annotations_of_a_subject_are_kept() {
    let digest = weft_verify::Sha256::of(b"artifact");
    let text = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":null,"predicateType":"p","subject":[{{"annotations":{{"a":[1]}},"digest":{{"sha256":"{digest}"}}}}]}}"#
    );
    let statement = Statement::from_slice(text.as_bytes()).unwrap();
    assert_eq!(statement.to_vec().unwrap(), text.as_bytes());
}

#[test]
fn every_single_bit_counts() {
    let good = good();
    for index in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[index / 8] ^= 1 << (index % 8);
        assert!(verify(&bytes).is_err(), "bit {} of byte {}", index % 8, index / 8);
    }
}

#[test]
fn every_truncation_is_refused() {
    let good = good();
    for length in 0..good.len() {
        assert!(verify(&good[..length]).is_err(), "{length} bytes");
    }
}

/// Every path to a value in a document.
fn paths(value: &Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| paths(value, &format!("{path}/{name}"), out));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, value)| paths(value, &format!("{path}/{index}"), out));
        }
        _ => {}
    }
}

#[test]
fn every_member_counts() {
    let good: Value = serde_json::from_slice(&good()).unwrap();
    let mut all = Vec::new();
    paths(&good, "", &mut all);
    assert_eq!(all.len(), 10, "{all:?}");
    let others = [
        json!(null),
        json!(1),
        json!(true),
        json!(""),
        json!("AA=="),
        json!([]),
        json!({}),
        json!("x"),
    ];
    for path in &all {
        for other in &others {
            let mut changed = good.clone();
            *changed.pointer_mut(path).unwrap() = other.clone();
            assert!(verify(changed.to_string().as_bytes()).is_err(), "{path} = {other}");
        }
        let Some((parent, name)) = path.rsplit_once('/') else { continue };
        let mut without = good.clone();
        match without.pointer_mut(parent).unwrap() {
            Value::Object(members) => drop(members.remove(name)),
            Value::Array(items) => drop(items.remove(name.parse().unwrap())),
            other => panic!("{other}"),
        }
        assert!(verify(without.to_string().as_bytes()).is_err(), "without {path}");
        let mut added = good.clone();
        if let Value::Object(members) = added.pointer_mut(parent).unwrap() {
            members.insert("extra".to_owned(), json!(1));
            assert!(verify(added.to_string().as_bytes()).is_err(), "beside {path}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_changed_run_of_bytes_is_refused(
        at in any::<prop::sample::Index>(),
        run in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let good = good();
        let at = at.index(good.len());
        let mut bytes = good.clone();
        let end = (at + run.len()).min(bytes.len());
        bytes.splice(at..end, run);
        prop_assume!(bytes != good);
        // White space at the end is the one change that changes nothing.
        prop_assume!(bytes.trim_ascii() != good);
        prop_assert!(verify(&bytes).is_err());
    }

    #[test]
    fn what_is_read_is_written_the_same(text in "\\PC{0,40}", number in -9_007_199_254_740_991_i64..=9_007_199_254_740_991) {
        let record = json!({ text.clone(): [number, text] });
        let bytes = weft_verify::canonical::to_vec(&record).unwrap();
        prop_assert_eq!(weft_verify::canonical::from_slice::<strict::Value>(&bytes).map(drop), Ok(()));
        let value = strict::read(&bytes, strict::Limits::RECORD).unwrap();
        prop_assert_eq!(weft_verify::canonical::of_value(&value).unwrap(), bytes);
    }

    #[test]
    fn the_writer_agrees_with_another(text in r#"[\[\]{}:,"\\a0-9eE.+u \-]{0,24}"#, names in prop::collection::vec("\\PC{0,3}|[\u{0}-\u{20}\"\\\\]{1,2}", 0..6)) {
        let members = names.iter().map(|name| (name.clone(), json!([name, text, {"b": 1, "a": -2}])));
        let record = Value::Object(members.collect());
        let ours = weft_verify::canonical::to_vec(&record).unwrap();
        prop_assert_eq!(ours, serde_json_canonicalizer::to_vec(&record).unwrap());
    }

    #[test]
    fn both_readers_agree_on_what_is_json(text in r#"[\[\]{}:,"\\a0-9eE.+u \-]{0,24}"#) {
        let ours = strict::read(text.as_bytes(), strict::Limits::FOREIGN);
        let theirs = serde_json::from_str::<Value>(&text);
        let stricter = matches!(ours, Err(Rejection::JsonDuplicateMember { .. }));
        prop_assert!(stricter || ours.is_ok() == theirs.is_ok(), "{:?} {:?}", ours, theirs);
    }
}
