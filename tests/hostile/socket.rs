//! No command opens a socket unless it is asked to: each runs as it does, and again where a socket is death.
//!
//! The filter is `without_sockets.py`, which holds for everything that a command starts, cargo and git included.
//! Whether it bites is tried first, on a program that opens one.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::common::{AS_OF, Done, LOCKFILE, Run, Tree, copy};
use crate::dump;
use crate::registry::Registry;

const PASSPHRASE: &str = "unguessable-passphrase";

/// Who owns the layout, in hexadecimal and in PEM.
const OWNER: (&str, &str) = (
    "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAiojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=\n-----END PUBLIC KEY-----\n",
);

/// SIGSYS, by which the filter kills.
const KILLED: i32 = 31;

/// Commands that are not run here, each with the reason.
const ELSEWHERE: [(&str, &str); 2] = [
    ("db update", "its name says that it connects"),
    ("evidence collect", "it runs the tests of a project, which may do anything"),
];

fn filter() -> Vec<String> {
    let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/without_sockets.py");
    vec!["python3".to_owned(), filter.to_str().unwrap().to_owned()]
}

fn confined(command: &[&str]) -> Output {
    tried(command).unwrap()
}

fn tried(command: &[&str]) -> std::io::Result<Output> {
    let filter = filter();
    Command::new(&filter[0]).args(&filter[1..]).args(command).output()
}

/// Says whether sockets can be forbidden here; where not, that is a failure unless it is asked to be none.
fn can_confine() -> bool {
    let said = match tried(&["true"]) {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("python3: {error}"),
    };
    _ = writeln!(
        std::io::stderr(),
        "NOT TESTED: that no command opens a socket, since sockets cannot be forbidden here: {said}"
    );
    assert!(
        std::env::var_os("WEFT_WITHOUT_SECCOMP").is_some(),
        "no seccomp filter here; set WEFT_WITHOUT_SECCOMP=1 to go on without this proof: {said}"
    );
    false
}

/// The filter kills a program that opens a socket, and one that another started; it leaves all else alone.
#[test]
fn the_filter_bites() {
    use std::os::unix::process::ExitStatusExt;
    if !can_confine() {
        return;
    }
    let python = |code: &str| {
        let code = format!("import socket, subprocess, sys\n{code}");
        confined(&["python3", "-c", &code])
    };
    for code in [
        "socket.socket()",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.create_connection(('127.0.0.1', 9))",
        "import threading; t = threading.Thread(target=socket.socket); t.start(); t.join()",
    ] {
        assert_eq!(python(code).status.signal(), Some(KILLED), "{code}");
    }
    let child =
        "sys.exit(-subprocess.call([sys.executable, '-c', 'import socket; socket.socket()']))";
    assert_eq!(python(child).status.code(), Some(KILLED));
    let quiet = "a, b = socket.socketpair(); a.send(b'x'); sys.exit(b.recv(1) != b'x')";
    assert!(python(quiet).status.success());
    assert!(confined(&["sh", "-c", "echo x | cat >/dev/null"]).status.success());
}

const JUNIT: &str = "<testsuites><testsuite name=\"a\"><testcase classname=\"a\" name=\"b\"/></testsuite></testsuites>";

/// A repository in which every command has something to do.
struct Desk {
    tree: Tree,
    has_bundles: bool,
}

impl Desk {
    fn new() -> Self {
        let manifest = "[package]\nname = \"root\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                        license = \"MIT\"\ndescription = \"A test.\"\n";
        let guard = "fn main() {\n    println!(\"hello\");\n}\n";
        let tree = Tree::of(manifest, LOCKFILE)
            .with("a/tree/Cargo.toml", manifest)
            .with("a/tree/Cargo.lock", LOCKFILE)
            .with("a/tree/src/main.rs", guard)
            .with("a/tree/README.md", "# root\n\nIt never loses a byte.\n")
            .with("a/tree/.gitignore", "/target\n")
            .with("a/out/root.txt", "the artifact\n")
            .with("a/junit.xml", JUNIT)
            .with("a/dump.tar.gz", dump::archive())
            .with("a/keys/.keep", "")
            .with("a/home/.keep", "");
        let mut desk = Self { tree, has_bundles: false };
        desk.layout();
        desk.bundle();
        for line in [
            "key new alice --output ../keys/alice.key --passphrase-env PASS",
            "key new bob --output ../keys/bob.key --passphrase-env PASS",
            "role init --name alice --key ../keys/alice.pub --role release --role build --role gate --role rules",
            "role propose --output ../roles.json",
            "role attest ../roles.json --key ../keys/alice.key --passphrase-env PASS",
            "role commit ../roles.json",
        ] {
            desk.run("a", line, &[]).exits(0);
        }
        desk.git(&["init", "--quiet"]);
        desk.git(&["add", "--all"]);
        desk.git(&["commit", "--quiet", "--message", "x"]);
        copy(&desk.tree.path("a/tree/.weft"), &desk.tree.path("a/trusted"));
        copy(&desk.tree.path("a"), &desk.tree.path("b"));
        desk
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
        git.current_dir(self.tree.path("a/tree"));
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(git.output().unwrap().status.success(), "{arguments:?}");
    }

    /// Writes a sound layout of the vectors into files.
    fn layout(&self) {
        let index = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/index.json");
        let index: Value = serde_json::from_slice(&fs::read(index).unwrap()).unwrap();
        let cases = index["cases"].as_array().unwrap();
        let case = cases.iter().find(|case| case["id"] == "in-toto-layout/sound").unwrap();
        let at = |name: &str| self.tree.path("a").join(name);
        fs::create_dir_all(at("links")).unwrap();
        fs::write(at("root.layout"), case["text"].as_str().unwrap()).unwrap();
        assert_eq!(case["layout_keys"][0]["ed25519_hex"], OWNER.0, "the key below is another");
        fs::write(at("owner.pub"), OWNER.1).unwrap();
        for (name, link) in case["directory"].as_object().unwrap() {
            fs::write(at("links").join(name), link.as_str().unwrap()).unwrap();
        }
    }

    /// Copies a bundle of the public vectors, where they lie beside the repository.
    fn bundle(&mut self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/provenance");
        let at = |name: &str| self.tree.path("a").join(name);
        let artifact = fs::copy(folder.join("artifacts/a0cfc71271d6.bin"), at("app"));
        let bundle = folder.join("conformance/happy-path-v0.3.sigstore.json");
        self.has_bundles = artifact.is_ok() && fs::copy(bundle, at("app.sigstore.json")).is_ok();
        if !self.has_bundles {
            let what =
                "that the verification of bundles opens no socket, since the vectors are not there";
            _ = writeln!(std::io::stderr(), "NOT TESTED: {what}");
        }
    }

    fn run(&self, side: &str, line: &str, launcher: &[String]) -> Done {
        let directory: PathBuf = self.tree.path(side).join("tree");
        let run = Run::new(directory, line).env("PASS", PASSPHRASE).within(120).by(launcher);
        run.env("CARGO_HOME", self.tree.path(side).join("home")).done()
    }

    /// Runs a command freely and confined, each in a copy of its own; both have to end alike, and with this status.
    fn check(&self, line: &str, status: i32) -> Result<(), String> {
        let free = self.run("a", line, &[]);
        let confined = self.run("b", line, &filter());
        if free.status != Some(status) {
            return Err(format!(
                "{line} ends with {:?}, not {status}: {}",
                free.status,
                free.said()
            ));
        }
        let path = |side: &str| self.tree.path(side).display().to_string();
        let named = |text: &str| text.replace(&path("b"), &path("a"));
        // Keys are random, and nothing else is.
        let is_alike = confined.status == free.status
            && (line.starts_with("key new")
                || named(&confined.stdout) == free.stdout
                    && named(&confined.stderr) == free.stderr);
        match is_alike {
            true => Ok(()),
            false => Err(format!(
                "{line} ends otherwise without sockets: {:?}, {}\n--- with them\n{}",
                confined.status,
                confined.said(),
                free.said()
            )),
        }
    }
}

/// Every command with the status it ends with; each goes on from those before it.
fn lines() -> Vec<(String, i32)> {
    let expected =
        "--issuer https://token.actions.githubusercontent.com --source-owner sigstore-conformance";
    let gate =
        "--artifacts ../out --manifest ../release.dsse.json --verdict ../release.json.verdict.json";
    let key = "--key ../keys/alice.key --passphrase-env PASS";
    let exempt = "--reason r --owner a --approver b --expires 2026-12-01";
    let mut lines: Vec<(String, i32)> = Vec::new();
    for precision in ["lock", "metadata"] {
        let mut add =
            |line: &str, status| lines.push((format!("{line} --precision {precision}"), status));
        add(&format!("audit --as-of {AS_OF}"), 0);
        add("graph", 0);
        add("graph --format cyclonedx", 0);
        add("risk", 0);
        add("risk simulate", 0);
        add("risk plan", 0);
        add("risk card root", 2);
        add("why root", 0);
        add(
            &format!(
                "release prepare --as-of {AS_OF} --artifacts ../out --release-version 0.1.0 --output ../{precision}.json"
            ),
            0,
        );
    }
    let rest = [
        (format!("audit --as-of {AS_OF} --base HEAD --format sarif"), 0),
        (format!("diff HEAD --as-of {AS_OF}"), 0),
        ("risk plan --against host-execution --budget 2 --precision metadata".to_owned(), 0),
        ("risk plan --drop nothing --precision metadata".to_owned(), 2),
        (format!("risk diff HEAD --as-of {AS_OF}"), 0),
        (
            format!(
                "release prepare --as-of {AS_OF} --artifacts ../out --release-version 0.1.0 --output ../release.json --reproducible"
            ),
            0,
        ),
        (format!("gate merge --as-of {AS_OF} --summary ../merge.json {key}"), 0),
        (format!("attest inventory --output ../inventory.json {key}"), 0),
        (format!("attest provenance --builder https://ci.example.org --source-repo https://example.org/a/b --artifacts ../out --output ../provenance.json {key}"), 0),
        (format!("attest release ../release.json --output ../signed-release.json {key}"), 0),
        (format!("attest sbom --artifacts ../out --output ../sbom.json {key}"), 0),
        (format!("attest test-evidence --junit ../junit.xml --output ../tests.json {key}"), 0),
        ("release status ../release.json".to_owned(), 3),
        (
            "release countersign ../release.json --key ../keys/alice.key --passphrase-env PASS"
                .to_owned(),
            0,
        ),
        ("release finish ../release.json --output ../release.dsse.json".to_owned(), 0),
        (format!("gate release --as-of {AS_OF} {gate}"), 3),
        (
            "release reproduce --artifacts ../out --manifest ../release.dsse.json --roles ../trusted/roles.toml"
                .to_owned(),
            1,
        ),
        (
            "verify-layout ../root.layout --links ../links --key ../owner.pub --as-of 2026-11-20"
                .to_owned(),
            0,
        ),
        (
            "sign ../out/root.txt --role release --output ../signed.json --key ../keys/alice.key --passphrase-env PASS"
                .to_owned(),
            0,
        ),
        ("verify ../out/root.txt --role release --bundle ../signed.json".to_owned(), 0),
        (format!("verify ../app {expected}"), 0),
        ("verify ../app --issuer https://example.org --source-owner nobody".to_owned(), 1),
        ("trust show --format json".to_owned(), 0),
        ("trust update --output ../trusted_root.json".to_owned(), 2),
        ("verify-log ../nowhere --vkey x".to_owned(), 2),
        ("db show".to_owned(), 2),
        ("db publishers --dump ../dump.tar.gz --output ../publishers.json".to_owned(), 0),
        ("db publishers".to_owned(), 2),
        (format!("update --as-of {AS_OF}"), 0),
        ("explain topology/blast".to_owned(), 0),
        ("policy show".to_owned(), 0),
        ("policy check".to_owned(), 0),
        ("schema report".to_owned(), 0),
        ("completions bash".to_owned(), 0),
        ("man".to_owned(), 0),
        ("key list".to_owned(), 0),
        ("key show alice".to_owned(), 0),
        ("key export-public ../keys/alice.key --passphrase-env PASS".to_owned(), 0),
        ("key new carol --output ../keys/carol.key --passphrase-env PASS".to_owned(), 0),
        ("key rotate alice --to ../keys/bob.pub".to_owned(), 0),
        ("key revoke alice --reason r".to_owned(), 0),
        ("role show".to_owned(), 0),
        ("role witness list".to_owned(), 0),
        ("role witness add w1".to_owned(), 2),
        ("role witness remove w1".to_owned(), 2),
        ("role propose --output ../next.json".to_owned(), 0),
        ("role attest ../next.json --key ../keys/alice.key --passphrase-env PASS".to_owned(), 0),
        ("role commit ../next.json".to_owned(), 3),
        ("role init --name alice --key ../keys/alice.pub".to_owned(), 2),
        ("claims init".to_owned(), 0),
        ("claims add byte.kept --at README.md:3 --kind behaviour --owner a".to_owned(), 0),
        ("claims list".to_owned(), 0),
        ("claims show byte.kept".to_owned(), 0),
        ("claims mark byte.kept".to_owned(), 0),
        (format!("claims check --as-of {AS_OF}"), 1),
        ("claims scoreboard".to_owned(), 0),
        ("init".to_owned(), 0),
        (format!("init --github --pin {}", "a".repeat(40)), 0),
        (format!("exempt advisory/unsound x {exempt}"), 0),
        (format!("baseline {exempt}"), 0),
        (format!("sign --rules --base HEAD {key}"), 0),
    ];
    lines.extend(rest);
    lines
}

#[test]
fn no_command_opens_a_socket() {
    if !can_confine() {
        return;
    }
    let desk = Desk::new();
    let lines = lines();
    let can_run = |line: &str| desk.has_bundles || !line.starts_with("verify ../app");
    let lines = lines.iter().filter(|(line, _)| can_run(line));
    let wrong: Vec<String> =
        lines.filter_map(|(line, status)| desk.check(line, *status).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The desk above has nothing from elsewhere, so here cargo has something to resolve and a card something to show.
#[test]
fn an_update_is_resolved_and_a_card_is_made_without_a_socket() {
    if !can_confine() {
        return;
    }
    let registry = Registry::default()
        .with("tinlog", "1.0.0", &[], "")
        .with("tinlog", "1.1.0", &[("extra", "^1")], "")
        .with("extra", "1.0.0", &[], "");
    let manifest = "[package]\nname = \"root\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
                    [dependencies]\ntinlog = \"1\"\n";
    let lockfile = registry.lockfile("root", &[("tinlog", "1.0.0")], &["tinlog 1.0.0"]);
    let tree = Tree::of(manifest, &lockfile).with("home/.keep", "");
    registry.write(&tree.path("home"));
    for (command, says) in [("update", "added extra@1.0.0"), ("risk card", "2 versions")] {
        let run = |launcher: &[String]| {
            let line = format!("{command} tinlog --as-of {AS_OF}");
            let run = Run::new(tree.path("tree"), &line).env("CARGO_HOME", tree.path("home"));
            run.within(60).by(launcher).done().exits(0).stdout
        };
        let free = run(&[]);
        assert!(free.contains(says), "{free}");
        assert_eq!(run(&filter()), free);
    }
}

/// What asks for a connection dies of it, so the comparison above sees what it looks for.
#[test]
fn a_command_that_is_asked_to_connect_does_not_get_through() {
    if !can_confine() {
        return;
    }
    let desk = Desk::new();
    let line = "db update --url https://127.0.0.1:9/x";
    let free = desk.run("a", line, &[]);
    let confined = desk.run("b", line, &filter());
    assert_eq!((free.status, confined.status), (Some(2), Some(2)));
    assert_ne!(confined.stderr, free.stderr, "git was killed, where it was refused before");
}

#[test]
fn every_command_is_run_or_has_its_reason() {
    fn leaves(command: &clap::Command, above: &str, found: &mut BTreeSet<String>) {
        let mut below = command.get_subcommands().filter(|c| c.get_name() != "help").peekable();
        if below.peek().is_none() {
            found.insert(above.trim().to_owned());
        }
        below.for_each(|c| leaves(c, &format!("{above} {}", c.get_name()), found));
    }
    let mut commands = BTreeSet::new();
    leaves(&cargo_weft::command::definition(), "", &mut commands);
    let lines = lines();
    let is_run = |command: &String| {
        lines.iter().any(|(line, _)| line == command || line.starts_with(&format!("{command} ")))
    };
    let has_reason = |command: &String| ELSEWHERE.iter().any(|(name, _)| name == command);
    let missing: Vec<&String> = commands.iter().filter(|c| !is_run(c) && !has_reason(c)).collect();
    assert!(missing.is_empty(), "a new command needs a row here: {missing:?}");
    for (name, reason) in ELSEWHERE {
        assert!(commands.contains(name), "{name} ({reason}) is no command");
    }
}
