//! How long a job takes, from the start of the process until everything is told.
//!
//! ```text
//! cargo test --release --workspace --test github -- --ignored --nocapture how_long
//! ```

use std::fmt::Write;

use crate::runner::Place;
use crate::sample::{POLICY, all, comments, conclusions, fake, opened};

const PACKAGES: usize = 1_000;
const CHANGED: usize = 20;
const RUNS: usize = 15;

/// Writes a lockfile of many packages, each of which needs three that come after it; the last of them are of a version.
fn lockfile(version: &str) -> String {
    let mut out = "version = 4\n\n[[package]]\nname = \"widget\"\nversion = \"1.0.0\"\ndependencies = [\"p0000\", \"p0001\", \"p0002\"]\n".to_owned();
    for at in 0..PACKAGES {
        let version = if at >= PACKAGES - CHANGED { version } else { "1.0.0" };
        let sum = weft_verify::Sha256::of(format!("{at} {version}").as_bytes());
        let needs = [at + 1, at * 2 + 1, at * 2 + 2].into_iter().filter(|to| *to < PACKAGES);
        let mut needs: Vec<String> = needs.map(|to| format!("\"p{to:04}\"")).collect();
        needs.sort();
        needs.dedup();
        _ = write!(
            out,
            "\n[[package]]\nname = \"p{at:04}\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{sum}\"\ndependencies = [{}]\n",
            needs.join(", ")
        );
    }
    out
}

#[test]
#[ignore = "it measures, and demands nothing of a machine"]
fn how_long_it_takes_until_everything_is_told() {
    let manifest = "[package]\nname = \"widget\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[dependencies]\np0000 = \"1\"\np0001 = \"1\"\np0002 = \"1\"\n";
    let place = Place::new(&[
        ("Cargo.toml", manifest),
        ("Cargo.lock", &lockfile("1.0.0")),
        ("src/lib.rs", ""),
        // The packages that change are not allowed, so that there is something to tell.
        ("weft.toml", POLICY),
    ]);
    let mut seconds = Vec::new();
    for run in 0..RUNS {
        let fake = fake();
        let version = format!("1.0.{}", run + 1);
        let changed = vec![("Cargo.lock".to_owned(), lockfile(&version))];
        place.git(&["checkout", "--quiet", "main"]);
        let pull = place.pull("change", &all(&changed));
        let job = opened(&place, &fake, &pull).with("sarif-upload", "true");
        let done = job.with("comment", "always").run_unchecked();
        assert!(matches!(done.status, Some(0 | 1)), "{}", done.stderr);
        assert_eq!(comments(&fake).len(), 1);
        assert_eq!(conclusions(&fake, &pull.head).len(), 1);
        assert!(fake.exchanges().len() <= 12);
        seconds.push(done.seconds);
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "{PACKAGES} packages, {CHANGED} of them changed, comment, check run, SARIF, summary, outputs and log: {:.3} s (median of {RUNS}; {:.3} to {:.3})",
        seconds[RUNS / 2],
        seconds[0],
        seconds[RUNS - 1]
    );
}
