//! Keys, roles, signatures and their verification, as people use them: by exchanging files.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::common::{Done, Run, Tree};

const PASSPHRASE: &str = "unguessable-passphrase";

/// A key that nobody here has (RFC 8032 §7.1).
const CI: &str = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// A directory in which people keep keys, roles and files.
struct Desk {
    tree: Tree,
}

impl Desk {
    fn new(people: &[&str]) -> Self {
        let desk = Self { tree: Tree::empty() };
        for name in people {
            desk.run(&format!("key new {name}")).exits(0);
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.tree.path("tree").join(name)
    }

    fn run(&self, arguments: &str) -> Done {
        let needs = ["key new", "export-public", "attest", "sign "];
        let secret = needs.iter().any(|word| arguments.contains(word));
        let arguments =
            format!("{arguments}{}", if secret { " --passphrase-env PASS" } else { "" });
        Run::new(self.tree.path("tree"), &arguments).env("PASS", PASSPHRASE).done()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn public(&self, name: &str) -> String {
        let shown = self.run(&format!("key show {name}.pub --format json")).exits(0).stdout;
        serde_json::from_str::<Value>(&shown).unwrap()["public"].as_str().unwrap().to_owned()
    }

    /// Writes roles with these maintainers, all of whom may release, and a builder.
    fn roles(&self, threshold: u32, people: &[&str]) {
        fs::create_dir_all(self.path(".weft")).unwrap();
        let mut text = format!(
            "schema = 1\nversion = 1\n[roles.maintainer]\nthreshold = {threshold}\n\
             [roles.release]\nthreshold = {threshold}\n[roles.builder]\nthreshold = 1\n\
             [freshness]\nrelease = 0\noverride = [\"routine\"]\nroutine = 0\n[revocations]\nnumber = 0\n\
             [[keys]]\nname = \"ci\"\npublic = \"{CI}\"\nroles = [\"builder\"]\n"
        );
        for name in people {
            let public = self.public(name);
            text += &format!(
                "[[keys]]\nname = \"{name}\"\npublic = \"{public}\"\nroles = [\"maintainer\", \"release\"]\n"
            );
        }
        self.write(".weft/roles.toml", &text);
    }

    /// Proposes what the roles file says, and has these people attest it.
    fn propose(&self, people: &[&str]) -> String {
        let proposed = self.run("role propose --format json").exits(0).stdout;
        let digest = serde_json::from_str::<Value>(&proposed).unwrap()["digest"].clone();
        let proposal = format!(".weft/proposals/{}.json", digest.as_str().unwrap());
        for name in people {
            self.run(&format!("role attest {proposal} --key {name}.key")).exits(0);
        }
        proposal
    }

    fn commit(&self, people: &[&str]) {
        let proposal = self.propose(people);
        self.run(&format!("role commit {proposal}")).exits(0);
    }
}

#[test]
fn two_of_two_sign_by_exchanging_files() {
    let desk = Desk::new(&["alice", "bob"]);
    desk.roles(2, &["alice", "bob"]);
    let proposal = desk.propose(&["alice"]);
    let partial = desk.run(&format!("role commit {proposal}")).exits(3);
    assert!(partial.stderr.contains("1 of 2; missing role maintainer"), "{}", partial.said());
    assert!(!desk.path(".weft/roles/1.json").exists(), "committed before the quorum was met");
    desk.run(&format!("role attest {proposal} --key bob.key")).exits(0);
    desk.run(&format!("role commit {proposal}")).exits(0);
    desk.run(&format!("role commit {proposal}")).exits(1);

    desk.write("app", "artifact");
    desk.run("sign app --role release --key alice.key").exits(0);
    let verify = "verify app --bundle app.dsse.json --role release";
    let one = desk.run(verify).exits(3);
    assert!(one.stdout.contains("1 of 2; missing role release"), "{}", one.said());
    desk.run("sign app --role release --key alice.key").exits(0);
    desk.run(verify).exits(3);
    desk.run("sign app --role release --key bob.key").exits(0);
    let both = desk.run(verify).exits(0);
    assert!(both.stdout.contains("signatures[1] by"), "{}", both.said());
    let digest = weft_verify::Sha256::of(b"artifact");
    desk.run(&format!("verify --digest sha256:{digest} --bundle app.dsse.json --role release"))
        .exits(0);
    desk.run(&format!("{verify} --threshold 1")).exits(2);
    desk.run(&format!("{verify} --threshold 3")).exits(1);

    desk.write("app", "Artifact");
    let changed = desk.run(verify).exits(1);
    assert!(changed.stdout.contains("subject/mismatch"), "{}", changed.said());
    desk.run("sign app --role release --key alice.key").exits(2);
}

#[test]
fn every_step_is_reported_whatever_fails() {
    let desk = Desk::new(&["alice"]);
    desk.roles(1, &["alice"]);
    desk.commit(&["alice"]);
    desk.write("app", "artifact");
    desk.run("sign app --role release --key alice.key").exits(0);
    desk.write("broken.json", "{}");
    let role = "--role release --format json";
    for (bundle, status) in [("app.dsse.json", 0), ("broken.json", 1), ("absent.json", 3)] {
        let done = desk.run(&format!("verify app --bundle {bundle} {role}")).exits(status);
        let report: Value = serde_json::from_str(&done.stdout).unwrap();
        let steps = report["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 7, "{}", done.said());
        assert!(steps.iter().all(|step| step["check"].is_string() && step["evidence"].is_string()));
    }
    // Signed for one role, asked for another.
    let text = desk.read("app.dsse.json");
    assert!(!text.contains(PASSPHRASE));
    desk.run("verify app --bundle app.dsse.json --role builder").exits(3);
    desk.run("verify app --bundle app.dsse.json --role nobody").exits(1);
    let other = desk.run("sign app --role builder --key alice.key --output b.json").exits(1);
    assert!(other.stderr.contains("signature/wrong-role"), "{}", other.said());
}

#[test]
fn a_draft_of_the_roles_is_not_in_force() {
    let desk = Desk::new(&["alice", "mallory"]);
    desk.write("app", "artifact");
    desk.roles(1, &["alice"]);
    desk.run("sign app --role release --key alice.key").exits(2);
    desk.commit(&["alice"]);
    desk.run("sign app --role release --key alice.key").exits(0);
    let verify = "verify app --bundle app.dsse.json --role release";
    desk.run(verify).exits(0);
    let trusted = desk.run("role show --format json").exits(0).stdout;
    let trusted: Value = serde_json::from_str(&trusted).unwrap();
    let digest = trusted["digest"].as_str().unwrap();
    desk.run(&format!("{verify} --trusted-roles {digest}")).exits(0);

    // Mallory puts her key into the file, and then her own chain beside it.
    desk.roles(1, &["mallory"]);
    let draft = desk.run(verify).exits(1);
    assert!(draft.stderr.contains("roles/uncommitted"), "{}", draft.said());
    fs::remove_dir_all(desk.path(".weft")).unwrap();
    desk.roles(1, &["mallory"]);
    desk.commit(&["mallory"]);
    desk.write("app2", "evil");
    desk.run("sign app2 --role release --key mallory.key").exits(0);
    let forged = desk
        .run(&format!(
            "verify app2 --bundle app2.dsse.json --role release --trusted-roles {digest}"
        ))
        .exits(1);
    assert!(forged.stderr.contains("roles/anchor"), "{}", forged.said());
}

#[test]
fn a_revoked_or_rotated_key_signs_no_more() {
    let desk = Desk::new(&["alice", "bob", "alice-next"]);
    desk.roles(1, &["alice", "bob"]);
    desk.commit(&["alice"]);
    desk.write("app", "artifact");
    desk.run("sign app --role release --key bob.key").exits(0);
    let verify = "verify app --bundle app.dsse.json --role release";
    desk.run(verify).exits(0);

    // Somebody knows of a newer list.
    let stale = desk.run(&format!("{verify} --newest-revocation 1")).exits(1);
    assert!(stale.stdout.contains("revocation/stale"), "{}", stale.said());
    let routine = format!("{verify} --newest-revocation 1 --tier routine");
    desk.run(&routine).exits(1);
    let degraded = format!("{routine} --degraded-record degraded.json --degraded-reason offline");
    desk.run(&degraded).exits(0);
    assert!(desk.read("degraded.json").contains(r#""newest":1"#));

    desk.run("key revoke bob --reason lost").exits(0);
    assert!(desk.read(".weft/roles.toml").contains("reason = \"lost\""));
    desk.run(verify).exits(1);
    desk.commit(&["alice"]);
    let revoked = desk.run(verify).exits(3);
    assert!(revoked.stdout.contains("signature/revoked"), "{}", revoked.said());

    // What has ended stays ended, whenever a key is rotated.
    desk.run("key rotate alice --to alice-next.pub --as-of 2026-01-01").exits(0);
    let draft = desk.read(".weft/roles.toml");
    desk.run("key new later").exits(0);
    desk.run("key rotate alice --to later.pub --as-of 2026-02-01 --name later").exits(0);
    assert!(desk.read(".weft/roles.toml").contains("not-after = \"2026-01-01\""));
    desk.write(".weft/roles.toml", &draft);
    desk.commit(&["alice", "alice-next"]);
    desk.write("other", "artifact");
    desk.run("sign other --role release --key alice.key").exits(0);
    let other = "verify other --bundle other.dsse.json --role release";
    let expired = desk.run(other).exits(3);
    assert!(expired.stdout.contains("signature/expired"), "{}", expired.said());
    desk.run("sign other --role release --key alice-next.key").exits(0);
    desk.run(other).exits(0);
    let list = desk.run("key list").exits(0).stdout;
    for (name, status) in [("alice", "expired"), ("alice-2", "valid"), ("bob", "revoked")] {
        assert!(list.contains(&format!("{name}: {status}\n")), "{list}");
    }
}

#[test]
fn keys_are_private_and_never_overwritten() {
    let desk = Desk::new(&["alice"]);
    let before = desk.read("alice.key");
    desk.run("key new alice").exits(2);
    fs::remove_file(desk.path("alice.pub")).unwrap();
    desk.run("key new alice").exits(2);
    assert_eq!(desk.read("alice.key"), before);
    desk.run("key new eve --output eve.pub").exits(2);
    assert!(!desk.path("eve.pub").exists(), "a private key under a public name");
    let long = Run::new(desk.tree.path("tree"), "key new long --passphrase-fd 0");
    long.done().exits(2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let mode = fs::metadata(desk.path("alice.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        symlink(desk.path("elsewhere"), desk.path("linked.key")).unwrap();
        desk.run("key new linked").exits(2);
        assert!(!desk.path("elsewhere").exists());
    }
    let plain = Run::new(desk.tree.path("tree"), "key export-public alice.key").done().exits(2);
    assert!(plain.stderr.contains("--passphrase-fd"), "{}", plain.said());
    let wrong =
        Run::new(desk.tree.path("tree"), "key export-public alice.key --passphrase-env PASS");
    let wrong = wrong.env("PASS", "a guess").done().exits(1);
    assert!(wrong.stderr.contains("key/private-locked"), "{}", wrong.said());
    assert!(!wrong.said().contains("a guess"));
}

#[test]
fn openssl_reads_our_keys_and_we_read_its() {
    let desk = Desk::new(&["alice"]);
    let openssl = |arguments: &str| {
        let arguments = arguments.split(' ');
        Command::new("openssl").args(arguments).current_dir(desk.tree.path("tree")).output()
    };
    let Ok(theirs) = openssl(&format!("pkey -in alice.key -passin pass:{PASSPHRASE} -pubout"))
    else {
        _ = writeln!(std::io::stderr(), "NOT TESTED: openssl is absent");
        return;
    };
    let ours = desk.run("key export-public alice.key").exits(0).stdout;
    assert_eq!(String::from_utf8(theirs.stdout).unwrap(), ours);
    assert_eq!(ours, desk.read("alice.pub"));
    let made = openssl("genpkey -algorithm ed25519 -out plain.key").unwrap();
    assert!(made.status.success());
    desk.run("key export-public plain.key").exits(1);
    for how in ["-scrypt", "-v2 aes-256-cbc"] {
        let lock = format!("pkcs8 -topk8 -in plain.key -out {how}.key -passout pass:{PASSPHRASE}");
        let lock = lock.replace(&format!("{how}.key"), "locked.key") + " " + how;
        assert!(openssl(&lock).unwrap().status.success());
        let ours = desk.run("key export-public locked.key").exits(0).stdout;
        let theirs = openssl("pkey -in plain.key -pubout").unwrap().stdout;
        assert_eq!(ours.as_bytes(), theirs);
    }
}

#[test]
fn no_secret_is_written_or_said() {
    let desk = Desk::new(&["alice"]);
    let seed = Command::new("openssl")
        .args(["pkey", "-in", "alice.key", "-outform", "DER", "-passin"])
        .arg(format!("pass:{PASSPHRASE}"))
        .current_dir(desk.tree.path("tree"))
        .output();
    let seed = seed.map(|mut output| output.stdout.split_off(output.stdout.len() - 32));
    desk.roles(1, &["alice"]);
    desk.commit(&["alice"]);
    desk.write("app", "artifact");
    let mut said = String::new();
    for arguments in [
        "key new again",
        "key list",
        "key show alice",
        "key export-public alice.key",
        "role show",
        "sign app --role release --key alice.key",
        "verify app --bundle app.dsse.json --role release",
        "verify app --bundle app.dsse.json --role release --format json",
        "key export-public app",
        "sign app --role release --key app",
    ] {
        said += &desk.run(arguments).said();
    }
    assert!(!said.contains(PASSPHRASE));
    let mut files = vec![desk.tree.path("tree")];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        read += 1;
        let holds = |secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!holds(PASSPHRASE.as_bytes()), "{}", path.display());
        if let Ok(seed) = &seed {
            assert!(!holds(seed), "{}", path.display());
            let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(!holds(hex.as_bytes()) && !said.contains(&hex), "{}", path.display());
        }
    }
    assert!(read > 5, "{read} files");
}

#[test]
fn a_hole_in_the_chain_is_noticed_and_strangers_beside_a_proposal_are_not() {
    let desk = Desk::new(&["alice"]);
    desk.run("role init --name alice --key alice.pub").exits(0);
    desk.run("role init --name alice --key alice.pub").exits(2);
    let proposal = desk.propose(&["alice"]);
    desk.write(&proposal.replace(".json", ".old.dsse.json"), "{}");
    desk.run(&format!("role commit {proposal}")).exits(0);
    fs::rename(desk.path(".weft/roles/1.json"), desk.path(".weft/roles/3.json")).unwrap();
    let hole = desk.run("role show").exits(1);
    assert!(hole.stderr.contains("roles/gap"), "{}", hole.said());
}

#[test]
fn a_maintainer_attests_with_the_proposal_alone_and_sees_it_first() {
    let desk = Desk::new(&["alice"]);
    desk.roles(1, &["alice"]);
    desk.commit(&["alice"]);
    desk.run("key revoke ci --reason lost").exits(0);
    let proposal = desk.propose(&[]);
    fs::copy(desk.path(&proposal), desk.path("proposal.json")).unwrap();
    fs::rename(desk.path(".weft"), desk.path("elsewhere")).unwrap();
    let attest = "role attest proposal.json --key alice.key";
    let wrong = Run::new(desk.tree.path("tree"), &format!("{attest} --passphrase-env PASS"));
    let wrong = wrong.env("PASS", "a guess").done().exits(1);
    assert!(wrong.stderr.contains("+ revocation number 1"), "{}", wrong.said());
    desk.run(attest).exits(0);
}

#[test]
fn what_names_no_role_is_said_not_to() {
    let desk = Desk::new(&["alice"]);
    desk.roles(1, &["alice"]);
    desk.commit(&["alice"]);
    desk.write("app", "artifact");
    desk.write("lib", "library");
    desk.write("predicate.json", r#"{"reviewed":true}"#);
    let said = "--predicate-type https://example.org/review";
    let sign =
        format!("sign app lib --role release --key alice.key {said} --predicate predicate.json");
    desk.run(&format!("{sign} --output both.json")).exits(0);
    let verify = format!("verify lib --bundle both.json --role release {said}");
    let done = desk.run(&verify).exits(0);
    assert!(done.stdout.contains("role: not applicable"), "{}", done.said());
    desk.run("verify lib --bundle both.json --role release").exits(1);
    for own in [weft_verify::predicate::ROLES, weft_verify::predicate::ROLE_SIGNATURE] {
        let sign = format!("sign app --role release --key alice.key --predicate-type {own}");
        desk.run(&format!("{sign} --predicate predicate.json --output own.json")).exits(2);
    }
    let text = desk.read("both.json");
    desk.write("both.json", &text.replacen("\"sig\":\"", "\"sig\":\"AAAA", 1));
    desk.run(&verify).exits(1);
}

#[test]
fn witnesses_are_registered_as_a_draft() {
    let desk = Desk::new(&["alice"]);
    desk.roles(1, &["alice"]);
    desk.commit(&["alice"]);
    let vkey = "witness.example/w1+c2056557+BHTFWckF/WizyzQOOf9EEWWwO5js9mW7VwL6E4bugpAY";
    desk.run(&format!("role witness add {vkey}")).exits(0);
    assert_eq!(desk.run("role witness list").exits(0).stdout, format!("{vkey}\n"));
    desk.run(&format!("role witness add {vkey}")).exits(2);
    desk.commit(&["alice"]);
    desk.run("role witness remove nobody").exits(2);
    desk.run("role witness remove witness.example/w1").exits(0);
    assert_eq!(desk.run("role witness list").exits(0).stdout, "");
}

#[test]
fn rejections_are_explained() {
    let desk = Desk::new(&[]);
    let page = desk.run("explain signature/revoked").exits(0).stdout;
    assert!(
        page.starts_with("# `signature/revoked`\n") && page.contains("## What to do"),
        "{page}"
    );
    let list = desk.run("explain").exits(0).stdout;
    assert!(list.contains("signature/threshold-not-met\n"), "{list}");
}

#[test]
fn what_makes_an_attestation_not_count_is_explained() {
    let desk = Desk::new(&[]);
    let list = desk.run("explain").exits(0).stdout;
    let spec = include_str!("../../docs/src/spec/provenance.md");
    let written: Vec<_> = spec.split("| `").filter(|row| row.starts_with("provenance/")).collect();
    assert!(written.len() > 15, "the page lists the codes: {spec}");
    for row in &written {
        let code = row.split('`').next().unwrap();
        assert!(list.contains(&format!("{code}\n")), "{code} is not in {list}");
        let page = desk.run(&format!("explain {code}")).exits(0).stdout;
        assert!(page.starts_with(&format!("# `{code}`\n")), "{page}");
    }
    let listed = list.lines().filter(|line| line.starts_with("provenance/")).count();
    assert_eq!(listed, written.len(), "the page lists all of them");
}
