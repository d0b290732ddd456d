//! What verification costs: signatures, envelopes one by one and in parallel, and canonical JSON.

#![expect(clippy::unwrap_used, reason = "a benchmark that panics says so")]

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use rayon::prelude::*;
use weft_verify::digest::Artifact;
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::sign::SigningKey;
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::threshold::{Authority, Requirement, Signer, Validity};
use weft_verify::{AsOf, canonical, json};

fn main() {
    divan::main();
}

fn authority(key: &SigningKey) -> Authority {
    Authority::new([Signer {
        id: key.public().id().to_string(),
        name: "key".to_owned(),
        key: key.public(),
        roles: ["release".to_owned()].into(),
        validity: Validity::default(),
    }])
}

fn envelopes(key: &SigningKey, count: u32) -> Vec<Vec<u8>> {
    let one = |number: u32| {
        let artifact = Artifact::of(&number.to_be_bytes());
        let subject = ResourceDescriptor::of("app.crate", &artifact);
        let predicate = json::Value::Object(Vec::new());
        let statement = Statement::new(vec![subject], "https://example.org/p", predicate);
        let mut envelope = Envelope::new(IN_TOTO, statement.to_vec().unwrap());
        key.endorse(&mut envelope);
        envelope.to_vec()
    };
    (0..count).map(one).collect()
}

fn verify(bytes: &[u8], authority: &Authority, requirement: &Requirement) {
    let payload = Envelope::from_slice(bytes).unwrap().verify(
        authority,
        requirement,
        AsOf::second(1_795_478_400),
    );
    black_box(Statement::from_payload(&payload.unwrap()).unwrap());
}

#[divan::bench]
fn signature(bencher: Bencher<'_, '_>) {
    let key = SigningKey::from_seed(&[1; 32]);
    let message = [7; 1024];
    let (public, signature) = (key.public(), key.sign(&message));
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench(|| public.verify(black_box(&message), black_box(&signature)));
}

#[divan::bench]
fn thousand_envelopes_in_a_row(bencher: Bencher<'_, '_>) {
    let key = SigningKey::from_seed(&[1; 32]);
    let (authority, one) = (authority(&key), Requirement::new("release", 1).unwrap());
    let envelopes = envelopes(&key, 1000);
    bencher.counter(ItemsCount::new(1000_u32)).bench(|| {
        envelopes.iter().for_each(|bytes| verify(bytes, &authority, &one));
    });
}

#[divan::bench]
fn thousand_envelopes_in_parallel(bencher: Bencher<'_, '_>) {
    let key = SigningKey::from_seed(&[1; 32]);
    let (authority, one) = (authority(&key), Requirement::new("release", 1).unwrap());
    let envelopes = envelopes(&key, 1000);
    bencher.counter(ItemsCount::new(1000_u32)).bench(|| {
        envelopes.par_iter().for_each(|bytes| verify(bytes, &authority, &one));
    });
}

/// A record of about a megabyte.
fn record() -> serde_json::Value {
    let entry = |n: u32| {
        serde_json::json!({
            "name": format!("package-{n}"), "version": "1.2.3", "index": n,
            "features": ["default", "std"], "sha256": "9f".repeat(32),
        })
    };
    (0..6000).map(entry).collect()
}

#[divan::bench]
fn canonical_form(bencher: Bencher<'_, '_>) {
    let record = record();
    let bytes = canonical::to_vec(&record).unwrap();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| canonical::to_vec(black_box(&record)));
}

#[divan::bench]
fn serde_json_form(bencher: Bencher<'_, '_>) {
    let record = record();
    let bytes = serde_json::to_vec(&record).unwrap();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| serde_json::to_vec(black_box(&record)));
}

#[divan::bench]
fn strict_read(bencher: Bencher<'_, '_>) {
    let bytes = canonical::to_vec(&record()).unwrap();
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .bench(|| json::read(black_box(&bytes), json::Limits::RECORD));
}

#[divan::bench]
fn serde_json_read(bencher: Bencher<'_, '_>) {
    let bytes = canonical::to_vec(&record()).unwrap();
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .bench(|| serde_json::from_slice::<serde_json::Value>(black_box(&bytes)));
}
