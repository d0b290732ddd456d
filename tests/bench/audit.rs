//! What an audit of a lockfile costs, stage by stage, without the start of a process.
//!
//! The lockfiles are those of seven real workspaces beside the repository; where they are absent, generated ones of the
//! same shape stand in, and their names say so.

use std::fmt::Write;
use std::path::Path;

use divan::{Bencher, black_box};
use jiff::civil::Date;
use weft_gate::facts::{self, Facts, Known, LockfileState};
use weft_gate::input::lockfile;
use weft_gate::inventory::{Inventory, from_lock};
use weft_gate::{Topology, decide, policy};

/// Names, packages, edges and members of the real lockfiles.
const SHAPES: [(&str, usize, usize, usize); 7] = [
    ("ripgrep", 63, 145, 11),
    ("rust-analyzer", 377, 1_156, 44),
    ("cargo", 550, 1_688, 27),
    ("uv", 753, 3_160, 70),
    ("nushell", 1_035, 3_711, 44),
    ("deno", 1_128, 4_528, 81),
    ("risingwave", 1_548, 7_961, 72),
];

const NAMES: [&str; 7] =
    ["ripgrep", "rust-analyzer", "cargo", "uv", "nushell", "deno", "risingwave"];

fn main() {
    for (name, ..) in SHAPES {
        if real(name).is_none() {
            eprintln!("GENERATED: the lockfile of {name} is absent, so one of its shape stands in");
        }
    }
    divan::main();
}

fn real(name: &str) -> Option<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/graphs");
    std::fs::read(root.join(name).join("Cargo.lock")).ok()
}

fn bytes(name: &str) -> Vec<u8> {
    real(name).unwrap_or_else(|| {
        generated(SHAPES.into_iter().find(|s| s.0 == name).expect("a known name"))
    })
}

/// Writes a lockfile in which each package depends on later ones, the first ones being members.
fn generated((_, packages, edges, members): (&str, usize, usize, usize)) -> Vec<u8> {
    let mut text = String::from("version = 4\n");
    let mut state = 1_u64;
    for package in 0..packages {
        _ = write!(text, "\n[[package]]\nname = \"p{package:05}\"\nversion = \"1.0.0\"\n");
        if package >= members {
            let checksum = format!("{package:064x}");
            _ = writeln!(
                text,
                "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{checksum}\""
            );
        }
        let wanted = if package + 1 == packages { 0 } else { edges / packages + package % 2 };
        let mut targets: Vec<usize> = (0..wanted)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                package + 1 + usize::try_from(state >> 33).unwrap_or(0) % (packages - package - 1)
            })
            .collect();
        targets.sort_unstable();
        targets.dedup();
        let list: Vec<String> = targets.iter().map(|t| format!(" \"p{t:05}\",\n")).collect();
        if !list.is_empty() {
            _ = write!(text, "dependencies = [\n{}]\n", list.concat());
        }
    }
    text.into_bytes()
}

fn inventory(name: &str) -> Inventory {
    from_lock(&lockfile::parse("Cargo.lock", &bytes(name)).expect("it parses"), &[], false)
}

fn facts(name: &str) -> Facts {
    let layers = policy::built_in("local").expect("it is built in");
    let unknown = || "only a lockfile was read".to_owned();
    Facts {
        advisories: Known::Unknown(unknown()),
        as_of: Date::constant(2026, 11, 20),
        base: None,
        claims: Known::Unknown(unknown()),
        contents: Known::Unknown(unknown()),
        drift: Known::Unknown(unknown()),
        escapes: Known::Unknown(unknown()),
        exemptions: Vec::new(),
        inputs: Vec::new(),
        inventory: Known::Value(inventory(name)),
        licenses: Known::Unknown(unknown()),
        lockfile: LockfileState::Present("Cargo.lock".to_owned()),
        notices: Vec::new(),
        policy: policy::combine(&layers).expect("it is complete").policy,
        publishers: None,
        releases: Known::Unknown(unknown()),
        replacements: Known::Unknown(unknown()),
        schema: facts::SCHEMA,
        vouched: None,
    }
}

#[divan::bench(args = NAMES)]
fn parse(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = bytes(name);
    bencher.bench(|| lockfile::parse("Cargo.lock", black_box(&bytes)));
}

#[divan::bench(args = NAMES)]
fn build(bencher: Bencher<'_, '_>, name: &str) {
    let lockfile = lockfile::parse("Cargo.lock", &bytes(name)).expect("it parses");
    bencher.bench(|| from_lock(black_box(&lockfile), &[], false));
}

#[divan::bench(args = NAMES)]
fn measure(bencher: Bencher<'_, '_>, name: &str) {
    let inventory = inventory(name);
    bencher.bench(|| Topology::of(black_box(&inventory)).map(|t| t.f50_thousandths));
}

#[divan::bench(args = NAMES)]
fn canonical(bencher: Bencher<'_, '_>, name: &str) {
    let inventory = inventory(name);
    bencher.bench(|| black_box(&inventory).to_canonical());
}

#[divan::bench(args = NAMES)]
fn judge(bencher: Bencher<'_, '_>, name: &str) {
    let facts = facts(name);
    bencher.bench(|| decide(black_box(&facts)));
}
