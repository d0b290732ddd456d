//! Updates: what is proposed, what each would bring, and one of them taken; with a registry of our own in the cache.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/registry.rs"]
mod registry;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use weft_gate::update::Acknowledgement;

use common::{AS_OF, Done, Run, Tree, copy, unwrapped};
use registry::Registry;

const MANIFEST: &str = "[package]\nname = \"root\"\nversion = \"0.1.0\"\nedition = \"2021\"\nrust-version = \"1.70\"\n\n\
                        # Kept as it is.\n[dependencies]\nleaky = \"1\"\ntinlog = \"1\"\n";

const BUILD: &str = "fn main() { std::process::Command::new(\"cc\").status().unwrap(); }\n";

/// Makes a workspace that has leaky 1.0.0, which an advisory is about and which has newer versions of every kind.
fn workspace() -> Tree {
    let registry = Registry::default()
        .with("leaky", "1.0.0", &[], "")
        .with("leaky", "1.0.1", &[], "")
        .with("leaky", "1.1.0", &[], "")
        .with("leaky", "1.2.0", &[("extra", "^1")], ",\"rust_version\":\"1.99\"")
        .with("leaky", "1.3.0-rc.1", &[], "")
        .with("leaky", "2.0.0", &[], "")
        .with("leaky", "2.1.0", &[], ",\"yanked\":true")
        .with("extra", "1.0.0", &[], "")
        .with("tinlog", "1.0.0", &[], "");
    let lockfile = registry.lockfile(
        "root",
        &[("leaky", "1.0.0"), ("tinlog", "1.0.0")],
        &["leaky 1.0.0", "tinlog 1.0.0"],
    );
    let manifest =
        |license: &str| format!("[package]\nname = \"x\"\nversion = \"1.0.0\"\n{license}");
    let tree = Tree::of(MANIFEST, &lockfile).with("home/.keep", "");
    registry.write(&tree.path("home"));
    for (copy, license, build) in [
        ("leaky-1.0.0", "MIT", None),
        ("leaky-1.1.0", "MIT", None),
        ("leaky-1.2.0", "GPL-3.0-only", Some(BUILD)),
        ("extra-1.0.0", "MIT", None),
    ] {
        let folder = registry::sources(&tree.path("home")).join(copy);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Cargo.toml"), manifest(&format!("license = \"{license}\"\n")))
            .unwrap();
        fs::write(folder.join(".cargo-ok"), "").unwrap();
        if let Some(build) = build {
            fs::write(folder.join("build.rs"), build).unwrap();
        }
    }
    let database = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/advisory-db");
    copy(&database, &tree.path("db"));
    tree
}

fn run(tree: &Tree, line: &str) -> Done {
    run_with(tree, line, None)
}

fn run_with(tree: &Tree, line: &str, reason: Option<&str>) -> Done {
    let line = format!("update {line} --as-of {AS_OF} --advisory-db ../db");
    let run = Run::new(tree.path("tree"), &line).env("CARGO_HOME", tree.path("home")).within(60);
    match reason {
        Some(reason) => run.arg("--acknowledge").arg(reason).done(),
        None => run.done(),
    }
}

fn proposals(tree: &Tree, line: &str) -> Vec<Value> {
    let done = run(tree, &format!("{line} --format json")).exits(0);
    let read: Value = serde_json::from_str(&done.stdout).unwrap();
    read["proposals"].as_array().unwrap().clone()
}

/// Returns what a proposal resolves to.
fn effect<'v>(proposals: &'v [Value], to: &str) -> &'v Value {
    let proposal = proposals.iter().find(|proposal| proposal["to"] == to);
    let proposal = proposal.unwrap_or_else(|| panic!("no {to} in {proposals:?}"));
    assert!(proposal["outcome"]["resolved"].is_object(), "{proposal}");
    &proposal["outcome"]["resolved"]
}

fn texts(list: &Value, member: &str) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry[member].as_str().unwrap().to_owned()).collect()
}

/// Reads every file below a directory.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => _ = found.insert(path.clone(), fs::read(&path).unwrap()),
        }
    }
    found
}

#[test]
fn the_fix_the_compatible_and_the_newest_version_are_proposed() {
    let tree = workspace();
    let before = files(&tree.path("tree"));
    let proposals = proposals(&tree, "");
    let said: Vec<String> = proposals
        .iter()
        .map(|p| format!("{} {} {}", p["from"].as_str().unwrap(), p["to"], p["choices"]))
        .collect();
    let expected = [
        "pkg:cargo/leaky@1.0.0 \"1.1.0\" [\"fix\"]",
        "pkg:cargo/leaky@1.0.0 \"1.2.0\" [\"compatible\"]",
        "pkg:cargo/leaky@1.0.0 \"2.0.0\" [\"latest\"]",
    ];
    assert_eq!(said, expected);
    assert_eq!(files(&tree.path("tree")), before, "the tree was touched");
}

#[test]
fn each_proposal_says_what_it_mends_and_what_it_brings() {
    let tree = workspace();
    let proposals = proposals(&tree, "leaky");
    let fix = effect(&proposals, "1.1.0");
    assert_eq!(texts(&fix["fixed"], "code"), ["advisory/vulnerability"]);
    assert_eq!(fix["introduced"], serde_json::json!([]));
    assert_eq!(fix["concerns"], serde_json::json!([]));
    assert_eq!(fix["compilers"], serde_json::json!([]));
    let wide = effect(&proposals, "1.2.0");
    let mut gained = texts(&wide["concerns"], "what");
    gained.sort();
    assert_eq!(gained, ["gains a build script", "gains a build script that starts processes"]);
    assert_eq!(wide["packages"]["added"], serde_json::json!(["pkg:cargo/extra@1.0.0"]));
    let edge = serde_json::json!([{"from": "leaky@1.2.0", "to": "extra@1.0.0"}]);
    assert_eq!(wide["new_edges"], edge);
    let compiler =
        serde_json::json!([{"package": "leaky@1.2.0", "needs": "1.99", "stated": "1.70"}]);
    assert_eq!(wide["compilers"], compiler);
    let licence = wide["capabilities"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["capability"] == "license" && c["package"] == "pkg:cargo/leaky@1.2.0");
    let licence = licence.unwrap();
    assert_eq!((&licence["before"], &licence["after"]), (&"MIT".into(), &"GPL-3.0-only".into()));
    let external = |side: &str| wide["topology"][side]["external"].as_u64().unwrap();
    assert_eq!((external("before"), external("after")), (2, 3));
    assert_eq!(wide["topology"]["package_after"]["retained"], 1);
}

#[test]
fn what_there_is_nothing_to_compare_with_has_to_be_answered_for() {
    let tree = workspace();
    fs::remove_dir_all(registry::sources(&tree.path("home")).join("leaky-1.0.0")).unwrap();
    let unknown = texts(&effect(&proposals(&tree, "leaky"), "1.1.0")["concerns"], "what");
    assert!(unknown[0].contains("to compare with"), "{unknown:?}");
    let redirected = "[source.crates-io]\nreplace-with = \"mine\"\n[source.mine]\nregistry = \"sparse+https://mine.invalid/\"\n";
    let tree = workspace().with("tree/.cargo/config.toml", redirected);
    let done = run(&tree, "leaky --format json").exits(0);
    let read: Value = serde_json::from_str(&done.stdout).unwrap();
    for proposal in read["proposals"].as_array().unwrap() {
        let resolved = &proposal["outcome"]["resolved"];
        assert!(resolved.is_null() || !resolved["concerns"].as_array().unwrap().is_empty());
    }
}

#[test]
fn an_update_that_raises_the_expected_loss_beyond_the_budget_has_to_be_answered_for() {
    let policy = |percent: u32| format!("schema = 1\n[risk]\ndelta-budget-percent = {percent}\n");
    let of = |tree: &Tree| {
        let proposals = proposals(tree, "leaky --to 1.2.0");
        let effect = effect(&proposals, "1.2.0").clone();
        let loss = |side: &str| effect["expected_loss"][side].as_u64().unwrap();
        assert!(loss("before_nano") > 0 && loss("after_nano") > loss("before_nano"), "{effect}");
        texts(&effect["concerns"], "what")
            .contains(&"is denied by topology/delta-budget".to_owned())
    };
    assert!(!of(&workspace()));
    assert!(of(&workspace().with("tree/weft.toml", policy(1))));
    assert!(!of(&workspace().with("tree/weft.toml", policy(1000))));
}

#[test]
fn an_incompatible_version_names_the_lines_that_have_to_change() {
    let tree = workspace();
    let proposals = proposals(&tree, "leaky");
    let latest = effect(&proposals, "2.0.0");
    let edit =
        serde_json::json!([{"file": "Cargo.toml", "from": "1", "key": "leaky", "to": "2.0.0"}]);
    assert_eq!(latest["edits"], edit);
    // Its sources are not there, and what is not known is not safe.
    let unknown = texts(&latest["concerns"], "what");
    assert!(unknown[0].contains("was not looked at"), "{unknown:?}");
    let refused = run(&tree, "leaky --apply --to 2.0.0").exits(2);
    let said = unwrapped(&refused.stderr);
    assert!(said.contains("first write leaky = \"2.0.0\" in Cargo.toml"), "{}", refused.said());
}

#[test]
fn a_requirement_that_members_inherit_is_raised_where_it_is_written() {
    let member = |name: &str, rest: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{rest}")
    };
    let needs = "\n[build-dependencies]\nleaky = { workspace = true, features = [] }\n";
    let macros =
        "[lib]\nproc-macro = true\n\n[dependencies]\na = { path = \"../a\" }\ntinlog = \"1\"\n";
    let tree = workspace();
    let locked = fs::read_to_string(tree.path("tree/Cargo.lock")).unwrap();
    let locked: String = locked
        .split("[[package]]")
        .filter(|entry| !entry.contains("\"root\""))
        .map(|entry| {
            if entry.contains("name") { format!("[[package]]{entry}\n") } else { entry.to_owned() }
        })
        .collect();
    let own = "[[package]]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\n \"leaky\",\n]\n\n\
               [[package]]\nname = \"b\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n \"tinlog\",\n]\n";
    let tree = tree
        .with("tree/Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\"]\n\n[workspace.dependencies]\nleaky = \"1\"\n")
        .with("tree/Cargo.lock", format!("{locked}{own}"))
        .with("tree/a/Cargo.toml", member("a", needs))
        .with("tree/a/src/lib.rs", "")
        .with("tree/b/Cargo.toml", member("b", macros))
        .with("tree/b/src/lib.rs", "");
    let proposals = proposals(&tree, "leaky");
    assert_eq!(effect(&proposals, "1.2.0")["edits"], serde_json::json!([]));
    let edits = &effect(&proposals, "2.0.0")["edits"];
    let edit =
        serde_json::json!([{"file": "Cargo.toml", "from": "1", "key": "leaky", "to": "2.0.0"}]);
    assert_eq!(*edits, edit);
}

#[test]
fn a_harmless_update_is_taken_and_nothing_else_is_written() {
    let tree = workspace();
    let mut before = files(&tree.path("tree"));
    let done = run(&tree, "leaky --apply --to 1.1.0").exits(0);
    assert!(done.stdout.contains("Cargo.lock has leaky 1.1.0 now"), "{}", done.said());
    let mut after = files(&tree.path("tree"));
    let lockfile = tree.path("tree/Cargo.lock");
    let (old, new) = (before.remove(&lockfile).unwrap(), after.remove(&lockfile).unwrap());
    assert_eq!(before, after);
    let packages = |bytes: &[u8]| -> Vec<String> {
        let read: cargo_lock::Lockfile = std::str::from_utf8(bytes).unwrap().parse().unwrap();
        read.packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect()
    };
    assert_eq!(packages(&old), ["leaky 1.0.0", "root 0.1.0", "tinlog 1.0.0"]);
    assert_eq!(packages(&new), ["leaky 1.1.0", "root 0.1.0", "tinlog 1.0.0"]);
}

#[test]
fn what_has_to_be_answered_for_is_not_taken_without_an_answer() {
    let tree = workspace();
    let before = files(&tree.path("tree"));
    let refused = run(&tree, "leaky --apply").exits(1);
    let said = unwrapped(&refused.stdout);
    assert!(said.contains("gains a build script"), "{}", refused.said());
    assert!(said.contains("--acknowledge"), "{}", refused.said());
    assert!(said.contains("Nothing was changed"), "{}", refused.said());
    assert_eq!(files(&tree.path("tree")), before);
    run_with(&tree, "leaky --apply", Some(" ")).exits(2);
    assert_eq!(files(&tree.path("tree")), before);
}

#[test]
fn an_answer_is_kept_beside_the_lockfile_that_it_is_about() {
    let tree = workspace();
    let old = fs::read(tree.path("tree/Cargo.lock")).unwrap();
    let done = run_with(&tree, "leaky --apply", Some("its build script was read")).exits(0);
    let evidence = files(&tree.path("tree/.weft/evidence"));
    let (path, bytes) = evidence.iter().next().unwrap();
    assert_eq!(evidence.len(), 1);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(done.stdout.contains(name), "{}", done.said());
    let hex = |bytes: &[u8]| -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    assert_eq!(name, format!("{}.json", hex(bytes)));
    let kept = Acknowledgement::from_statement(bytes).unwrap();
    assert_eq!(kept.reason, "its build script was read");
    assert_eq!((&*kept.from, &*kept.to), ("pkg:cargo/leaky@1.0.0", "1.2.0"));
    assert_eq!(kept.concerns.len(), 2);
    assert_eq!(kept.lockfile_before.to_string(), hex(&old));
    let statement: Value = serde_json::from_slice(bytes).unwrap();
    let new = fs::read(tree.path("tree/Cargo.lock")).unwrap();
    assert_ne!(new, old);
    assert_eq!(statement["subject"][0]["digest"]["sha256"], hex(&new));
}

#[test]
fn what_cannot_be_resolved_says_why_in_cargos_words_and_without_this_machine() {
    let held = MANIFEST.replace("leaky = \"1\"", "leaky = \"=1.0.0\"");
    let tree = workspace().with("tree/Cargo.toml", held);
    // A requirement that is met now and not then is one to change.
    assert_eq!(texts(&effect(&proposals(&tree, "leaky"), "1.1.0")["edits"], "from"), ["=1.0.0"]);
    let done = run(&tree, "leaky --to 1.9.9 --format json").exits(0);
    let read: Value = serde_json::from_str(&done.stdout).unwrap();
    let refused = read["proposals"][0]["outcome"]["refused"].as_str().unwrap();
    assert!(refused.starts_with("cargo says: "), "{refused}");
    assert!(refused.contains("leaky"), "{refused}");
    // Cargo's own flag is none of ours.
    assert!(!refused.contains("offline"), "{refused}");
    assert!(refused.ends_with("without `--online` it knows what its cache has, and no more"));
    let human = run(&tree, "leaky --to 1.9.9").exits(0).stdout;
    assert!(human.contains("\n      cargo weft why leaky@1.0.0 --to 1.9.9\n"), "{human}");
    let online = "cargo weft update leaky@1.0.0 --to 1.9.9 --online --advisory-db ../db";
    assert!(human.contains(online), "{human}");
    let temporary = std::env::temp_dir().display().to_string();
    assert!(!refused.contains(&temporary), "{refused}");
}

#[test]
fn a_crate_that_is_not_there_or_not_known_is_an_error() {
    let tree = workspace();
    for (line, said) in [
        ("absent", "no judged package from a registry is called `absent`"),
        ("leaky@9.9.9", "is called `leaky@9.9.9`"),
        ("leaky tinlog --apply", "--apply takes one crate"),
        ("tinlog --apply", "no newer compatible version"),
    ] {
        let done = run(&tree, line).exits(2);
        assert!(unwrapped(&done.stderr).contains(said), "{line}: {}", done.said());
    }
    fs::remove_dir_all(tree.path("home/registry/index")).unwrap();
    let done = run(&tree, "leaky").exits(2);
    assert!(unwrapped(&done.stderr).contains("does not know it"), "{}", done.said());
    let all = run(&tree, "").exits(0);
    assert!(unwrapped(&all.stdout).contains("Not looked at: leaky@1.0.0, tinlog@1.0.0"));
}

#[test]
fn a_limit_says_what_it_leaves_out() {
    let tree = workspace();
    let done = run(&tree, "--limit 0").exits(0);
    assert!(unwrapped(&done.stdout).contains("1 crate more"), "{}", done.said());
}

#[test]
#[cfg(unix)]
fn nothing_of_the_tree_is_run_or_followed() {
    use std::os::unix::fs::PermissionsExt;
    let hostile = format!(
        "{MANIFEST}\n[lib]\npath = \"/etc/hostname\"\n\n[[bin]]\nname = \"b\"\npath = \"../../secret\"\n\n[lints.rust]\nx = 1\n"
    );
    let hostile = hostile.replace("edition", "build = \"evil\"\nlinks = \"evil\"\nedition");
    let tree = workspace();
    let evil = format!("#!/bin/sh\ntouch {}\nexit 1\n", tree.path("sentinel").display());
    let tree = tree
        .with("tree/Cargo.toml", hostile)
        .with(
            "tree/.cargo/config.toml",
            "[build]\nrustc = './evil'\nrustc-wrapper = './evil'\n[alias]\nupdate = 'run'\n",
        )
        .with("tree/rust-toolchain.toml", "[toolchain]\npath = \"./evil\"\n")
        .with("tree/evil", evil);
    fs::set_permissions(tree.path("tree/evil"), fs::Permissions::from_mode(0o755)).unwrap();
    let before = files(&tree.path("tree"));
    let found = proposals(&tree, "leaky");
    assert_eq!(texts(&effect(&found, "1.1.0")["fixed"], "code"), ["advisory/vulnerability"]);
    assert!(!tree.path("sentinel").exists(), "something of the tree was run");
    assert_eq!(files(&tree.path("tree")), before);
}

#[test]
fn every_format_says_the_same_and_markdown_is_inert() {
    let tree = workspace();
    let human = unwrapped(&run(&tree, "leaky").exits(0).stdout);
    let markdown = unwrapped(&run(&tree, "leaky --format markdown").exits(0).stdout);
    for said in ["1.0.0 -> 1.2.0 (compatible)", "gains a build script", "Nothing was changed."] {
        assert!(human.contains(said), "{said}: {human}");
        let said = said.replace("->", "\\->").replace('.', "\\.");
        let plain = markdown.replace("->", "\\->").replace('.', "\\.").replace("\\\\", "\\");
        assert!(plain.contains(&said), "{said}: {markdown}");
    }
    assert_eq!(run(&tree, "leaky").stdout, run(&tree, "leaky --dry-run").stdout);
    let schema = Run::new(tree.path("tree"), "schema update").done().exits(0);
    let schema: Value = serde_json::from_str(&schema.stdout).unwrap();
    let json = run(&tree, "leaky --format json").exits(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    jsonschema::validate(&schema, &json).unwrap();
}

/// Puts sources of a package into the home of a workspace.
fn source(tree: &Tree, copy: &str, files: &[(&str, &str)]) {
    let folder = registry::sources(&tree.path("home")).join(copy);
    fs::create_dir_all(&folder).unwrap();
    for (path, text) in [(".cargo-ok", "")].iter().chain(files) {
        fs::write(folder.join(path), text).unwrap();
    }
}

#[test]
fn a_finding_that_moved_to_another_line_is_neither_mended_nor_brought() {
    let policy = "schema = 1\n[checks]\n\"content/build-script\" = \"warn\"\n";
    let tree = workspace().with("tree/weft.toml", policy);
    let process = "std::process::Command::new(\"cc\").status().unwrap();";
    let network = "std::net::TcpStream::connect(\"a:1\").unwrap();";
    let script =
        |before: &str, lines: &[&str]| format!("{before}fn main() {{\n{}\n}}\n", lines.join("\n"));
    source(&tree, "leaky-1.0.0", &[("build.rs", &script("", &[process, network]))]);
    source(&tree, "leaky-1.1.0", &[("build.rs", &script("\n\n", &[process, process, network]))]);
    source(&tree, "leaky-1.2.0", &[("build.rs", &script("", &[process]))]);
    let found = proposals(&tree, "leaky");
    let codes = |to: &str| {
        let effect = effect(&found, to);
        (texts(&effect["fixed"], "code"), texts(&effect["introduced"], "code"))
    };
    let (vulnerability, script) =
        ("advisory/vulnerability".to_owned(), "content/build-script".to_owned());
    assert_eq!(codes("1.1.0"), (vec![vulnerability.clone()], vec![]));
    // Nobody knows what is mended as long as sources are missing.
    assert_eq!(codes("1.2.0"), (vec![vulnerability.clone()], vec![script.clone()]));
    source(&tree, "tinlog-1.0.0", &[("Cargo.toml", "[package]\nname = \"tinlog\"\n")]);
    let found = proposals(&tree, "leaky");
    let codes = |to: &str| {
        let effect = effect(&found, to);
        (texts(&effect["fixed"], "code"), texts(&effect["introduced"], "code"))
    };
    assert_eq!(codes("1.1.0"), (vec![vulnerability.clone()], vec![]));
    assert_eq!(codes("1.2.0"), (vec![vulnerability, script.clone()], vec![script]));
    let human = unwrapped(&run(&tree, "leaky --to 1.2.0").exits(0).stdout);
    let mended = "content/build-script: The build script of leaky@1.0.0 starts processes and reaches the network: line 2: \
                  std::process::Command::new, line 3: std::net::TcpStream::connect.";
    assert!(human.contains(mended), "{human}");
}

#[test]
fn a_helper_goes_with_the_crate_that_asks_for_exactly_its_version() {
    let registry = Registry::default()
        .with("motto", "1.0.0", &[("motto-impl", "=1.0.0")], "")
        .with("motto", "1.1.0", &[("motto-impl", "=1.1.0")], "")
        .with("motto-core", "1.0.0", &[], "")
        .with("motto-core", "1.1.0", &[], "")
        .with("motto-impl", "1.0.0", &[("motto-core", "=1.0.0")], "")
        .with("motto-impl", "1.1.0", &[("motto-core", "=1.1.0")], "")
        .with("tinlog", "1.0.0", &[("motto-impl", "^1")], "")
        .with("tinlog", "1.1.0", &[("motto-impl", "^1")], "");
    let locked =
        [("motto", "1.0.0"), ("motto-core", "1.0.0"), ("motto-impl", "1.0.0"), ("tinlog", "1.0.0")];
    let mut lockfile = registry.lockfile("root", &locked, &["motto", "tinlog"]);
    for (name, needs) in
        [("motto", "motto-impl"), ("motto-impl", "motto-core"), ("tinlog", "motto-impl")]
    {
        let start = lockfile.find(&format!("name = \"{name}\"\n")).unwrap();
        let end = start + lockfile[start..].find("checksum").unwrap();
        let end = end + lockfile[end..].find('\n').unwrap() + 1;
        lockfile.insert_str(end, &format!("dependencies = [\n \"{needs}\",\n]\n"));
    }
    let manifest = MANIFEST.replace("leaky", "motto");
    let tree = Tree::of(&manifest, &lockfile);
    registry.write(&tree.path("home"));
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/advisory-db"), &tree.path("db"));
    let all: Vec<String> = proposals(&tree, "")
        .iter()
        .map(|proposal| {
            let changed = &proposal["outcome"]["resolved"]["packages"]["changed"];
            format!("{}: {}", proposal["from"].as_str().unwrap(), texts(changed, "to").join(" "))
        })
        .collect();
    let expected = [
        "pkg:cargo/motto@1.0.0: pkg:cargo/motto-core@1.1.0 pkg:cargo/motto-impl@1.1.0 pkg:cargo/motto@1.1.0",
        "pkg:cargo/tinlog@1.0.0: pkg:cargo/tinlog@1.1.0",
    ];
    let sorted: Vec<String> = all
        .iter()
        .map(|line| {
            let (from, to) = line.split_once(": ").unwrap();
            let mut to: Vec<&str> = to.split(' ').collect();
            to.sort_unstable();
            format!("{from}: {}", to.join(" "))
        })
        .collect();
    assert_eq!(sorted, expected);
    let goes = "it goes with motto@1.0.0, which asks for exactly this version";
    let named = unwrapped(&run(&tree, "motto-core motto-impl").exits(0).stdout);
    assert!(
        named.contains(&format!("Not looked at: motto-core@1.0.0, motto-impl@1.0.0: {goes}.")),
        "{named}"
    );
    assert!(!named.contains("->"), "{named}");
    let both = unwrapped(&run(&tree, "motto motto-impl").exits(0).stdout);
    assert!(both.contains("motto@1.0.0 -> 1.1.0") && !both.contains("Not looked at"), "{both}");
    let refused = run(&tree, "motto-core --apply").exits(2);
    assert!(unwrapped(&refused.stderr).contains(goes), "{}", refused.said());
}

#[test]
fn whoever_publishes_what_comes_is_told_and_others_than_before_have_to_be_answered_for() {
    let owner =
        |login: &str| serde_json::json!([{"kind": "user", "login": login, "since": "2020-01-01"}]);
    let snapshot = |extra: &str| {
        let crates = serde_json::json!({"extra": owner(extra), "leaky": owner("ann"), "tinlog": owner("cy")});
        let dump = serde_json::json!({"date": "2026-11-19", "sha256": "0".repeat(64)});
        serde_json::json!({"crates": crates, "dump": dump, "schema": 1}).to_string()
    };
    let known = |extra: &str| {
        workspace()
            .with("tree/weft.toml", "schema = 1\n[publishers]\nsnapshot = \"publishers.json\"\n")
            .with("tree/publishers.json", snapshot(extra))
    };
    let stranger = "comes from github.com/bo, of whom nothing else is here";
    for (extra, is_strange) in [("bo", true), ("cy", false)] {
        let found = proposals(&known(extra), "leaky --to 1.2.0");
        let effect = effect(&found, "1.2.0");
        let concerns = texts(&effect["concerns"], "what");
        assert_eq!(concerns.contains(&stranger.to_owned()), is_strange, "{concerns:?}");
        let told = texts(&effect["capabilities"], "capability");
        assert_eq!(told.contains(&"publisher".to_owned()), is_strange, "{told:?}");
    }
    let tree = workspace();
    for (copy, owner) in [("leaky-1.0.0", "ann"), ("leaky-1.1.0", "eve")] {
        let manifest = format!(
            "[package]\nname = \"leaky\"\nversion = \"1.0.0\"\nrepository = \"https://github.com/{owner}/leaky\"\n"
        );
        source(&tree, copy, &[("Cargo.toml", &manifest)]);
    }
    let found = proposals(&tree, "leaky");
    let moved = texts(&effect(&found, "1.1.0")["concerns"], "what");
    assert_eq!(moved, ["can be published by github.com/eve, who could not publish it before"]);
    // What no source says is told, and nobody answers for it.
    let wide = effect(&found, "1.2.0");
    let unknown = texts(&wide["not_evaluated"], "reason");
    assert!(unknown.contains(&"nothing says who publishes it".to_owned()), "{unknown:?}");
    assert!(!texts(&wide["not_evaluated"], "subject").contains(&"publishers".to_owned()));
    let concerns = texts(&wide["concerns"], "what").join("\n");
    assert!(!concerns.contains("nothing says who publishes it"), "{concerns}");
}

/// Returns the last command that is proposed, as the arguments of `cargo weft`.
fn proposed(human: &str) -> Vec<String> {
    let line = human.lines().rfind(|line| line.starts_with("      cargo weft ")).unwrap();
    line.trim().split(' ').skip(2).map(str::to_owned).collect()
}

#[test]
fn each_proposal_ends_with_the_command_that_takes_it() {
    let take = |tree: &Tree, human: &str| {
        let line = proposed(human).join(" ");
        Run::new(tree.path("tree"), &line).env("CARGO_HOME", tree.path("home")).within(60).done()
    };
    let options = format!("--advisory-db ../db --as-of {AS_OF}");
    for (to, why, acknowledged) in [
        ("1.1.0", "to take it:", ""),
        ("1.2.0", "to take it, with a reason in the place of WHY:", " --acknowledge WHY"),
    ] {
        let tree = workspace();
        let human = run(&tree, &format!("leaky --to {to}")).exits(0).stdout;
        assert!(unwrapped(&human).contains(why), "{human}");
        let command = format!("update leaky@1.0.0 --apply --to {to}{acknowledged} {options}");
        assert_eq!(proposed(&human).join(" "), command);
        let done = take(&tree, &human).exits(0);
        assert!(done.stdout.contains(&format!("Cargo.lock has leaky {to} now")), "{}", done.said());
        assert!(!done.stdout.contains("  next"), "{}", done.said());
    }
    let tree = workspace();
    let human = run(&tree, "leaky --to 2.0.0").exits(0).stdout;
    assert!(
        unwrapped(&human).contains("to take it, once the manifests are changed, with"),
        "{human}"
    );
    let tree = tree.with("tree/Cargo.toml", MANIFEST.replace("leaky = \"1\"", "leaky = \"2.0.0\""));
    let done = take(&tree, &human).exits(0);
    assert!(done.stdout.contains("Cargo.lock has leaky 2.0.0 now"), "{}", done.said());
    let markdown = run(&tree, "tinlog leaky --to 2.1.0 --format markdown").exits(0).stdout;
    assert!(markdown.contains("`cargo weft update leaky@2.0.0"), "{markdown}");
}

#[test]
fn measures_are_told_by_their_names_and_a_loss_that_stays_is_said_to() {
    let registry = Registry::default()
        .with("leaky", "1.0.0", &[("extra", "^1")], "")
        .with("leaky", "1.1.0", &[], "")
        .with("extra", "1.0.0+a.1", &[], "")
        .with("extra", "1.1.0+b.2", &[], "");
    let locked = [("extra", "1.0.0+a.1"), ("leaky", "1.0.0")];
    let lockfile = registry.lockfile("root", &locked, &["leaky"]);
    let end = lockfile.find("name = \"leaky\"").unwrap();
    let end = end + lockfile[end..].find("\n\n").unwrap_or(lockfile.len() - end - 1) + 1;
    let mut lockfile = lockfile;
    lockfile.insert_str(end, "dependencies = [\n \"extra\",\n]\n");
    let tree = Tree::of(&MANIFEST.replace("tinlog = \"1\"\n", ""), &lockfile).with("db/.keep", "");
    registry.write(&tree.path("home"));
    source(
        &tree,
        "leaky-1.0.0",
        &[(
            "Cargo.toml",
            "[package]\nname = \"leaky\"\nversion = \"1.0.0\"\n[dependencies]\nextra = \"1\"\n",
        )],
    );
    source(
        &tree,
        "leaky-1.1.0",
        &[("Cargo.toml", "[package]\nname = \"leaky\"\nversion = \"1.1.0\"\n")],
    );
    let human = unwrapped(&run(&tree, "leaky").exits(0).stdout);
    for said in [
        "leaky@1.1.0 no longer depends on extra (",
        "edges between packages: 2 -> 1",
        "expected loss of a year: 0",
    ] {
        assert!(human.contains(said), "{said}: {human}");
    }
    assert!(!human.contains("as before") && !human.contains("no more"), "{human}");
    for format in ["human", "markdown"] {
        let extra = run(&tree, &format!("extra --format {format}")).exits(0).stdout;
        assert!(extra.contains("extra@1.0.0+a.1 -> 1.1.0"), "{extra}");
        assert!(!extra.contains("%2B"), "{extra}");
        assert!(unwrapped(&extra).contains(", as before"), "{extra}");
    }
}
