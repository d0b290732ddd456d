//! No input makes a parser panic: arbitrary text, and valid documents with something broken in them.
//!
//! A fault must lie inside the text it speaks of, since people are shown the place.

use proptest::prelude::*;
use weft_gate::input::{cargo_config, lockfile, manifest, metadata};
use weft_gate::inventory::{Source, drift, from_lock};
use weft_gate::place::SourceText;
use weft_gate::{Diagnostic, Facts, Topology, policy};

const LOCKFILE: &str = r#"version = 4
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["gauge 1.0.0", "gauge 2.0.0 (registry+https://github.com/rust-lang/crates.io-index)"]
[[package]]
name = "gauge"
version = "1.0.0"
source = "git+https://git.example.org/gauge?rev=0123456#0123456789abcdef0123456789abcdef01234567"
[[package]]
name = "gauge"
version = "2.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
[[patch.unused]]
name = "tinlog"
version = "1.0.0"
"#;

const MANIFEST: &str = r#"[package]
name = "app"
version.workspace = true
edition = "2024"
[workspace]
members = ["crates/*"]
[workspace.package]
version = "0.1.0"
[workspace.dependencies]
gauge = { version = "2", features = ["a"] }
[dependencies]
gauge.workspace = true
old = { package = "gauge", git = "https://git.example.org/gauge", rev = "0123456", optional = true }
[target.'cfg(unix)'.build-dependencies]
cc = "1"
[patch.crates-io]
cc = { path = "../cc" }
"#;

const CONFIG: &str = r#"[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "vendor"
[registries.mine]
index = "sparse+https://registry.example.org/"
[patch.crates-io]
cc = { path = "cc" }
[build]
rustc = "./evil"
"#;

const POLICY: &str = r#"schema = 1
profile = "baseline"
[graph]
targets = ["x86_64-unknown-linux-gnu"]
features = "all"
dev-dependencies = false
[checks]
"topology/*" = "warn"
[sources]
registries = ["crates.io"]
git = []
[topology]
sole-gateway-percent = 15
[gate.audit]
require = ["inventory"]
"#;

/// Reads a text with every parser, and looks at what comes of it.
fn read(text: &str) {
    let bytes = text.as_bytes();
    let lockfile = checked(text, lockfile::parse("f", bytes));
    let manifest = checked(text, manifest::parse("f", bytes));
    checked(text, cargo_config::parse("f", bytes, "/ws"));
    checked(text, policy::parse_layer("f", bytes));
    let _ = metadata::parse(bytes);
    let _ = Facts::from_canonical(bytes);
    let _ = Source::parse(text);
    let manifests: Vec<_> = manifest.into_iter().collect();
    if let Some(lockfile) = lockfile {
        for manifests in [&[][..], &manifests] {
            let inventory = from_lock(&lockfile, manifests, false);
            assert_eq!(inventory.validate(), Ok(()));
            assert!(Topology::of(&inventory).is_ok());
            drift(&lockfile, manifests, &[], false);
            drift(&lockfile, manifests, &[], true);
        }
    }
}

fn checked<T>(text: &str, result: Result<T, Diagnostic>) -> Option<T> {
    if let Err(Diagnostic { span: Some(span), .. }) = &result {
        assert!(span.start <= text.len(), "{span:?} is outside");
        let place = SourceText::new("f", text).place(span.clone());
        assert!(place.line >= 1 && place.column >= 1 && place.end_line >= place.line);
    }
    result.ok()
}

#[test]
fn the_documents_are_valid() {
    let parsed = lockfile::parse("f", LOCKFILE.as_bytes()).unwrap();
    assert_eq!(parsed.packages[0].dependencies, [1, 2]);
    assert!(manifest::parse("f", MANIFEST.as_bytes()).is_ok());
    assert_eq!(cargo_config::parse("f", CONFIG.as_bytes(), "/ws").unwrap().replacements.len(), 2);
    assert!(policy::parse_layer("f", POLICY.as_bytes()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_text_is_read_or_refused(text in ".{0,300}") {
        read(&text);
    }

    #[test]
    fn a_broken_document_is_read_or_refused(
        document in prop::sample::select(vec![LOCKFILE, MANIFEST, CONFIG, POLICY]),
        cuts in prop::collection::vec((0.0..1.0_f64, 0_usize..20, "[\\[\\]{}=\"'.#a-z0-9\n\\\\ \u{0}-\u{1f}é]{0,6}"), 1..4),
    ) {
        let mut chars: Vec<char> = document.chars().collect();
        for (at, length, insert) in cuts {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "any place will do")]
            let start = (chars.len() as f64 * at) as usize;
            let end = (start + length).min(chars.len());
            chars.splice(start..end, insert.chars());
        }
        read(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn lines_of_documents_mix(lines in prop::collection::vec(0_usize..60, 0..40)) {
        let all: Vec<&str> = [LOCKFILE, MANIFEST, CONFIG, POLICY].iter().flat_map(|d| d.lines()).collect();
        let text: Vec<&str> = lines.iter().filter_map(|i| all.get(*i).copied()).collect();
        read(&text.join("\n"));
    }
}
