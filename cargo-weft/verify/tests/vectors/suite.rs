//! The public suites that come as files of rows.

use std::path::Path;

use serde_json::Value;
use weft_verify::envelope;
use weft_verify::fork::{Head, Standing, compare};
use weft_verify::json::{self, Limits};
use weft_verify::key::PublicKey;
use weft_verify::merkle::verify_inclusion;
use weft_verify::note::{Note, Vkey};
use weft_verify::sign::SigningKey;
use weft_verify::witness::Policy;
use weft_verify::{AsOf, Rejection, canonical, checkpoint};

use crate::case::{Log, base64, consistency, hex, inclusion};
use crate::{Tally, read, read_json};

/// Runs every suite that the folder has.
pub(crate) fn run(folder: &Path, tally: &mut Tally) {
    jcs(folder, tally);
    for row in rows(folder, "json/json_test_suite.jsonl") {
        json_test_suite(&row, tally);
    }
    ed25519(folder, tally);
    for name in ["merkle/generated_inclusion.jsonl", "merkle/inclusion.jsonl"] {
        for row in rows(folder, name) {
            tally.judge(
                "inclusion",
                &row["desc"].to_string(),
                row["wantErr"] == false,
                &inclusion(&row),
            );
        }
    }
    for name in ["merkle/generated_consistency.jsonl", "merkle/consistency.jsonl"] {
        for row in rows(folder, name) {
            let found = consistency(&row);
            tally.judge("consistency", &row["desc"].to_string(), row["wantErr"] == false, &found);
        }
    }
    for row in rows(folder, "tlog/notes_quorum.jsonl") {
        quorum(&row, tally);
    }
    for log in files(&folder.join("tlog")).iter().filter(|path| path.join("vkey.txt").is_file()) {
        tiled(log, tally);
    }
    let protocol = folder.join("dsse/protocol_vector.json");
    if protocol.is_file() {
        let row = read_json(&protocol);
        let text = |name: &str| row[name].as_str().unwrap();
        let same = envelope::pae(text("payloadType"), text("payload").as_bytes())
            == text("pae").as_bytes();
        tally.judge("pae", "protocol.md", same, &Ok(()));
    }
}

fn rows(folder: &Path, name: &str) -> Vec<Value> {
    let path = folder.join(name);
    if !path.is_file() {
        return Vec::new();
    }
    let text = String::from_utf8(read(&path)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn canonical(input: &[u8]) -> Result<Vec<u8>, Rejection> {
    json::read(input, Limits::FOREIGN).map(|value| canonical::of_value(&value).unwrap())
}

fn jcs(folder: &Path, tally: &mut Tally) {
    for input in files(&folder.join("jcs/cyberphone/input")) {
        let output = folder.join("jcs/cyberphone/output").join(input.file_name().unwrap());
        let found = canonical(&read(&input));
        let same = found.as_ref() == Ok(&read(&output));
        tally.judge("jcs", &input.display().to_string(), same, &found.map(drop));
    }
    for row in rows(folder, "jcs/documents.jsonl") {
        let found = canonical(row["input"].as_str().unwrap().as_bytes());
        let same = found.as_deref() == Ok(row["canonical"].as_str().unwrap().as_bytes());
        tally.judge("jcs", &row["id"].to_string(), same, &found.map(drop));
    }
    for path in files(&folder.join("jcs")) {
        if !path.file_name().unwrap().to_string_lossy().starts_with("es6_numbers_") {
            continue;
        }
        for line in String::from_utf8(read(&path)).unwrap().lines() {
            let (bits, text) = line.split_once(',').unwrap();
            let double = f64::from_bits(u64::from_str_radix(bits, 16).unwrap());
            let found = canonical::of_value(&json::Value::Double(double)).unwrap();
            tally.judge("es6-number", line, found == text.as_bytes(), &Ok(()));
            // And back: the text is read as the same double.
            if double != 0.0 {
                let limits = Limits::FOREIGN;
                let same = match json::read(text.as_bytes(), limits) {
                    Ok(json::Value::Double(found)) => found.to_bits() == double.to_bits(),
                    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
                    Ok(json::Value::Integer(found)) => found as f64 == double,
                    _ => false,
                };
                tally.judge("es6-number-read", line, same, &Ok(()));
            }
        }
    }
}

fn json_test_suite(row: &Value, tally: &mut Tally) {
    let name = row["name"].as_str().unwrap();
    let input = match (row["b64"].as_str(), name) {
        (Some(text), _) => base64(text),
        (None, "n_structure_open_array_object.json") => {
            format!("{}\n", "[{\"\":".repeat(50_000)).into_bytes()
        }
        (None, _) => return tally.wrong("json", name, "a generator that the runner does not know"),
    };
    if let Some(digest) = row["sha256"].as_str() {
        assert_eq!(weft_verify::Sha256::of(&input).to_string(), digest, "{name}");
    }
    let found = json::read(&input, Limits::FOREIGN).map(drop);
    let accept = match row["expect"].as_str().unwrap() {
        // I-JSON, which RFC 8785 builds on, refuses duplicate members (NOTICE).
        "accept" => !matches!(found, Err(Rejection::JsonDuplicateMember { .. })),
        "reject" => false,
        // Either way; that nothing panics is what is shown.
        _ => found.is_ok(),
    };
    if !accept && row["expect"] == "accept" {
        assert!(name.contains("duplicated"), "{name}");
    }
    tally.judge("json", name, accept, &found);
}

fn ed25519(folder: &Path, tally: &mut Tally) {
    let verify = |key: &str, message: &[u8], signature: &str| {
        let key = <[u8; 32]>::try_from(hex(key)).unwrap();
        PublicKey::from_bytes(&key)?.verify(message, &hex(signature))
    };
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    for row in rows(folder, "ed25519/wycheproof.jsonl") {
        let found = verify(&text(&row, "pk"), &hex(&text(&row, "msg")), &text(&row, "sig"));
        tally.judge("wycheproof", &row["tcId"].to_string(), row["result"] == "valid", &found);
    }
    for row in rows(folder, "ed25519/cctv.jsonl") {
        let found = verify(&text(&row, "key"), text(&row, "msg").as_bytes(), &text(&row, "sig"));
        tally.judge("cctv", &row["number"].to_string(), row["expect_strict"] == "accept", &found);
    }
    for row in rows(folder, "ed25519/speccheck.jsonl") {
        let message = hex(&text(&row, "message"));
        let found = verify(&text(&row, "pub_key"), &message, &text(&row, "signature"));
        tally.judge("speccheck", &row["case"].to_string(), row["dalek_strict"] == "accept", &found);
    }
    for row in rows(folder, "ed25519/sign_input.jsonl") {
        let key = SigningKey::from_seed(&hex(&text(&row, "seed")).try_into().unwrap());
        let message = hex(&text(&row, "msg"));
        let same = key.public().as_bytes()[..] == hex(&text(&row, "pk"))
            && key.sign(&message)[..] == hex(&text(&row, "sig"));
        tally.judge("sign-input", &row["i"].to_string(), same, &Ok(()));
        let found = verify(&text(&row, "pk"), &message, &text(&row, "sig"));
        tally.judge("sign-input", &row["i"].to_string(), true, &found);
    }
}

/// Every checkpoint of a log agrees with its tiles and entries, and with every other.
fn tiled(folder: &Path, tally: &mut Tally) {
    let vkey = String::from_utf8(read(&folder.join("vkey.txt"))).unwrap();
    let vkeys: [Vkey; 1] = [vkey.trim_end().parse().unwrap()];
    let log = Log::of_folder(folder);
    let is_checkpoint = |path: &&std::path::PathBuf| {
        path.file_name().unwrap().to_string_lossy().starts_with("checkpoint")
    };
    let paths = files(folder);
    let heads = paths.iter().filter(is_checkpoint).map(|path| {
        let head = Head::read(&read(path), &vkeys);
        (path.display().to_string(), head.unwrap_or_else(|why| panic!("{path:?}: {why}")))
    });
    let heads: Vec<(String, Head)> = heads.collect();
    for (id, head) in &heads {
        let size = head.checkpoint().size;
        let tree = log.tree(size);
        let found = tree.demand_root(head.checkpoint()).and_then(|()| tree.audit());
        tally.judge("tiles", id, true, &found.map(drop));
        tally.judge("tile-entries", id, true, &tree.audit_entries().map(drop));
        for index in [0, 1, size / 2, size.saturating_sub(1)].into_iter().filter(|i| *i < size) {
            let found = tree.inclusion(index, size).and_then(|proof| {
                let (leaf, root) = (tree.leaf(index)?, head.checkpoint().root);
                verify_inclusion(index, size, &leaf, &proof, &root)
            });
            tally.judge("tile-inclusion", id, true, &found);
        }
        for (other_id, other) in &heads {
            let tree = log.tree(size.max(other.checkpoint().size));
            let found = compare(head, other, &tree);
            if let Ok(Standing::Fork(_)) = found {
                tally.wrong("tile-consistency", id, format!("a fork with {other_id}"));
            }
            tally.judge("tile-consistency", id, true, &found.map(drop));
        }
    }
}

fn quorum(row: &Value, tally: &mut Tally) {
    let id = row["id"].as_str().unwrap();
    let policy = &row["policy"];
    let vkey = |value: &Value| value.as_str().unwrap().parse::<Vkey>().unwrap();
    let witnesses: Vec<Vkey> = policy["witnesses"].as_array().unwrap().iter().map(vkey).collect();
    let threshold = u32::try_from(policy["threshold"].as_u64().unwrap()).unwrap();
    let as_of = AsOf::second(4_000_000_000);
    let found = Note::from_slice(row["note"].as_str().unwrap().as_bytes()).and_then(|note| {
        checkpoint::verify(&note, &vkey(&policy["log"]), &witnesses, threshold, as_of)
    });
    // Written as a policy, it is judged the same, and the policy's names are the witnesses' own.
    let name = |vkey: &Vkey| format!("{} {vkey}", vkey.name());
    let lines: String = witnesses.iter().map(|w| format!("witness {}\n", name(w))).collect();
    let names: Vec<&str> = witnesses.iter().map(Vkey::name).collect();
    let group = format!("group all-of-them {threshold} {}", names.join(" "));
    let log = vkey(&policy["log"]);
    let text = format!("log {log}\n{lines}{group}\nquorum all-of-them\n");
    let again = Policy::from_slice(text.as_bytes()).and_then(|policy| {
        let note = Note::from_slice(row["note"].as_str().unwrap().as_bytes())?;
        policy.verify(&note, as_of)
    });
    tally.judge("quorum-by-policy", id, row["accept"] == true, &again.clone().map(drop));
    if found.is_ok() && again != found {
        tally.wrong("quorum-by-policy", id, format!("{again:?}, expected {found:?}"));
    }
    if let Ok(checkpoint) = &found {
        let mut names: Vec<&str> = checkpoint.witnesses.iter().map(String::as_str).collect();
        names.sort_unstable();
        let expected: Vec<&str> = row["valid_witnesses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|w| w.as_str().unwrap())
            .collect();
        if names != expected {
            tally.wrong("quorum", id, format!("witnesses {names:?}, expected {expected:?}"));
        }
    }
    tally.judge("quorum", id, row["accept"] == true, &found.map(drop));
}
