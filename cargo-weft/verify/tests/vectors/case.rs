//! One case of an `index.json`: by its kind to the function that decides it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use weft_verify::digest::Artifact;
use weft_verify::envelope::{Clause, Envelope};
use weft_verify::fork::{ForkRecord, Head};
use weft_verify::json::Limits;
use weft_verify::key::PublicKey;
use weft_verify::layout::{self, Bundle, Directory};
use weft_verify::merkle::{Hash, verify_consistency, verify_inclusion};
use weft_verify::note::{Note, Vkey};
use weft_verify::predicate::RoleSignature;
use weft_verify::proposal::Proposal;
use weft_verify::role::{Roles, update};
use weft_verify::sign::SigningKey;
use weft_verify::statement::Statement;
use weft_verify::threshold::{Authority, Requirement, Signer, Validity};
use weft_verify::tile::{Tile, Tiles, Tree};
use weft_verify::witness::Policy;
use weft_verify::{AsOf, Rejection, canonical, checkpoint, json, revocation, tuf};

/// The runner does not know the kind.
pub(crate) struct Unsupported;

type Outcome = Result<(), Rejection>;

/// Decides a case.
pub(crate) fn run(case: &Value, folder: &Path) -> Result<Outcome, Unsupported> {
    let case = Case { case, folder };
    Ok(match case.text("kind") {
        "json" => case.json(),
        "jcs" => case.jcs(),
        "ed25519" => case.ed25519(),
        "envelope" => Envelope::from_slice(&case.input()).map(drop),
        "dsse-key" => case.dsse_key(),
        "dsse-threshold" => case.dsse_threshold(),
        "statement" => case.statement(),
        "public-key" => public_key(case.text("text")).map(drop),
        "private-key" => {
            let pem = String::from_utf8(case.input()).unwrap();
            SigningKey::unlock(&pem, case.text("passphrase").as_bytes()).map(drop)
        }
        "roles" => Roles::from_slice(&case.input()).map(drop),
        "roles-chain" => case.roles_chain(),
        "roles-file" => case.roles_file(),
        "freshness" => case.freshness(),
        "proposal" => case.proposal(),
        "vkey" => case.text("text").parse::<Vkey>().map(drop),
        "signed-note" => case.signed_note(),
        "checkpoint" => case.checkpoint(),
        "tlog-policy" => Policy::from_slice(&case.input()).map(drop),
        "witnessed" => case.witnessed(),
        "tlog-tiles" => case.tiles(),
        "fork-record" => {
            let log = case.text("log_vkey").parse().unwrap();
            ForkRecord::from_slice(&case.input()).and_then(|record| record.verify(&log)).map(drop)
        }
        "in-toto-layout" => case.layout(),
        "tuf-root" => tuf::verify_root(&case.input(), case.as_of()).map(drop),
        "tlog-inclusion" => inclusion(&case.file()),
        "tlog-consistency" => consistency(&case.file()),
        _ => return Err(Unsupported),
    })
}

fn public_key(text: &str) -> Result<PublicKey, Rejection> {
    if text.starts_with("-----") { PublicKey::from_pem(text) } else { text.parse() }
}

struct Case<'a> {
    case: &'a Value,
    folder: &'a Path,
}

impl Case<'_> {
    fn text(&self, name: &str) -> &str {
        let id = &self.case["id"];
        self.case[name].as_str().unwrap_or_else(|| panic!("{id}: no member {name}"))
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        self.case[name].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.case.get(name).map(|number| number.as_u64().unwrap())
    }

    fn input(&self) -> Vec<u8> {
        if let Some(text) = self.case["text"].as_str() {
            return text.as_bytes().to_vec();
        }
        match self.case["base64"].as_str() {
            Some(text) => base64(text),
            None => super::read(&self.folder.join(self.text("file"))),
        }
    }

    fn file(&self) -> Value {
        serde_json::from_slice(&self.input()).unwrap()
    }

    /// The moment to judge at: seconds, an instant, or, where none is given, long after all vectors were made.
    fn as_of(&self) -> AsOf {
        AsOf::second(match &self.case["time"] {
            Value::Number(seconds) => seconds.as_u64().unwrap(),
            Value::String(text) => seconds(text),
            _ => 4_000_000_000,
        })
    }

    fn artifact(&self) -> Option<Artifact> {
        if let Some(file) = self.case["artifact"].as_str() {
            return Some(Artifact::of(&super::read(&self.folder.join(file))));
        }
        if let Some(text) = self.case["artifact_base64"].as_str() {
            return Some(Artifact::of(&base64(text)));
        }
        self.case["artifact_digest"].as_str().map(|text| Artifact::named(text).unwrap())
    }

    fn json(&self) -> Outcome {
        let mut limits = match self.text("limits") {
            "record" => Limits::RECORD,
            "foreign" => Limits::FOREIGN,
            other => panic!("limits {other}"),
        };
        let bound = |name| self.number(name).map(|n| usize::try_from(n).unwrap());
        limits.size = bound("size").unwrap_or(limits.size);
        limits.depth = bound("depth").unwrap_or(limits.depth);
        let input = self.input();
        match &self.case["canonical"] {
            Value::Bool(true) => {
                canonical::from_slice_within::<json::Value>(&input, limits).map(drop)
            }
            Value::String(expected) => {
                let found = canonical::of_value(&json::read(&input, limits)?).unwrap();
                assert_eq!(String::from_utf8(found).unwrap(), *expected);
                Ok(())
            }
            _ => json::read(&input, limits).map(drop),
        }
    }

    fn jcs(&self) -> Outcome {
        let found = canonical::of_value(&json::read(&self.input(), Limits::FOREIGN)?).unwrap();
        let expected = super::read(&self.folder.join(self.text("canonical")));
        let offset = found.iter().zip(&expected).take_while(|(a, b)| a == b).count();
        match found == expected {
            true => Ok(()),
            false => Err(Rejection::NotCanonical { offset }),
        }
    }

    fn ed25519(&self) -> Outcome {
        let member = |name: &str| hex(self.case["ed25519"][name].as_str().unwrap());
        let key = PublicKey::from_bytes(&member("public_key_hex").try_into().unwrap())?;
        key.verify(&member("message_hex"), &member("signature_hex"))
    }

    fn dsse_key(&self) -> Outcome {
        let key = PublicKey::from_pem(self.text("key"))?;
        let signer = |id: &str| Signer {
            id: id.to_owned(),
            name: "key".to_owned(),
            key,
            roles: ["any".to_owned()].into(),
            validity: Validity::default(),
        };
        let envelope = Envelope::from_dsse(&self.input())?;
        let ids = envelope.signatures().iter().filter_map(|s| s.key_id.as_deref());
        let authority = Authority::new(ids.chain([""]).map(signer).collect::<Vec<_>>());
        envelope.verify(&authority, &Requirement::new("any", 1)?, self.as_of()).map(drop)
    }

    fn dsse_threshold(&self) -> Outcome {
        let policy = &self.case["key_policy"];
        let role = policy["required_role"].as_str().unwrap_or("any");
        let mut signers = Vec::new();
        for key in policy["keys"].as_array().unwrap() {
            let time = |name: &str| key[name].as_str().map(seconds);
            let key_role = key["role"].as_str();
            let public = hex(key["ed25519_hex"].as_str().unwrap());
            signers.push(Signer {
                id: key["keyid"].as_str().unwrap().to_owned(),
                name: key["keyid"].as_str().unwrap().to_owned(),
                key: PublicKey::from_bytes(&public.try_into().unwrap())?,
                roles: [key_role.unwrap_or("any").to_owned()].into(),
                validity: Validity {
                    not_before: time("not_before"),
                    not_after: time("not_after"),
                    revoked_at: time("revoked_at"),
                },
            });
        }
        let threshold = policy["threshold"].as_i64().unwrap();
        let requirement = Requirement::new(role, u32::try_from(threshold.max(0)).unwrap())?;
        let envelope = Envelope::from_dsse(&self.input())?;
        let payload = envelope.verify(&Authority::new(signers), &requirement, self.as_of())?;
        let statement = Statement::from_payload(&payload)?;
        if let Some(expected) = self.case["predicate_type"].as_str() {
            statement.demand_predicate(expected)?;
        }
        match self.artifact() {
            Some(artifact) => statement.subject_for(&artifact).map(drop),
            None => Ok(()),
        }
    }

    fn statement(&self) -> Outcome {
        let statement = Statement::from_slice(&self.input())?;
        if let Some(expected) = self.case["predicate_type"].as_str() {
            statement.demand_predicate(expected)?;
        }
        if let Some(role) = self.case["role"].as_str() {
            RoleSignature::demand(&statement.predicate, role)?;
        }
        statement.subject_for(&self.artifact().unwrap()).map(drop)
    }

    fn envelopes(&self, name: &str) -> Result<Vec<Envelope>, Rejection> {
        self.texts(name).into_iter().map(|text| Envelope::from_slice(text.as_bytes())).collect()
    }

    fn roles_chain(&self) -> Outcome {
        let envelopes = self.envelopes("envelopes")?;
        if self.case.get("time").is_none() {
            let anchor = self.case["anchor"].as_str().map(|text| text.parse().unwrap());
            return update::walk(&envelopes, anchor).map(drop);
        }
        match envelopes.split_last() {
            Some((last, [])) => update::first(last, self.as_of()).map(drop),
            Some((last, before)) => {
                update::next(&update::walk(before, None)?, last, self.as_of()).map(drop)
            }
            None => panic!("a chain of nothing"),
        }
    }

    fn roles_file(&self) -> Outcome {
        let file = Roles::from_slice(self.text("record").as_bytes())?;
        update::demand_committed(&file, &update::walk(&self.envelopes("envelopes")?, None)?)
    }

    fn freshness(&self) -> Outcome {
        let roles = Roles::from_slice(self.text("roles").as_bytes())?;
        let newest = self.number("newest").unwrap();
        let reason = self.case["reason"].as_str();
        revocation::permit(&roles, self.text("tier").parse()?, newest, reason).map(drop)
    }

    fn proposal(&self) -> Outcome {
        let proposal = Proposal::from_slice(&self.input())?;
        let roles = Roles::from_slice(self.text("roles").as_bytes())?;
        let threshold = u32::try_from(self.number("threshold").unwrap()).unwrap();
        let requirement = &Requirement::new(self.text("role"), threshold)?;
        let clause = Clause { of: None, authority: roles.authority(), requirement };
        proposal.commit(&self.envelopes("attestations")?, &[clause], self.as_of()).map(drop)
    }

    fn layout(&self) -> Outcome {
        let public = |key: &Value| {
            let digits = hex(key["ed25519_hex"].as_str().unwrap());
            PublicKey::from_bytes(&digits.try_into().unwrap())
        };
        let keys = self.case["layout_keys"].as_array().unwrap().iter().map(public);
        let keys = keys.collect::<Result<Vec<_>, Rejection>>()?;
        let directory = match self.case["link_dir"].as_str() {
            Some(folder) => read_directory(&self.folder.join(folder)),
            None => directory(&self.case["directory"]),
        };
        let bundle = Bundle { layout: self.input(), keys, directory };
        layout::verify(&bundle, self.as_of()).map(drop)
    }

    fn signed_note(&self) -> Outcome {
        let vkey = self.text("note_vkey").parse()?;
        Note::from_slice(&self.input())?.verify(&[vkey]).map(drop)
    }

    fn checkpoint(&self) -> Outcome {
        let note = Note::from_slice(&self.input())?;
        let witnesses = self.texts("witnesses").into_iter().map(str::parse);
        let witnesses: Vec<Vkey> = witnesses.collect::<Result<_, _>>()?;
        let log = self.text("log_vkey").parse()?;
        let quorum = u32::try_from(self.number("quorum").unwrap()).unwrap();
        checkpoint::verify(&note, &log, &witnesses, quorum, self.as_of()).map(drop)
    }

    fn tiles(&self) -> Outcome {
        let vkey = if self.case["log_vkey"].is_string() { "log_vkey" } else { "note_vkey" };
        let head = Head::read(&self.input(), &[self.text(vkey).parse()?])?;
        let checkpoint = head.checkpoint();
        if let Some(expected) = self.case["origin"].as_str()
            && checkpoint.origin != expected
        {
            let (expected, found) = (expected.to_owned(), checkpoint.origin.clone());
            return Err(Rejection::CheckpointOrigin { expected, found });
        }
        let log: Log = match self.case["tiles_dir"].as_str() {
            Some(folder) => Log::of_folder(&self.folder.join(folder)),
            None => Log::of_case(&self.case["tiles"]),
        };
        let tree = log.tree(checkpoint.size);
        tree.demand_root(checkpoint)?;
        tree.audit()?;
        if self.case["entries"] == true {
            tree.audit_entries()?;
        }
        Ok(())
    }

    fn witnessed(&self) -> Outcome {
        let note = Note::from_slice(&self.input())?;
        let policy = Policy::from_slice(self.text("policy").as_bytes())?;
        let Some(least) = self.number("least") else {
            return policy.verify(&note, self.as_of()).map(drop);
        };
        let keys = self.texts("log_keys").into_iter().map(|text| text.parse().unwrap());
        let keys: Vec<PublicKey> = keys.collect();
        let least = u32::try_from(least).unwrap();
        policy.verify_seen(&note, &keys, least, self.as_of()).map(drop)
    }
}

/// The tiles of a log, by their paths.
pub(crate) struct Log(BTreeMap<String, Vec<u8>>);

impl Log {
    pub(crate) fn of_folder(folder: &Path) -> Self {
        fn below(folder: &Path, path: &str, files: &mut BTreeMap<String, Vec<u8>>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap().path();
                let path = format!("{path}/{}", entry.file_name().unwrap().to_str().unwrap());
                match entry.is_dir() {
                    true => below(&entry, &path, files),
                    false => drop(files.insert(path, crate::read(&entry))),
                }
            }
        }
        let mut files = BTreeMap::new();
        let tiles = folder.join("tile");
        below(if tiles.is_dir() { &tiles } else { folder }, "tile", &mut files);
        Self(files)
    }

    fn of_case(tiles: &Value) -> Self {
        let tiles = tiles.as_object().unwrap().iter();
        Self(tiles.map(|(path, text)| (path.clone(), base64(text.as_str().unwrap()))).collect())
    }

    /// The narrowest tile that is wide enough.
    fn tile(&self, tile: Tile) -> Option<(Tile, Vec<u8>)> {
        let widths = (tile.width()..=weft_verify::tile::WIDTH).map(|width| tile.widened(width));
        widths.into_iter().find_map(|tile| Some((tile, self.0.get(&tile.path())?.clone())))
    }

    pub(crate) fn tree(&self, size: u64) -> Tree<impl Tiles> {
        Tree::new(size, |tile| self.tile(tile))
    }
}

/// The links of a case: texts by the names of their files, and objects by those of directories.
fn directory(value: &Value) -> Directory {
    let mut out = Directory::default();
    for (name, entry) in value.as_object().unwrap() {
        match entry {
            Value::String(text) => drop(out.links.insert(name.clone(), text.clone().into_bytes())),
            entry => drop(out.directories.insert(name.clone(), directory(entry))),
        }
    }
    out
}

/// The links of a folder.
fn read_directory(folder: &Path) -> Directory {
    let mut out = Directory::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            out.directories.insert(name, read_directory(&path));
        } else if name.ends_with(".link") {
            out.links.insert(name, super::read(&path));
        }
    }
    out
}

pub(crate) fn inclusion(row: &Value) -> Outcome {
    let number = |name: &str| row[name].as_u64().unwrap();
    let proof = hashes(&row["proof"])?;
    let (leaf, root) = (hash(&row["leafHash"])?, hash(&row["root"])?);
    verify_inclusion(number("leafIdx"), number("treeSize"), &leaf, &proof, &root)
}

pub(crate) fn consistency(row: &Value) -> Outcome {
    let number = |name: &str| row[name].as_u64().unwrap();
    let proof = hashes(&row["proof"])?;
    let (root1, root2) = (hash(&row["root1"])?, hash(&row["root2"])?);
    verify_consistency(number("size1"), number("size2"), &root1, &root2, &proof)
}

fn hashes(value: &Value) -> Result<Vec<Hash>, Rejection> {
    value.as_array().map_or(Ok(Vec::new()), |hashes| hashes.iter().map(hash).collect())
}

fn hash(value: &Value) -> Result<Hash, Rejection> {
    let length = Rejection::ProofShape { message: "a hash does not have 32 bytes" };
    base64(value.as_str().unwrap()).try_into().map_err(|_| length)
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

pub(crate) fn base64(text: &str) -> Vec<u8> {
    use base64ct::{Base64, Encoding};
    Base64::decode_vec(text).unwrap()
}

fn seconds(text: &str) -> u64 {
    let time: jiff::Timestamp = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    u64::try_from(time.as_second()).unwrap()
}
