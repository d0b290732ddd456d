//! Runs the fuzz targets on stable Rust: every seed, and then changed seeds, the same ones on every machine.
//!
//! `WEFT_FUZZ_EXECUTIONS` says how many executions each target gets; without it there are 20,000.
//! This is not guided by coverage; `cargo fuzz` is (`Cargo.toml` beside this file).

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

mod target;

/// Pieces that parsers care about.
const TOKENS: [&[u8]; 32] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u",
    b"\\ud800",
    b",",
    b":",
    b"-0",
    b"1e999",
    b"9007199254740992",
    b"null",
    b"\n\n",
    b"\xe2\x80\x94 ",
    b"=",
    b"AAAA",
    b"[[keys]]\n",
    b"= ",
    b"'''",
    b"\xff",
    b"\0",
    b"-----BEGIN ",
    b"keyid",
    b"```toml\n",
    b"r#\"",
    b"::{",
    b"a.a.a.a.",
    b"<!-- weft:end -->",
    b"<!--",
    b"&lt;",
    b"<failure/>",
];

#[test]
fn bundle() {
    run("bundle", target::bundle);
}

#[test]
fn layout() {
    run("layout", target::layout);
}

#[test]
fn json() {
    run("json", target::json);
}

#[test]
fn dsse() {
    run("dsse", target::dsse);
}

#[test]
fn roles() {
    run("roles", target::roles);
}

#[test]
fn pkcs8() {
    run("pkcs8", target::pkcs8);
}

#[test]
fn note() {
    run("note", target::note);
}

#[test]
fn witness() {
    run("witness", target::witness);
}

#[test]
fn tile() {
    run("tile", target::tile);
}

#[test]
fn advisory() {
    run("advisory", target::advisory);
}

#[test]
fn claims() {
    run("claims", target::claims);
}

#[test]
fn document() {
    run("document", target::document);
}

#[test]
fn junit() {
    run("junit", target::junit);
}

#[test]
fn evidence() {
    run("evidence", target::evidence);
}

#[test]
fn exemptions() {
    run("exemptions", target::exemptions);
}

#[test]
fn index() {
    run("index", target::index);
}

#[test]
fn lockfile() {
    run("lockfile", target::lockfile);
}

#[test]
fn manifest() {
    run("manifest", target::manifest);
}

#[test]
fn policy() {
    run("policy", target::policy);
}

#[test]
fn publishers() {
    run("publishers", target::publishers);
}

#[test]
fn script() {
    run("script", target::script);
}

fn run(name: &str, target: fn(&[u8])) {
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name}: no seeds");
    seeds.iter().for_each(|seed| target(seed));
    let executions = std::env::var("WEFT_FUZZ_EXECUTIONS").map_or(20_000, |n| n.parse().unwrap());
    let mut random = Random(0x5eed);
    for _ in 0..executions {
        let mut data = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            change(&mut data, &seeds, &mut random);
        }
        target(&data);
    }
    let mut stderr = std::io::stderr();
    _ = writeln!(stderr, "{name}: {} seeds, {executions} executions", seeds.len());
}

/// The corpus, the vectors of the kinds that fit, and files of the other tests.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let entries = fs::read_dir(here.join("fuzz/corpus").join(name)).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    let (kinds, suffix): (&[&str], &str) = match name {
        "json" => (&["json", "roles", "statement", "envelope"], ""),
        "dsse" => (&["envelope", "dsse-threshold", "statement"], ""),
        "roles" => (&["roles"], ""),
        "pkcs8" => (&["private-key", "public-key"], ""),
        "note" => (&["signed-note", "checkpoint", "vkey"], ""),
        "witness" => (&["tlog-policy"], ""),
        "tile" => (&["fork-record"], ""),
        "advisory" => (&[], ".md"),
        "claims" => (&[], "app.toml"),
        "document" => (&[], "README.md"),
        "evidence" => (&[], "record.json"),
        "exemptions" => (&[], "exemptions.toml"),
        "lockfile" => (&[], "Cargo.lock"),
        "manifest" => (&[], "Cargo.toml"),
        "policy" => (&[], "weft.toml"),
        "publishers" => (&[], "publishers.json"),
        "script" => (&[], "build.rs"),
        _ => (&[], ""),
    };
    if !suffix.is_empty() {
        let mut files = Vec::new();
        files_below(&here.join("golden"), &mut files);
        files_below(&here.join("common"), &mut files);
        files.retain(|path| path.to_string_lossy().ends_with(suffix));
        files.sort();
        seeds.extend(files.iter().map(|path| fs::read(path).unwrap()));
    }
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(here.join("vectors/index.json")).unwrap()).unwrap();
    let cases = index["cases"].as_array().unwrap().iter();
    let fitting = cases.filter(|case| kinds.contains(&case["kind"].as_str().unwrap()));
    seeds.extend(fitting.filter_map(|case| Some(case["text"].as_str()?.as_bytes().to_vec())));
    seeds
}

fn files_below(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }
}

fn change(data: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(data.len() + 1);
    let end = (at + 1 + random.below(32)).min(data.len());
    match random.below(6) {
        0 if at < data.len() => data[at] ^= 1 << random.below(8),
        1 if at < data.len() => data[at] = random.next().to_le_bytes()[0],
        2 if at < end => drop(data.drain(at..end)),
        3 if at < end => {
            let run = data[at..end].to_vec();
            data.splice(at..at, run);
        }
        4 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            data.truncate(at);
            data.extend_from_slice(&other[from..]);
        }
        _ => {
            let token = TOKENS[random.below(TOKENS.len())];
            data.splice(at..at, token.iter().copied());
        }
    }
}
