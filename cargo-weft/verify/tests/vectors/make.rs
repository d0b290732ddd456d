//! Makes `tests/vectors/index.json`: for each rejection the smallest case, and its nearest neighbour that passes.
//!
//! Seeds are public and protect nothing.

use serde_json::{Value, json};
use weft_verify::digest::Artifact;
use weft_verify::envelope::{Envelope, IN_TOTO, Signature};
use weft_verify::json as strict;
use weft_verify::merkle::{leaf_hash, node_hash};
use weft_verify::predicate::{ROLE_SIGNATURE, RoleSignature};
use weft_verify::proposal::Proposal;
use weft_verify::role::{Record, Roles, update};
use weft_verify::sign::{Entropy, SigningKey};
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::{Sha256, canonical};

/// 2026-11-24, the day of most cases.
const DAY: u64 = 1_795_478_400;

/// Returns the text of the index.
pub(crate) fn index() -> String {
    let mut cases = Cases(Vec::new());
    json_cases(&mut cases);
    key_cases(&mut cases);
    envelope_cases(&mut cases);
    statement_cases(&mut cases);
    threshold_cases(&mut cases);
    roles_cases(&mut cases);
    chain_cases(&mut cases);
    freshness_cases(&mut cases);
    proposal_cases(&mut cases);
    log_cases(&mut cases);
    policy_cases(&mut cases);
    witnessed_cases(&mut cases);
    tile_cases(&mut cases);
    fork_cases(&mut cases);
    layout_cases(&mut cases);
    root_cases(&mut cases);
    serde_json::to_string_pretty(&json!({"schema": 1, "cases": cases.0})).unwrap() + "\n"
}

struct Cases(Vec<Value>);

impl Cases {
    /// Adds a case; `rejection` is the code it is refused with, or empty if it passes.
    fn add(&mut self, kind: &str, name: &str, rejection: &str, members: Value) {
        let mut case = json!({
            "id": format!("{kind}/{name}"),
            "kind": kind,
            "expected": if rejection.is_empty() { "pass" } else { "fail" },
        });
        if !rejection.is_empty() {
            case["rejection"] = rejection.into();
        }
        let Value::Object(members) = members else { panic!("members are an object") };
        case.as_object_mut().unwrap().extend(members);
        self.0.push(case);
    }
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(bytes)
}

fn json_cases(cases: &mut Cases) {
    let mut add = |name: &str, rejection: &str, input: &str, more: Value| {
        let mut members = json!({"limits": "record", "text": input});
        members.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        cases.add("json", name, rejection, members);
    };
    add("record", "", r#"{"a":[1,-2,"é",null,true]}"#, json!({}));
    add("not-json", "json/syntax", "[1,]", json!({}));
    add("no-name", "json/syntax", "{1:2}", json!({}));
    add("byte-order-mark", "json/syntax", "\u{feff}1", json!({}));
    add("cut", "json/truncated", r#"{"a":[1"#, json!({}));
    add("empty", "json/truncated", "", json!({}));
    add("two-values", "json/trailing-bytes", "{}{}", json!({}));
    add("lone-high-surrogate", "json/lone-surrogate", r#"["\ud800"]"#, json!({}));
    add("lone-low-surrogate", "json/lone-surrogate", r#"["\udc00\ud800"]"#, json!({}));
    add("surrogate-pair", "", r#"["\ud83d\ude00"]"#, json!({}));
    add("twice", "json/duplicate-member", r#"{"a":1,"b":2,"a":1}"#, json!({}));
    add("twice-by-escape", "json/duplicate-member", r#"{"a":1,"\u0061":1}"#, json!({}));
    add("deep", "json/too-deep", &("[".repeat(65) + &"]".repeat(65)), json!({}));
    add("deepest", "", &("[".repeat(64) + &"]".repeat(64)), json!({}));
    add("large", "json/too-large", "[1, 2, 3]", json!({"size": 8}));
    add("largest", "", "[1, 2, 3]", json!({"size": 9}));
    add("fraction", "json/float", "[1.5]", json!({}));
    add("fraction-of-zero", "json/float", "[1.0]", json!({}));
    add("exponent", "json/float", "[1e2]", json!({}));
    add("negative-zero", "json/float", "[-0]", json!({}));
    add("fraction-foreign", "", "[1.5]", json!({"limits": "foreign"}));
    add("beyond-2-53", "json/integer-range", "[9007199254740992]", json!({}));
    add("up-to-2-53", "", "[9007199254740991, -9007199254740991]", json!({}));
    add("infinite", "json/number-range", "[1e400]", json!({"limits": "foreign"}));
    add("spaced", "json/not-canonical", r#"{"a": 1}"#, json!({"canonical": true}));
    add("unordered", "json/not-canonical", r#"{"b":1,"a":2}"#, json!({"canonical": true}));
    add("canonical", "", r#"{"a":2,"b":1}"#, json!({"canonical": true}));
    let utf16 = "{\"\u{fb33}\":1,\"\u{1f600}\":2}";
    add("utf16-order", "", utf16, json!({"canonical": "{\"\u{1f600}\":2,\"\u{fb33}\":1}"}));
    let bytes = json!({"limits": "record", "base64": base64(b"\"\xff\"")});
    cases.add("json", "not-utf8", "json/not-utf8", bytes);
}

fn key_cases(cases: &mut Cases) {
    let mut add = |name: &str, rejection: &str, input: String| {
        cases.add("public-key", name, rejection, json!({"text": input}));
    };
    let sound = key(1).public();
    add("sound", "", sound.to_string());
    add("pem", "", sound.to_pem());
    add("short", "key/malformed", sound.to_string()[..60].to_owned());
    add("upper-case", "key/malformed", format!("ed25519:{}", "AB".repeat(32)));
    add("not-a-point", "key/malformed", format!("ed25519:02{}", "00".repeat(31)));
    add("not-canonical", "key/malformed", format!("ed25519:f0{}7f", "ff".repeat(30)));
    add("identity-point", "key/weak", format!("ed25519:01{}", "00".repeat(31)));
    add("small-order", "key/weak", format!("ed25519:{}", "00".repeat(32)));
    add("other-scheme", "key/scheme", format!("ecdsa-p256:{}", "02".repeat(33)));
    // A P-256 key as OpenSSL writes it, cut to its algorithm: the scheme is refused before the key is looked at.
    let p256 = [0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64(&p256));
    add("other-scheme-pem", "key/scheme", pem);

    let locked = key(1).lock(b"passphrase", &Entropy { salt: [3; 16], iv: [4; 16] });
    let mut add = |name: &str, rejection: &str, input: &str, passphrase: &str| {
        let members = json!({"text": input, "passphrase": passphrase});
        cases.add("private-key", name, rejection, members);
    };
    add("sound", "", &locked, "passphrase");
    add("wrong-passphrase", "key/private-locked", &locked, "Passphrase");
    add("not-pem", "key/private-malformed", "hello", "passphrase");
    let certificate = locked.replace("ENCRYPTED PRIVATE KEY", "CERTIFICATE");
    add("other-block", "key/private-malformed", &certificate, "passphrase");
    let plain =
        [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &[1; 32]];
    let plain = base64(&plain.concat());
    let plain = format!("-----BEGIN PRIVATE KEY-----\n{plain}\n-----END PRIVATE KEY-----\n");
    add("not-encrypted", "key/private-plain", &plain, "passphrase");
    add("too-costly", "key/private-cost", &costly(&locked), "passphrase");
}

/// Raises the cost that a locked key asks for: a larger block, and more passes.
fn costly(pem: &str) -> String {
    use base64ct::{Base64, Encoding};
    let lines: Vec<&str> = pem.lines().collect();
    let mut der = Base64::decode_vec(&lines[1..lines.len() - 1].concat()).unwrap();
    // INTEGER 16384, INTEGER 8, INTEGER 5: the block size becomes 127, and the passes 127.
    let cost = [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08, 0x02, 0x01, 0x05];
    let at = der.windows(cost.len()).position(|window| window == cost).unwrap();
    der[at + 6] = 127;
    der[at + 9] = 127;
    let body = base64(&der);
    let body: Vec<&str> =
        body.as_bytes().chunks(64).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
    format!("{}\n{}\n{}\n", lines[0], body.join("\n"), lines[lines.len() - 1])
}

fn subject() -> ResourceDescriptor {
    ResourceDescriptor::of("app.crate", &Artifact::of(b"artifact"))
}

fn simple() -> Statement {
    Statement::new(
        vec![subject()],
        "https://example.org/predicate/v1",
        strict::Value::Object(vec![]),
    )
}

/// An envelope around a payload, signed by these keys.
fn signed(payload: Vec<u8>, by: &[u8]) -> Envelope {
    let mut envelope = Envelope::new(IN_TOTO, payload);
    by.iter().for_each(|number| key(*number).endorse(&mut envelope));
    envelope
}

fn envelope_cases(cases: &mut Cases) {
    let good = text(signed(simple().to_vec().unwrap(), &[1]).to_vec());
    let wire: Value = serde_json::from_str(&good).unwrap();
    let mut add = |name: &str, rejection: &str, wire: &Value| {
        cases.add("envelope", name, rejection, json!({"text": wire.to_string()}));
    };
    let with = |change: &dyn Fn(&mut Value)| {
        let mut wire = wire.clone();
        change(&mut wire);
        wire
    };
    let without = |name: &str| with(&|wire| drop(wire.as_object_mut().unwrap().remove(name)));
    add("sound", "", &wire);
    add("no-payload", "record/member-missing", &without("payload"));
    add("no-payload-type", "record/member-missing", &without("payloadType"));
    add("unknown-member", "record/member-unknown", &with(&|wire| wire["x"] = 1.into()));
    let misspelt = with(&|wire| wire["signatures"][0] = json!({"keyie": "a", "sig": "AA=="}));
    add("misspelt-key-id", "record/member-unknown", &misspelt);
    add("payload-a-number", "record/member-invalid", &with(&|wire| wire["payload"] = 1.into()));
    add("an-array", "record/member-invalid", &json!(["e30=", IN_TOTO, []]));
    add(
        "payload-without-padding",
        "envelope/base64",
        &with(&|wire| wire["payload"] = "e30".into()),
    );
    add(
        "payload-with-spare-bits",
        "envelope/base64",
        &with(&|wire| wire["payload"] = "e31=".into()),
    );
    add("no-signatures", "envelope/no-signatures", &with(&|wire| wire["signatures"] = json!([])));
    let many = with(&|wire| wire["signatures"] = vec![wire["signatures"][0].clone(); 257].into());
    add("too-many-signatures", "envelope/too-many-signatures", &many);
    let most = with(&|wire| wire["signatures"] = vec![wire["signatures"][0].clone(); 256].into());
    add("most-signatures", "", &most);
    let anonymous = with(&|wire| wire["signatures"][0]["keyid"] = "".into());
    add("no-key-id", "envelope/key-id-missing", &anonymous);
}

fn statement_cases(cases: &mut Cases) {
    let artifact = Artifact::of(b"artifact");
    let digests: Vec<(&str, String)> =
        artifact.digests().map(|(a, digits)| (a.name(), digits.to_owned())).collect();
    let (sha256, sha512) = (&digests[0].1, &digests[2].1);
    let other = Sha256::of(b"another").to_string();
    let statement = |subject: Value| {
        json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.org/p",
            "predicate": {}, "subject": subject})
    };
    let mut add = |name: &str, rejection: &str, statement: Value, more: Value| {
        let mut members =
            json!({"text": statement.to_string(), "artifact_base64": base64(b"artifact")});
        members.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        cases.add("statement", name, rejection, members);
    };
    let about = |digest: Value| statement(json!([{"name": "app.crate", "digest": digest}]));
    add("sha256", "", about(json!({"sha256": sha256})), json!({}));
    add("sha512", "", about(json!({"sha512": sha512})), json!({}));
    let second = json!([{"digest": {"sha256": other}}, {"digest": {"sha256": sha256}}]);
    add("second-subject", "", statement(second), json!({}));
    add("other-artifact", "subject/mismatch", about(json!({"sha256": other})), json!({}));
    let conflicting = json!({"sha256": sha256, "sha512": "00".repeat(64)});
    add("conflicting", "subject/conflicting", about(conflicting), json!({}));
    add("name-only", "subject/name-only", statement(json!([{"name": "app.crate"}])), json!({}));
    let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
    add("sha1-only", "subject/weak-digest", about(json!({"sha1": sha1})), json!({}));
    let cut = json!({"sha256": &sha256[..32]});
    add("truncated", "subject/digest-malformed", about(cut), json!({}));
    let upper = json!({"sha256": sha256.to_uppercase()});
    add("upper-case", "subject/digest-malformed", about(upper), json!({}));
    add("no-subject", "statement/no-subject", statement(json!([])), json!({}));
    let mut hidden = about(json!({"sha256": other}));
    hidden["predicate"] = json!({"digest": {"sha256": sha256}});
    add("digest-in-predicate", "subject/mismatch", hidden, json!({}));
    let mut old = about(json!({"sha256": sha256}));
    old["_type"] = "https://in-toto.io/Statement/v0.1".into();
    add("version-0.1", "", old.clone(), json!({}));
    old["_type"] = "https://in-toto.io/Statement/v2".into();
    add("version-2", "statement/type", old, json!({}));
    let expected = json!({"predicate_type": "https://example.org/other"});
    let sound = about(json!({"sha256": sha256}));
    add("other-predicate", "statement/predicate-type", sound, expected);

    let role = |role: &str| {
        let predicate =
            RoleSignature { revocations: 0, role: role.to_owned(), roles: Sha256::of(b"roles") };
        let predicate =
            strict::read(&canonical::to_vec(&predicate).unwrap(), strict::Limits::RECORD);
        let statement = Statement::new(vec![subject()], ROLE_SIGNATURE, predicate.unwrap());
        serde_json::from_slice::<Value>(&statement.to_vec().unwrap()).unwrap()
    };
    add("role", "", role("release"), json!({"role": "release"}));
    add("other-role", "role/binding", role("builder"), json!({"role": "release"}));
}

fn threshold_cases(cases: &mut Cases) {
    let payload = simple().to_vec().unwrap();
    let entry = |number: u8, role: &str| {
        let public = key(number).public();
        let digits = public.to_string().split_off("ed25519:".len());
        json!({"keyid": public.id().to_string(), "ed25519_hex": digits, "role": role})
    };
    let release = |numbers: &[u8]| -> Vec<Value> {
        numbers.iter().map(|number| entry(*number, "release")).collect()
    };
    let mut add =
        |name: &str, rejection: &str, envelope: &Envelope, threshold: i64, keys: Vec<Value>| {
            let members = json!({
                "text": text(envelope.to_vec()),
                "artifact_base64": base64(b"artifact"),
                "key_policy": {"threshold": threshold, "required_role": "release", "keys": keys},
                "time": "2026-11-24T00:00:00Z",
            });
            cases.add("dsse-threshold", name, rejection, members);
        };
    let unmet = "signature/threshold-not-met";
    let both = signed(payload.clone(), &[1, 2]);
    let one = signed(payload.clone(), &[1]);
    add("two-of-two", "", &both, 2, release(&[1, 2]));
    add("two-of-three", "", &both, 2, release(&[1, 2, 3]));
    add("one-of-two", unmet, &one, 2, release(&[1, 2]));
    add("threshold-zero", "role/threshold-zero", &one, 0, release(&[1]));
    add("threshold-above-n", "role/threshold-unreachable", &both, 3, release(&[1, 2]));
    add("nobody-has-the-role", "role/unknown", &one, 1, vec![entry(1, "builder")]);
    add("unknown-key", unmet, &signed(payload.clone(), &[3]), 1, release(&[1]));
    add("wrong-role", unmet, &both, 2, [release(&[1, 3]), vec![entry(2, "builder")]].concat());

    let twice = Envelope::from_dsse(&repeated(&one)).unwrap();
    add("same-signature-twice", unmet, &twice, 2, release(&[1, 2]));
    let mut ids = one.clone();
    ids.add(Signature { key_id: Some("other".into()), ..one.signatures()[0].clone() });
    let mut second = entry(1, "release");
    second["keyid"] = "other".into();
    add(
        "same-key-two-ids",
        "role/threshold-unreachable",
        &ids,
        2,
        vec![entry(1, "release"), second.clone()],
    );
    add(
        "same-key-two-ids-of-three",
        unmet,
        &ids,
        2,
        vec![entry(1, "release"), second, entry(2, "release")],
    );

    let collision = |numbers: &[u8]| -> Vec<Value> {
        let mut keys = release(numbers);
        keys.iter_mut().for_each(|key| key["keyid"] = "same".into());
        keys
    };
    let mut collided = signed(payload.clone(), &[]);
    collided
        .add(Signature { key_id: Some("same".into()), bytes: key(2).sign(&collided.pae()).into() });
    add("key-id-collision", "", &collided, 1, collision(&[1, 2]));
    add("key-id-collision-once", unmet, &collided, 2, collision(&[1, 2]));
    let mut swapped = signed(payload.clone(), &[]);
    let bytes = key(1).sign(&swapped.pae()).into();
    swapped.add(Signature { key_id: Some(key(2).public().id().to_string()), bytes });
    add("another-keys-id", unmet, &swapped, 1, release(&[1, 2]));

    let mut bare = signed(payload.clone(), &[]);
    let key_id = Some(key(1).public().id().to_string());
    bare.add(Signature { key_id: key_id.clone(), bytes: key(1).sign(&payload).into() });
    add("signature-over-payload", unmet, &bare, 1, release(&[1]));
    let mut short = signed(payload.clone(), &[]);
    short.add(Signature { key_id: key_id.clone(), bytes: vec![0; 63] });
    add("short-signature", unmet, &short, 1, release(&[1]));
    let mut malleable = signed(payload.clone(), &[]);
    malleable.add(Signature { key_id, bytes: plus_order(key(1).sign(&malleable.pae())) });
    add("malleable-scalar", unmet, &malleable, 1, release(&[1]));
    let mut typed = Envelope::new("application/json", payload);
    key(1).endorse(&mut typed);
    add("payload-type", "envelope/payload-type", &typed, 1, release(&[1]));

    let dated = |not_before: &str, not_after: &str, revoked_at: &str| {
        let mut entry = entry(1, "release");
        for (name, time) in
            [("not_before", not_before), ("not_after", not_after), ("revoked_at", revoked_at)]
        {
            if !time.is_empty() {
                entry[name] = time.into();
            }
        }
        vec![entry]
    };
    let (before, now, after) =
        ("2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z", "2026-11-24T00:00:01Z");
    add("valid-for-one-second", "", &one, 1, dated(now, now, after));
    add("not-yet-valid", unmet, &one, 1, dated(after, "", ""));
    add("expired", unmet, &one, 1, dated("", before, ""));
    add("revoked", unmet, &one, 1, dated("", "", now));
}

/// The envelope with its signature standing twice.
fn repeated(envelope: &Envelope) -> Vec<u8> {
    let mut wire: Value = serde_json::from_slice(&envelope.to_vec()).unwrap();
    let first = wire["signatures"][0].clone();
    wire["signatures"].as_array_mut().unwrap().push(first);
    wire.to_string().into_bytes()
}

/// Adds the order of the group to the scalar of a signature: the same signature to a careless verifier.
fn plus_order(signature: [u8; 64]) -> Vec<u8> {
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut out = signature.to_vec();
    let mut carry = 0;
    for (byte, add) in out[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    out
}

/// A record with maintainers 1, 2 and 3, two of whom have to agree, and a release key.
fn record() -> Value {
    let key = |name: &str, number: u8, roles: &[&str]| json!({"name": name, "public": key(number).public().to_string(), "roles": roles});
    json!({
        "schema": 1, "version": 1,
        "roles": {"maintainer": {"threshold": 2}, "release": {"threshold": 1}, "witness": {"threshold": 1}},
        "keys": [
            key("alice", 1, &["maintainer"]), key("bob", 2, &["maintainer", "release"]),
            key("carol", 3, &["maintainer"]),
        ],
        "witnesses": [{"vkey": vkey("witness.example/w1", 4, 40)}],
        "revocations": {"number": 0, "keys": []},
        "freshness": {"routine": 8, "sensitive": 2, "release": 0, "override": ["routine"]},
    })
}

fn roles(record: &Value) -> Roles {
    Roles::from_slice(record.to_string().as_bytes()).unwrap()
}

fn roles_cases(cases: &mut Cases) {
    let mut add = |name: &str, rejection: &str, change: &dyn Fn(&mut Value)| {
        let mut record = record();
        change(&mut record);
        cases.add("roles", name, rejection, json!({"text": record.to_string()}));
    };
    add("sound", "", &|_| {});
    add("schema", "record/schema-unknown", &|r| r["schema"] = 2.into());
    add("unknown-member", "record/member-unknown", &|r| r["key"] = json!([]));
    add("no-version", "record/member-missing", &|r| {
        drop(r.as_object_mut().unwrap().remove("version"))
    });
    add("version-zero", "record/member-invalid", &|r| r["version"] = 0.into());
    add("previous-of-the-first", "record/member-invalid", &|r| {
        r["previous"] = "00".repeat(32).into()
    });
    add("name", "record/member-invalid", &|r| r["keys"][0]["name"] = "Alice B".into());
    add("no-reason", "record/member-invalid", &|r| {
        let revoked = json!({"key": "00".repeat(32), "at": DAY, "reason": " "});
        r["revocations"] = json!({"number": 1, "keys": [revoked]});
    });
    add("threshold-zero", "role/threshold-zero", &|r| {
        r["roles"]["release"]["threshold"] = 0.into()
    });
    add("threshold-above-n", "role/threshold-unreachable", &|r| {
        r["roles"]["maintainer"]["threshold"] = 4.into();
    });
    add("witness-threshold-above-n", "role/threshold-unreachable", &|r| {
        r["roles"]["witness"]["threshold"] = 2.into();
    });
    add("undeclared-role", "role/unknown", &|r| {
        r["keys"][0]["roles"] = json!(["maintainer", "relase"])
    });
    add("no-maintainer", "role/unknown", &|r| {
        r["keys"].as_array_mut().unwrap().iter_mut().for_each(|k| k["roles"] = json!(["release"]));
        drop(r["roles"].as_object_mut().unwrap().remove("maintainer"));
    });
    add("key-twice", "roles/key-repeated", &|r| {
        r["keys"][1]["public"] = r["keys"][0]["public"].clone()
    });
    add("name-twice", "roles/name-repeated", &|r| r["keys"][1]["name"] = "alice".into());
    add("weak-key", "key/weak", &|r| {
        r["keys"][0]["public"] = format!("ed25519:{}", "00".repeat(32)).into()
    });
    add("empty-validity", "roles/validity-empty", &|r| {
        r["keys"][0]["not-before"] = DAY.into();
        r["keys"][0]["not-after"] = (DAY - 1).into();
    });
    add("validity-of-one-second", "", &|r| {
        r["keys"][0]["not-before"] = DAY.into();
        r["keys"][0]["not-after"] = DAY.into();
    });
    add("witness-with-a-signers-key", "roles/witness-key-reused", &|r| {
        r["witnesses"][0]["vkey"] = vkey("witness.example/w1", 4, 1).into();
    });
    add("witness-with-a-log-key", "record/member-invalid", &|r| {
        r["witnesses"][0]["vkey"] = vkey("witness.example/w1", 1, 40).into();
    });
}

/// The next version of a record, changed.
fn after(before: &Value, change: &dyn Fn(&mut Value)) -> Value {
    let mut next = before.clone();
    next["version"] = (before["version"].as_u64().unwrap() + 1).into();
    next["previous"] = roles(before).digest().to_string().into();
    change(&mut next);
    next
}

/// The envelope by which a record is committed.
fn committed(record: &Value, by: &[u8]) -> String {
    text(signed(update::proposal(&roles(record)).to_vec().unwrap(), by).to_vec())
}

fn revoke(number: u8, list: u64) -> impl Fn(&mut Value) {
    move |record| {
        let revoked = json!({"key": key(number).public().id(), "at": DAY, "reason": "lost"});
        record["revocations"] = json!({"number": list, "keys": [revoked]});
    }
}

fn chain_cases(cases: &mut Cases) {
    let first = record();
    let start = committed(&first, &[1, 2]);
    let mut add = |name: &str, rejection: &str, envelopes: Vec<String>, more: Value| {
        let mut members = json!({"envelopes": envelopes});
        members.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        cases.add("roles-chain", name, rejection, members);
    };
    let unmet = "signature/threshold-not-met";
    let now = || json!({"time": DAY});
    add("first", "", vec![start.clone()], now());
    add("first-without-quorum", unmet, vec![committed(&first, &[1])], now());
    // Dave and Erin replace Bob and Carol.
    let entry = |name: &str, number: u8| json!({"name": name, "public": key(number).public().to_string(), "roles": ["maintainer", "release"]});
    let changed = after(&first, &|r| {
        r["keys"] = json!([r["keys"][0], entry("dave", 5), entry("erin", 6)]);
    });
    add("second", "", vec![start.clone(), committed(&changed, &[1, 2, 5])], now());
    add("by-the-old-alone", unmet, vec![start.clone(), committed(&changed, &[1, 2])], now());
    add("by-the-new-alone", unmet, vec![start.clone(), committed(&changed, &[1, 5, 6])], now());
    let third = after(&changed, &|_| {});
    let all = || vec![start.clone(), committed(&changed, &[1, 2, 5]), committed(&third, &[5, 6])];
    add("third", "", all(), now());
    add("walked", "", all(), json!({}));
    let digest = |record: &Value| roles(record).digest().to_string();
    add("anchored", "", all(), json!({"anchor": digest(&changed)}));
    add("not-the-anchor", "roles/anchor", all(), json!({"anchor": "00".repeat(32)}));
    let jump = after(&first, &|r| r["version"] = 3.into());
    add("jump", "roles/gap", vec![start.clone(), committed(&jump, &[1, 2])], now());
    add("begins-late", "roles/gap", vec![committed(&changed, &[1, 5])], now());
    add("again", "roles/rollback", vec![start.clone(), start.clone()], now());
    let fork = after(&first, &|r| r["previous"] = "00".repeat(32).into());
    add("fork", "roles/broken-chain", vec![start.clone(), committed(&fork, &[1, 2])], now());

    let revoked = after(&first, &revoke(3, 1));
    let mut two = vec![start.clone(), committed(&revoked, &[1, 2])];
    add("revocation", "", two.clone(), now());
    let unnumbered = after(&first, &|r| r["revocations"]["number"] = 1.into());
    let silent = after(&unnumbered, &revoke(3, 1));
    let chain = vec![start.clone(), committed(&unnumbered, &[1, 2]), committed(&silent, &[1, 2])];
    add("revocation-unnumbered", "revocation/unnumbered", chain, now());
    let fallen = after(&unnumbered, &|r| r["revocations"]["number"] = 0.into());
    let chain = vec![start.clone(), committed(&unnumbered, &[1, 2]), committed(&fallen, &[1, 2])];
    add("number-fell", "revocation/number-fell", chain, now());
    two.push(committed(
        &after(&revoked, &|r| r["revocations"] = json!({"number": 2, "keys": []})),
        &[1, 2],
    ));
    add("taken-back", "revocation/dropped", two.clone(), now());
    two.pop();
    two.push(committed(&after(&revoked, &|_| {}), &[1, 3]));
    add("by-a-revoked-key", unmet, two.clone(), now());
    add("by-a-revoked-key-walked", unmet, two, json!({}));
    // Revoked from tomorrow on: what could not be walked again is not accepted today.
    let ahead = after(&first, &|r| {
        revoke(3, 1)(r);
        r["revocations"]["keys"][0]["at"] = (DAY + 86_400).into();
    });
    let next = committed(&after(&ahead, &|_| {}), &[1, 3]);
    let chain = vec![start.clone(), committed(&ahead, &[1, 2]), next];
    add("by-a-key-revoked-ahead", unmet, chain, now());
    let expiring = after(&first, &|r| {
        r["keys"][1]["not-after"] = (DAY - 1).into();
    });
    let chain = vec![
        start.clone(),
        committed(&expiring, &[1, 3]),
        committed(&after(&expiring, &|_| {}), &[1, 2]),
    ];
    add("by-an-expired-key", unmet, chain.clone(), now());
    add("by-a-key-that-has-expired-since", "", chain, json!({}));

    let file = |name: &str, rejection: &str, record: &Value, cases: &mut Cases| {
        let members = json!({"record": record.to_string(), "envelopes": [start]});
        cases.add("roles-file", name, rejection, members);
    };
    file("committed", "", &first, cases);
    file("draft", "roles/uncommitted", &revoked, cases);
}

fn freshness_cases(cases: &mut Cases) {
    let mut held = record();
    held["revocations"]["number"] = 3.into();
    let mut add = |name: &str, rejection: &str, tier: &str, newest: u64, reason: Option<&str>| {
        let mut members = json!({"roles": held.to_string(), "tier": tier, "newest": newest});
        if let Some(reason) = reason {
            members["reason"] = reason.into();
        }
        cases.add("freshness", name, rejection, members);
    };
    let stale = "revocation/stale";
    add("release", "", "release", 3, None);
    add("release-behind", stale, "release", 4, None);
    add("release-not-overridable", stale, "release", 4, Some("the host is down"));
    add("sensitive", "", "sensitive", 5, None);
    add("sensitive-behind", stale, "sensitive", 6, None);
    add("routine", "", "routine", 11, None);
    add("routine-behind", stale, "routine", 12, None);
    add("routine-overridden", "", "routine", 12, Some("the host is down"));
    add("routine-without-reason", stale, "routine", 12, Some(" "));
    add("unknown-tier", "record/member-invalid", "urgent", 3, None);
}

fn proposal_cases(cases: &mut Cases) {
    let proposal = Proposal::new(simple()).unwrap();
    let payload = proposal.as_bytes().to_vec();
    let roles = canonical::to_vec::<Record>(roles(&record()).record()).unwrap();
    let attest = |by: u8| text(signed(payload.clone(), &[by]).to_vec());
    let mut add = |name: &str, rejection: &str, proposal: &[u8], attestations: Vec<String>| {
        let members = json!({
            "text": text(proposal.to_vec()), "attestations": attestations,
            "roles": text(roles.clone()), "role": "maintainer", "threshold": 2, "time": DAY,
        });
        cases.add("proposal", name, rejection, members);
    };
    add("committed", "", &payload, vec![attest(1), attest(2)]);
    add("partial", "signature/threshold-not-met", &payload, vec![attest(1)]);
    add("nobody", "signature/threshold-not-met", &payload, vec![]);
    add(
        "same-attestation-twice",
        "signature/threshold-not-met",
        &payload,
        vec![attest(1), attest(1)],
    );
    let other = text(signed(b"{}".to_vec(), &[2]).to_vec());
    add("another-payload", "proposal/mismatch", &payload, vec![attest(1), other]);
    let spaced = [&payload[..], b" "].concat();
    add("not-canonical", "json/not-canonical", &spaced, vec![attest(1), attest(2)]);
}

/// The verifier key of a seed.
fn vkey(name: &str, algorithm: u8, number: u8) -> String {
    vkey_of(name, algorithm, &key(number))
}

fn vkey_of(name: &str, algorithm: u8, key: &SigningKey) -> String {
    let public = key.public();
    let encoded = [name.as_bytes(), b"\n", &[algorithm], public.as_bytes()].concat();
    let hash = &Sha256::of(&encoded).to_string()[..8];
    format!("{name}+{hash}+{}", base64(&[&[algorithm][..], public.as_bytes()].concat()))
}

/// A signature line over a note's text.
fn line(name: &str, algorithm: u8, number: u8, text: &str, time: u64) -> String {
    let id = crate::case::hex(vkey(name, algorithm, number).split('+').nth(1).unwrap());
    let signature = match algorithm {
        4 => {
            let message = format!("cosignature/v1\ntime {time}\n{text}");
            let signature = key(number).sign(message.as_bytes());
            [&time.to_be_bytes()[..], &signature].concat()
        }
        _ => key(number).sign(text.as_bytes()).to_vec(),
    };
    format!("\u{2014} {name} {}\n", base64(&[id, signature].concat()))
}

fn log_cases(cases: &mut Cases) {
    let (log, witness) = ("log.example", "witness.example/w1");
    let (log_key, witness_key) = (vkey(log, 1, 50), vkey(witness, 4, 40));
    let mut add = |name: &str, rejection: &str, input: String| {
        cases.add("vkey", name, rejection, json!({"text": input}));
    };
    add("sound", "", log_key.clone());
    add("wrong-hash", "note/vkey-malformed", log_key.replacen(&log_key[12..20], "00000000", 1));
    add("no-name", "note/vkey-malformed", log_key.replacen(log, "", 1));
    add("other-type", "note/vkey-malformed", vkey(log, 6, 50));

    let root = base64(&leaf_hash(b"a"));
    let body = |origin: &str| format!("{origin}\n1\n{root}\n");
    let note = |text: &str, lines: &[String]| format!("{text}\n{}", lines.concat());
    let signed_by = |text: &str| line(log, 1, 50, text, 0);
    let seen_by = |text: &str, time: u64| line(witness, 4, 40, text, time);
    let mut add = |name: &str, rejection: &str, note: String| {
        cases.add("signed-note", name, rejection, json!({"text": note, "note_vkey": log_key}));
    };
    let hello = "hello\n";
    add("sound", "", note(hello, &[signed_by(hello)]));
    add("another-text", "note/signature", note("hullo\n", &[signed_by(hello)]));
    add("unsigned", "note/unsigned", note(hello, &[seen_by(hello, DAY)]));
    add("no-blank-line", "note/malformed", format!("{hello}{}", signed_by(hello)));
    add("carriage-return", "note/malformed", note("hello\r\n", &[signed_by(hello)]));

    let mut add = |name: &str, rejection: &str, note: String, quorum: u64, witnesses: &[&str]| {
        let members = json!({"text": note, "log_vkey": log_key, "witnesses": witnesses,
            "quorum": quorum, "time": DAY});
        cases.add("checkpoint", name, rejection, members);
    };
    let sound = body(log);
    let both = note(&sound, &[signed_by(&sound), seen_by(&sound, DAY)]);
    let witnesses = [witness_key.as_str()];
    add("witnessed", "", both.clone(), 1, &witnesses);
    add(
        "no-witness",
        "signature/threshold-not-met",
        note(&sound, &[signed_by(&sound)]),
        1,
        &witnesses,
    );
    let future = note(&sound, &[signed_by(&sound), seen_by(&sound, DAY + 1)]);
    add("from-the-future", "checkpoint/future-cosignature", future, 1, &witnesses);
    let other = body("other.example");
    let foreign = note(&other, &[signed_by(&other), seen_by(&other, DAY)]);
    add("other-origin", "checkpoint/origin", foreign, 1, &witnesses);
    add("not-a-checkpoint", "checkpoint/malformed", note(hello, &[signed_by(hello)]), 0, &[]);
    let bare = vkey("witness.example/w2", 1, 41);
    add("witness-without-time", "note/vkey-malformed", both.clone(), 1, &[&bare]);
    let reused = vkey(witness, 4, 50);
    add("log-key-as-witness", "roles/witness-key-reused", both, 1, &[&reused]);

    let hashes: Vec<_> = [b"a", b"b", b"c"].map(|leaf| leaf_hash(leaf)).into();
    let two = node_hash(&hashes[0], &hashes[1]);
    let three = node_hash(&two, &hashes[2]);
    let mut add = |name: &str, rejection: &str, index: u64, proof: &[[u8; 32]], root: &[u8; 32]| {
        let proof: Vec<String> = proof.iter().map(|hash| base64(hash)).collect();
        let row = json!({"leafIdx": index, "treeSize": 3, "root": base64(root),
            "leafHash": base64(&hashes[2]), "proof": proof});
        cases.add("tlog-inclusion", name, rejection, json!({"text": row.to_string()}));
    };
    add("third-of-three", "", 2, &[two], &three);
    add("too-many", "proof/shape", 2, &[two, two], &three);
    add("too-few", "proof/shape", 2, &[], &three);
    add("outside", "proof/shape", 3, &[two], &three);
    add("other-root", "proof/root", 2, &[two], &two);
    let mut add = |name: &str, rejection: &str, proof: &[[u8; 32]], first: &[u8; 32]| {
        let proof: Vec<String> = proof.iter().map(|hash| base64(hash)).collect();
        let row = json!({"size1": 2, "size2": 3, "root1": base64(first), "root2": base64(&three),
            "proof": proof});
        cases.add("tlog-consistency", name, rejection, json!({"text": row.to_string()}));
    };
    add("two-of-three", "", &[hashes[2]], &two);
    add("too-few", "proof/shape", &[], &two);
    add("too-many", "proof/shape", &[hashes[2], two], &two);
    add("other-root", "proof/root", &[hashes[2]], &three);
}

/// A log and four witnesses, two of three and another one of which have to have seen a checkpoint.
fn policy() -> String {
    let witness = |name: &str, number: u8| {
        format!("witness {name} {}\n", vkey(&format!("{name}.example"), 4, number))
    };
    format!(
        "# who watches\nlog {} https://log.example/\n\n{}{}{}group x 2 x1 x2 x3\n{}\tgroup all-of-them all x y1\nquorum all-of-them\n",
        vkey("log.example", 1, 50),
        witness("x1", 41),
        witness("x2", 42),
        witness("x3", 43),
        witness("y1", 44),
    )
}

fn policy_cases(cases: &mut Cases) {
    let malformed = "tlog-policy/malformed";
    let mut add = |name: &str, rejection: &str, text: String| {
        cases.add("tlog-policy", name, rejection, json!({"text": text}));
    };
    let with = |from: &str, to: &str| {
        let changed = policy().replacen(from, to, 1);
        assert_ne!(changed, policy(), "{from}");
        changed
    };
    add("sound", "", policy());
    add("quorum-none", "", "quorum none\n".into());
    add("spaces-and-tabs", "", " \t quorum \t none \t\n\t# quorum\n".into());
    add("octets-in-a-comment", "", "# \u{a0}\u{85}\nquorum none\n".into());
    add("quorum-of-a-witness", "", with("quorum all-of-them", "quorum x1"));
    add("any", "", with("group x 2", "group x any"));
    add("threshold-n", "", with("group x 2", "group x 3"));
    add("threshold-above-n", malformed, with("group x 2", "group x 4"));
    add("threshold-zero", malformed, with("group x 2", "group x 0"));
    add("threshold-with-a-zero", malformed, with("group x 2", "group x 02"));
    add("threshold-with-a-sign", malformed, with("group x 2", "group x +2"));
    add("no-quorum", malformed, with("quorum all-of-them\n", ""));
    add("two-quorums", malformed, with("quorum all-of-them\n", "quorum none\nquorum none\n"));
    add("quorum-of-nothing", malformed, with("quorum all-of-them", "quorum z"));
    add("two-names-for-a-quorum", malformed, with("quorum all-of-them", "quorum x y1"));
    add("cut", malformed, policy().trim_end().to_owned());
    add("carriage-return", malformed, with("who watches\n", "who watches\r\n"));
    add("delete-character", malformed, with("who watches", "who\u{7f} watches"));
    add("unknown-line", malformed, with("quorum", "qourum"));
    add("upper-case-line", malformed, with("quorum", "Quorum"));
    add("group-of-nobody", malformed, with("group x 2 x1 x2 x3", "group x any"));
    add("member-defined-below", malformed, with("group x 2 x1", "group x 2 y1"));
    add("member-twice", malformed, with("group x 2 x1 x2", "group x 2 x1 x1"));
    add("member-of-two-groups", malformed, with("all x y1", "all x y1 x1"));
    add("member-none", malformed, with("all x y1", "all x none"));
    add("witness-none", malformed, with("witness y1", "witness none"));
    add("witness-without-key", malformed, with("quorum", "witness z\nquorum"));
    add("log-with-a-third-word", malformed, with("https://log.example/", "https://a https://b"));
    add("not-a-key", malformed, with("log.example+", "log.example-"));
    let weak = format!("log l+00000000+{}\nquorum none\n", base64(&[&[1][..], &[0; 32]].concat()));
    add("weak-key", malformed, weak);
    let log = vkey("log.example", 1, 50);
    let (as_witness, as_log) = (vkey("w.example", 1, 45), vkey("w.example", 4, 45));
    add("witness-without-time", malformed, format!("witness w {as_witness}\nquorum w\n"));
    add("log-with-a-witness-key", malformed, format!("log {as_log}\nquorum none\n"));
    add("log-twice", "roles/key-repeated", with("quorum", &format!("log {log}\nquorum")));
    let renamed = vkey("other.example", 1, 50);
    add(
        "log-under-two-names",
        "roles/key-repeated",
        with("quorum", &format!("log {renamed}\nquorum")),
    );
    let witness = |key: &str| with("quorum", &format!("witness z {key}\nquorum"));
    let reused = "roles/witness-key-reused";
    add("witness-under-two-names", reused, witness(&vkey("z.example", 4, 41)));
    add("witness-with-the-log-key", reused, witness(&vkey("z.example", 4, 50)));
    let below = format!("witness z {}\nlog {log}\nquorum z\n", vkey("z.example", 4, 50));
    add("log-with-a-witness's-key-below", reused, below);
    add("name-twice", "roles/name-repeated", with("witness y1", "witness x1"));
    add("group-with-a-witness's-name", "roles/name-repeated", with("group x 2", "group x3 2"));
    let many = |count: u32| {
        let witness = |number: u32| {
            let mut seed = [9; 32];
            seed[..4].copy_from_slice(&number.to_be_bytes());
            let vkey = vkey_of("w.example", 4, &SigningKey::from_seed(&seed));
            format!("witness w{number} {vkey}\n")
        };
        format!("quorum none\n{}", (0..count).map(witness).collect::<String>())
    };
    add("as-many-as-there-may-be", "", many(256));
    add("too-many-witnesses", malformed, many(257));
}

fn witnessed_cases(cases: &mut Cases) {
    let root = base64(&leaf_hash(b"a"));
    let body = format!("log.example\n1\n{root}\n");
    let by_log = |body: &str| line("log.example", 1, 50, body, 0);
    let by = |name: &str, number: u8, time: u64| {
        line(&format!("{name}.example"), 4, number, &body, time)
    };
    let (x1, x2, x3, y1) =
        (by("x1", 41, DAY), by("x2", 42, DAY), by("x3", 43, DAY), by("y1", 44, DAY));
    let note = |lines: &[&String]| {
        let lines: String = lines.iter().map(|line| line.as_str()).collect();
        format!("{body}\n{lines}")
    };
    let log = by_log(&body);
    let unmet = "checkpoint/quorum-unmet";
    let mut add = |name: &str, rejection: &str, note: String, policy: String, more: Value| {
        let mut members = json!({"text": note, "policy": policy, "time": DAY});
        members.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        cases.add("witnessed", name, rejection, members);
    };
    let none = || json!({});
    let sound = note(&[&log, &x1, &x3, &y1]);
    add("met", "", sound.clone(), policy(), none());
    add("group-within-unmet", unmet, note(&[&log, &x1, &y1]), policy(), none());
    add("other-member-unmet", unmet, note(&[&log, &x1, &x2, &x3]), policy(), none());
    let again = by("x1", 41, DAY - 1);
    add("same-witness-twice", unmet, note(&[&log, &x1, &again, &y1]), policy(), none());
    let renamed = line("x2.example", 4, 41, &body, DAY);
    add("under-anothers-name", unmet, note(&[&log, &x1, &renamed, &y1]), policy(), none());
    let forged = x2.replacen("x2.example", "x1.example", 1);
    add("anothers-signature", unmet, note(&[&log, &x1, &forged, &y1]), policy(), none());
    let elsewhere = line("x2.example", 4, 42, &body.replacen('1', "2", 1), DAY);
    add(
        "over-another-text",
        "note/signature",
        note(&[&log, &x1, &x3, &y1, &elsewhere]),
        policy(),
        none(),
    );
    let future = by("y1", 44, DAY + 1);
    add(
        "from-the-future",
        "checkpoint/future-cosignature",
        note(&[&log, &x1, &x3, &future]),
        policy(),
        none(),
    );
    let stranger = line("z.example", 4, 45, &body, DAY + 1);
    add(
        "a-stranger-from-the-future",
        "",
        note(&[&log, &x1, &x3, &y1, &stranger]),
        policy(),
        none(),
    );
    add("not-signed-by-the-log", "note/unsigned", note(&[&x1, &x3, &y1]), policy(), none());
    let other = policy().replacen(&vkey("log.example", 1, 50), &vkey("other.example", 1, 50), 1);
    add("another-log", "checkpoint/origin", sound.clone(), other, none());
    let second = format!("log {}\n{}", vkey("other.example", 1, 51), policy());
    add("one-of-two-logs", "", sound.clone(), second, none());
    let by_other = line("other.example", 1, 51, &body, 0);
    let swapped = note(&[&by_other, &x1, &x3, &y1]);
    let second = format!("log {}\n{}", vkey("other.example", 1, 51), policy());
    add("signed-by-the-other-log-alone", "note/unsigned", swapped, second, none());
    let nobody = policy().replacen("quorum all-of-them", "quorum none", 1);
    add("quorum-none", "", note(&[&log]), nobody.clone(), none());
    let bare: String = policy()
        .lines()
        .filter(|line| !line.starts_with("log"))
        .map(|line| format!("{line}\n"))
        .collect();
    add("no-log-named", "checkpoint/origin", sound.clone(), bare.clone(), none());
    let least = |least: u64, numbers: &[u8]| {
        let keys: Vec<String> =
            numbers.iter().map(|number| key(*number).public().to_string()).collect();
        json!({"least": least, "log_keys": keys})
    };
    add(
        "no-log-named-and-known-elsewhere",
        "",
        note(&[&x1, &x3, &y1]),
        bare.clone(),
        least(3, &[50]),
    );
    add("fewer-than-the-least", unmet, sound.clone(), policy(), least(4, &[]));
    add("least-of-no-quorum", "", note(&[&log, &x1, &x2]), nobody.clone(), least(2, &[50]));
    add(
        "fewer-than-the-least-of-no-quorum",
        unmet,
        note(&[&log, &x1, &again]),
        nobody,
        least(2, &[50]),
    );
    add(
        "a-trusted-logs-key",
        "roles/witness-key-reused",
        note(&[&x1, &x3, &y1]),
        bare,
        least(3, &[44]),
    );
    let hello = "log.example\n";
    add(
        "not-a-checkpoint",
        "checkpoint/malformed",
        format!("{hello}\n{}", by_log(hello)),
        policy(),
        none(),
    );
}

/// The entries of the log of the cases below.
fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// The root of some leaves, as RFC 9162 §2.1.1 defines it.
fn tree_hash(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => hash_of(b""),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&tree_hash(left), &tree_hash(right))
        }
    }
}

fn hash_of(bytes: &[u8]) -> [u8; 32] {
    crate::case::hex(&Sha256::of(bytes).to_string()).try_into().unwrap()
}

fn leaves(size: u64) -> Vec<[u8; 32]> {
    (0..size).map(|index| leaf_hash(&entry(index))).collect()
}

/// A checkpoint of the log of these cases.
fn head(size: u64, root: &[u8; 32]) -> String {
    let body = format!("log.example\n{size}\n{}\n", base64(root));
    format!("{body}\n{}", line("log.example", 1, 50, &body, 0))
}

/// The tiles of a log of this size, and the bundles of its entries.
fn tiles(size: u64) -> Value {
    let leaves = leaves(size);
    let mut tiles = json!({});
    for (index, hashes) in leaves.chunks(256).enumerate() {
        let width =
            if hashes.len() == 256 { String::new() } else { format!(".p/{}", hashes.len()) };
        let first = index as u64 * 256;
        let entries = (first..first + hashes.len() as u64).flat_map(|index| {
            let entry = entry(index);
            [&u16::try_from(entry.len()).unwrap().to_be_bytes()[..], &entry].concat()
        });
        tiles[format!("tile/entries/{index:03}{width}")] =
            base64(&entries.collect::<Vec<u8>>()).into();
        tiles[format!("tile/0/{index:03}{width}")] = base64(&hashes.concat()).into();
    }
    let full: Vec<[u8; 32]> = leaves.chunks_exact(256).map(tree_hash).collect();
    if !full.is_empty() {
        tiles[format!("tile/1/000.p/{}", full.len())] = base64(&full.concat()).into();
    }
    tiles
}

fn tile_cases(cases: &mut Cases) {
    let mut add = |name: &str, rejection: &str, of: u64, size: u64, change: &dyn Fn(&mut Value)| {
        let mut members = json!({"text": head(size, &tree_hash(&leaves(size))),
            "log_vkey": vkey("log.example", 1, 50), "tiles": tiles(of), "entries": of < 256});
        change(&mut members);
        cases.add("tlog-tiles", name, rejection, members);
    };
    let tile = |path: &'static str, change: fn(Vec<u8>) -> Vec<u8>| {
        move |case: &mut Value| {
            let bytes = crate::case::base64(case["tiles"][path].as_str().unwrap());
            case["tiles"][path] = base64(&change(bytes)).into();
        }
    };
    let without = |path: &'static str| {
        move |case: &mut Value| drop(case["tiles"].as_object_mut().unwrap().remove(path))
    };
    let cut = |mut bytes: Vec<u8>| {
        bytes.pop();
        bytes
    };
    let last = |mut bytes: Vec<u8>| {
        let at = bytes.len() - 1;
        bytes[at] ^= 1;
        bytes
    };
    let (missing, malformed) = ("tile/missing", "tile/malformed");
    add("sound", "", 5, 5, &|_| {});
    add("empty", "", 0, 0, &|_| {});
    add("from-a-wider-tile", "", 5, 3, &|_| {});
    add("another-root", "tile/root", 5, 5, &|case| {
        case["text"] = head(5, &tree_hash(&leaves(4))).into();
    });
    add("empty-with-a-root", "tile/root", 0, 0, &|case| case["text"] = head(0, &[0; 32]).into());
    add("larger-than-its-tiles", missing, 5, 6, &|_| {});
    add("beyond-all-tiles", missing, 5, 5, &|case| case["text"] = head(u64::MAX, &[0; 32]).into());
    add("no-leaves", missing, 5, 5, &without("tile/0/000.p/5"));
    add("no-entries", missing, 5, 5, &without("tile/entries/000.p/5"));
    add("no-entries-and-none-asked-for", "", 5, 5, &|case| {
        without("tile/entries/000.p/5")(case);
        case["entries"] = false.into();
    });
    add("cut", malformed, 5, 5, &tile("tile/0/000.p/5", cut));
    add("a-hash-too-few", malformed, 5, 5, &tile("tile/0/000.p/5", |bytes| bytes[32..].into()));
    add(
        "a-hash-too-many",
        malformed,
        5,
        5,
        &tile("tile/0/000.p/5", |bytes| [&bytes[..], &[0; 32]].concat()),
    );
    add("another-last-leaf", "tile/root", 5, 5, &tile("tile/0/000.p/5", last));
    add("entries-cut", malformed, 5, 5, &tile("tile/entries/000.p/5", cut));
    add("another-entry", "tile/hash", 5, 5, &tile("tile/entries/000.p/5", last));
    add(
        "an-entry-too-many",
        malformed,
        5,
        5,
        &tile("tile/entries/000.p/5", |bytes| [&bytes[..], &[0, 0]].concat()),
    );
    add(
        "an-entry-too-few",
        malformed,
        5,
        5,
        &tile("tile/entries/000.p/5", |bytes| bytes[9..].into()),
    );
    add("signed-by-another", "note/unsigned", 5, 5, &|case| {
        case["log_vkey"] = vkey("log.example", 1, 51).into();
    });
    add("two-levels", "", 259, 259, &|_| {});
    add("before-the-second-tile", "", 259, 256, &|_| {});
    add("from-a-full-tile", "", 259, 100, &|_| {});
    add("no-leaves-below", missing, 259, 259, &without("tile/0/000"));
    add("no-level-above", missing, 259, 259, &without("tile/1/000.p/1"));
    add("another-leaf-below", "tile/hash", 259, 259, &tile("tile/0/000", last));
    add("another-level-above", "tile/root", 259, 259, &tile("tile/1/000.p/1", last));
}

fn fork_cases(cases: &mut Cases) {
    let mut add = |name: &str, rejection: &str, record: &Value| {
        let members = json!({"text": text(canonical::of_value(&read(record)).unwrap()),
            "log_vkey": vkey("log.example", 1, 50)});
        cases.add("fork-record", name, rejection, members);
    };
    let side = |size: u64, root: &[u8; 32]| json!({"note": head(size, root), "root": base64(root), "size": size.to_string()});
    let mut other = leaves(7);
    other[1] = leaf_hash(b"another");
    let (true_root, other_root) = (tree_hash(&leaves(7)), tree_hash(&other));
    let record = |first: Value, second: Value, reason: &str| {
        json!({"first": first, "second": second, "origin": "log.example", "reason": reason,
            "schema": 1})
    };
    let same = record(side(7, &true_root), side(7, &other_root), "same-size");
    add("same-size", "", &same);
    // The tree of seven begins with `prefix`, and the checkpoint of three says another one.
    let hashes = leaves(7);
    let proof = [hashes[2], hashes[3], tree_hash(&hashes[..2]), tree_hash(&hashes[4..])];
    let inconsistent = |first: &[u8; 32]| {
        let mut record = record(side(3, first), side(7, &true_root), "inconsistent");
        let proof: Vec<String> = proof.iter().map(|hash| base64(hash)).collect();
        record["prefix"] = json!({"proof": proof, "root": base64(&tree_hash(&hashes[..3]))});
        record
    };
    let sound = inconsistent(&tree_hash(&other[..3]));
    add("inconsistent", "", &sound);
    let unproven = "fork/unproven";
    add("consistent", unproven, &inconsistent(&tree_hash(&hashes[..3])));
    add("the-same-twice", unproven, &record(side(7, &true_root), side(7, &true_root), "same-size"));
    let sizes = record(side(3, &tree_hash(&hashes[..3])), side(7, &true_root), "same-size");
    add("two-sizes", unproven, &sizes);
    let with = |record: &Value, change: &dyn Fn(&mut Value)| {
        let mut record = record.clone();
        change(&mut record);
        record
    };
    let forged = with(&sound, &|r| r["prefix"]["root"] = base64(&tree_hash(&other[..3])).into());
    add("a-forged-prefix", "proof/root", &forged);
    let short = with(&sound, &|r| drop(r["prefix"]["proof"].as_array_mut().unwrap().pop()));
    add("a-short-proof", "proof/shape", &short);
    let swapped = with(&sound, &|r| {
        let first = r["first"].take();
        r["first"] = std::mem::replace(&mut r["second"], first);
    });
    add("the-larger-one-first", "proof/shape", &swapped);
    add(
        "without-its-proof",
        "record/member-missing",
        &with(&sound, &|r| {
            drop(r.as_object_mut().unwrap().remove("prefix"));
        }),
    );
    let more = with(&same, &|r| r["prefix"] = sound["prefix"].clone());
    add("with-a-proof-of-nothing", "record/member-unknown", &more);
    add(
        "another-size",
        "record/member-invalid",
        &with(&same, &|r| r["second"]["size"] = "8".into()),
    );
    add(
        "another-root",
        "record/member-invalid",
        &with(&same, &|r| {
            r["second"]["root"] = r["first"]["root"].clone();
        }),
    );
    add("another-origin", "record/member-invalid", &with(&same, &|r| r["origin"] = "x".into()));
    add("another-schema", "record/schema-unknown", &with(&same, &|r| r["schema"] = 2.into()));
    let unsigned = with(&same, &|r| {
        let note =
            r["second"]["note"].as_str().unwrap().replace("log.example\n7", "log.example\n8");
        r["second"]["note"] = note.into();
    });
    add("not-signed", "note/signature", &unsigned);
    add("not-base64", "envelope/base64", &with(&sound, &|r| r["prefix"]["root"] = "x".into()));
    let cut = with(&sound, &|r| r["prefix"]["root"] = "AAAA".into());
    add("a-hash-cut", "proof/shape", &cut);
    let spaced = json!({"text": same.to_string() + "\n", "log_vkey": vkey("log.example", 1, 50)});
    cases.add("fork-record", "not-canonical", "json/not-canonical", spaced);
}

fn read(value: &Value) -> strict::Value {
    strict::read(value.to_string().as_bytes(), strict::Limits::RECORD).unwrap()
}

/// The id of a key in layouts, which is a hint and can be anything.
fn hint(number: u8) -> String {
    format!("{number:02x}").repeat(32)
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A public key as in-toto and TUF write it.
fn metadata_key(number: u8) -> Value {
    json!({"keytype": "ed25519", "scheme": "ed25519",
        "keyval": {"public": digits(key(number).public().as_bytes())}})
}

/// Metadata in a DSSE envelope.
fn enveloped(payload: &Value, by: &[u8]) -> String {
    let mut envelope = Envelope::new(IN_TOTO, payload.to_string().into_bytes());
    for number in by {
        let bytes = key(*number).sign(&envelope.pae()).to_vec();
        envelope.add(Signature { key_id: Some(hint(*number)), bytes });
    }
    text(envelope.to_vec())
}

/// Metadata in the legacy form; what serde_json writes of ASCII without control characters is canonical there.
fn metablock(signed: &Value, by: &[u8]) -> String {
    let signature = |number: &u8| {
        let sig = digits(&key(*number).sign(signed.to_string().as_bytes()));
        json!({"keyid": hint(*number), "sig": sig})
    };
    let signatures: Vec<Value> = by.iter().map(signature).collect();
    json!({"signed": signed, "signatures": signatures}).to_string()
}

/// The step `fetch` by key 2 makes `a`; `build` by key 3 or 4 makes `b` of it.
fn layout() -> Value {
    json!({
        "_type": "layout", "expires": "2026-11-24T00:00:00Z", "readme": "", "inspect": [],
        "keys": {hint(2): metadata_key(2), hint(3): metadata_key(3), hint(4): metadata_key(4)},
        "steps": [
            {"_type": "step", "name": "fetch", "threshold": 1, "pubkeys": [hint(2)],
                "expected_command": [], "expected_materials": [["DISALLOW", "*"]],
                "expected_products": [["CREATE", "a"], ["DISALLOW", "*"]]},
            {"_type": "step", "name": "build", "threshold": 1, "pubkeys": [hint(3), hint(4)],
                "expected_command": ["make"],
                "expected_materials":
                    [["MATCH", "*", "WITH", "PRODUCTS", "FROM", "fetch"], ["DISALLOW", "*"]],
                "expected_products": [["CREATE", "b"], ["DISALLOW", "*"]]},
        ],
    })
}

fn metadata_link(name: &str, materials: Value, products: Value) -> Value {
    json!({"_type": "link", "name": name, "command": ["make"], "byproducts": {},
        "environment": {}, "materials": materials, "products": products})
}

/// The name of a link's file.
fn link_file(step: &str, number: u8) -> String {
    format!("{step}.{}.link", &hint(number)[..8])
}

fn layout_cases(cases: &mut Cases) {
    let sha256 = |number: u8| json!({"sha256": hint(number)});
    let fetched = metadata_link("fetch", json!({}), json!({"a": sha256(10)}));
    let built = metadata_link("build", json!({"a": sha256(10)}), json!({"b": sha256(11)}));
    let fetch = enveloped(&fetched, &[2]);
    let build = enveloped(&built, &[3]);
    // The directory with the link of `fetch`, and these.
    let with = |links: &[(String, &String)]| {
        let mut directory = json!({link_file("fetch", 2): fetch});
        for (file, link) in links {
            directory[file] = (*link).clone().into();
        }
        directory
    };
    let all = || with(&[(link_file("build", 3), &build)]);
    let mut add = |name: &str, rejection: &str, layout: String, keys: &[u8], directory: Value| {
        let entry = |number: &u8| {
            json!({"keyid": hint(*number),
                "ed25519_hex": digits(key(*number).public().as_bytes())})
        };
        let keys: Vec<Value> = keys.iter().map(entry).collect();
        let members = json!({"text": layout, "layout_keys": keys, "directory": directory,
            "time": DAY});
        cases.add("in-toto-layout", name, rejection, members);
    };
    let unmet = "layout/step-unmet";
    let sound = enveloped(&layout(), &[1]);
    add("sound", "", sound.clone(), &[1], all());
    add("legacy", "", metablock(&layout(), &[1]), &[1], all());
    let legacy = metablock(&built, &[3]);
    add("legacy-link", "", sound.clone(), &[1], with(&[(link_file("build", 3), &legacy)]));

    // Who signed the layout, and what it is.
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut layout = layout();
        change(&mut layout);
        enveloped(&layout, &[1])
    };
    add("unsigned", "layout/unsigned", sound.clone(), &[1, 5], all());
    add("two-owners", "", enveloped(&layout(), &[1, 5]), &[1, 5], all());
    add("owner-twice", "roles/key-repeated", sound.clone(), &[1, 1], all());
    add("no-owner", "role/threshold-zero", sound.clone(), &[], all());
    add("a-link", "metadata/type", enveloped(&built, &[1]), &[1], all());
    let expired = changed(&|l| l["expires"] = "2026-11-23T23:59:59Z".into());
    add("expired", "metadata/expired", expired, &[1], all());
    let malformed = changed(&|l| l["expires"] = "2026-11-24T00:00:00+00:00".into());
    add("expires-malformed", "record/member-invalid", malformed, &[1], all());
    let empty = changed(&|l| l["steps"] = json!([]));
    add("no-steps", "layout/no-steps", empty, &[1], all());
    let twice = changed(&|l| l["steps"][1]["name"] = "fetch".into());
    add("step-twice", "layout/name-repeated", twice, &[1], all());
    let parameter = changed(&|l| l["steps"][1]["expected_command"][0] = "{MAKE}".into());
    add("parameter", "layout/parameter", parameter, &[1], all());
    let scheme = changed(&|l| l["keys"][hint(3)]["scheme"] = "ecdsa-sha2-nistp256".into());
    add("other-scheme", "key/scheme", scheme, &[1], all());
    let misspelt = changed(&|l| l["steps"][1]["expected_materials"][0][5] = "fetsh".into());
    add("match-from-nowhere", "record/member-invalid", misspelt, &[1], all());

    // Who performed the steps.
    let two = changed(&|l| l["steps"][1]["threshold"] = 2.into());
    let other = enveloped(&built, &[4]);
    let both = with(&[(link_file("build", 3), &build), (link_file("build", 4), &other)]);
    add("two-functionaries", "", two.clone(), &[1], both);
    add("one-of-two", "layout/link-missing", two.clone(), &[1], all());
    add("no-link", "layout/link-missing", sound.clone(), &[1], with(&[]));
    let copied = with(&[(link_file("build", 3), &build), (link_file("build", 4), &build)]);
    add("same-link-twice", unmet, two, &[1], copied);
    let two_ids = |threshold: u64| {
        changed(&move |l| {
            l["keys"][hint(5)] = metadata_key(3);
            l["steps"][1]["pubkeys"] = json!([hint(3), hint(4), hint(5)]);
            l["steps"][1]["threshold"] = threshold.into();
        })
    };
    let renamed = with(&[(link_file("build", 3), &build), (link_file("build", 5), &build)]);
    add("same-key-two-ids", unmet, two_ids(2), &[1], renamed.clone());
    add("threshold-above-n", "role/threshold-unreachable", two_ids(3), &[1], renamed);
    let zero = changed(&|l| l["steps"][1]["threshold"] = 0.into());
    add("threshold-zero", "role/threshold-zero", zero, &[1], all());
    let stranger = enveloped(&built, &[2]);
    let of_fetch = with(&[(link_file("build", 2), &stranger)]);
    add("functionary-of-other-step", unmet, sound.clone(), &[1], of_fetch);
    let of_fetch = with(&[(link_file("build", 3), &stranger)]);
    add("functionary-of-other-step-renamed", unmet, sound.clone(), &[1], of_fetch);
    let other_step = metadata_link("fetch", json!({"a": sha256(10)}), json!({"b": sha256(11)}));
    let replayed = enveloped(&other_step, &[3]);
    let replayed = with(&[(link_file("build", 3), &replayed)]);
    add("link-of-other-step", unmet, sound.clone(), &[1], replayed);
    let differing = metadata_link("build", json!({"a": sha256(10)}), json!({"b": sha256(12)}));
    let differing = enveloped(&differing, &[4]);
    let differing = with(&[(link_file("build", 3), &build), (link_file("build", 4), &differing)]);
    add("links-disagree", "layout/links-disagree", sound.clone(), &[1], differing);

    // What they took and made.
    let mut made = |name: &str, rejection: &str, materials: Value, products: Value| {
        let link = enveloped(&metadata_link("build", materials, products), &[3]);
        add(name, rejection, sound.clone(), &[1], with(&[(link_file("build", 3), &link)]));
    };
    let disallowed = "layout/artifact-disallowed";
    made("match-other-digest", disallowed, json!({"a": sha256(13)}), json!({"b": sha256(11)}));
    let weak = json!({"a": {"sha1": "a9993e364706816aba3e25717850c26c9cd0d89d"}});
    made("match-weak-digest", disallowed, weak, json!({"b": sha256(11)}));
    made("disallowed", disallowed, json!({}), json!({"b": sha256(11), "c": sha256(12)}));
    made("path-outside", unmet, json!({}), json!({"../b": sha256(11)}));
    made("digest-cut", unmet, json!({}), json!({"b": {"sha256": "0b"}}));
    let required = changed(&|l| l["steps"][1]["expected_products"] = json!([["REQUIRE", "c"]]));
    add("required", "layout/artifact-required", required, &[1], all());

    // Nested layouts, and bounds.
    let mut inner = layout();
    inner["steps"] = json!([{"_type": "step", "name": "build", "threshold": 1,
        "pubkeys": [hint(4)], "expected_command": [], "expected_materials": [["ALLOW", "*"]],
        "expected_products": [["ALLOW", "*"]]}]);
    let inside = |products: Value| {
        let link = metadata_link("build", json!({"a": sha256(10)}), products);
        json!({link_file("build", 4): enveloped(&link, &[4])})
    };
    let name = |number: u8| format!("build.{}", &hint(number)[..8]);
    let delegated = |by: u8, directory: Value| {
        let mut outer = with(&[(link_file("build", 3), &enveloped(&inner, &[by]))]);
        outer[name(3)] = directory;
        outer
    };
    let products = || json!({"b": sha256(11)});
    add("nested", "", sound.clone(), &[1], delegated(3, inside(products())));
    let other = inside(json!({"c": sha256(11)}));
    add("nested-disallowed", disallowed, sound.clone(), &[1], delegated(3, other));
    add("nested-without-links", unmet, sound.clone(), &[1], delegated(3, json!({})));
    add("nested-by-another", unmet, sound.clone(), &[1], delegated(4, inside(products())));
    let nested = |depth: usize| {
        let link = link_file("build", 4);
        (1..depth).fold(
            inside(products()),
            |directory, _| json!({link.clone(): enveloped(&inner, &[4]), name(4): directory}),
        )
    };
    add("nested-deepest", "", sound.clone(), &[1], delegated(3, nested(8)));
    add("nested-too-deep", "layout/too-deep", sound.clone(), &[1], delegated(3, nested(9)));
    let mut many = all();
    (0..1023).for_each(|number: u32| many[format!("{number}.link")] = "".into());
    add("too-many-links", "layout/too-many-links", sound, &[1], many);
}

fn root_cases(cases: &mut Cases) {
    let root = |ids: &[u8], threshold: u64| {
        let ids: Vec<String> = ids.iter().map(|number| hint(*number)).collect();
        json!({"_type": "root", "version": 1, "expires": "2026-11-24T00:00:00Z",
            "keys": {hint(1): metadata_key(1), hint(2): metadata_key(2)},
            "roles": {"root": {"keyids": ids, "threshold": threshold}}})
    };
    let mut add = |name: &str, rejection: &str, root: &Value, by: &[u8]| {
        let members = json!({"text": metablock(root, by), "time": DAY});
        cases.add("tuf-root", name, rejection, members);
    };
    let unmet = "signature/threshold-not-met";
    add("two-of-two", "", &root(&[1, 2], 2), &[1, 2]);
    add("same-signature-twice", unmet, &root(&[1, 2], 2), &[1, 1]);
    add("id-not-of-the-role", unmet, &root(&[1], 1), &[2]);
    add("id-without-a-key", unmet, &root(&[3], 1), &[3]);
    let mut other = root(&[1], 1);
    other["keys"][hint(1)]["scheme"] = "rsassa-pss-sha256".into();
    add("other-scheme", unmet, &other, &[1]);
    let mut expired = root(&[1], 1);
    expired["expires"] = "2026-11-23T23:59:59Z".into();
    add("expired", "metadata/expired", &expired, &[1]);
}
