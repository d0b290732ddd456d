//! What is downloaded, by whom, and that nothing of the tree has a say in it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::payload;
use crate::runner::{Job, Place, REPO};
use crate::sample::{EVIL, SOUND, change, fake, opened, place};

/// Puts programs before those of the machine that write down how they are run, and returns the path of programs.
fn spied(place: &Place) -> String {
    let directory = place.path("programs");
    fs::create_dir_all(&directory).unwrap();
    let said = place.path("said");
    let write = |name: &str, text: String| {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let note = |name: &str| {
        let said = said.display();
        format!(
            "{{ printf '{name} %s' \"$PWD\"; printf ' %s' \"$@\"; env | grep -c ghs_ | sed 's/^/ /'; }} >>{said}"
        )
    };
    write("cargo", format!("#!/bin/sh\n{}\nexit 1\n", note("cargo")));
    let git = which("git");
    write(
        "git",
        format!(
            "#!/bin/sh\ncase $1 in clone) {};; esac\nexec {git} \"$@\"\n",
            note("git").replace(";;", ";") + "; exit 1"
        ),
    );
    format!("{}:{}", directory.display(), std::env::var("PATH").unwrap())
}

fn which(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|at| at.join(name)).find(|path| path.is_file());
    found.unwrap().display().to_string()
}

fn said(place: &Place) -> Vec<String> {
    let said = fs::read_to_string(place.path("said")).unwrap_or_default();
    said.lines().map(str::to_owned).collect()
}

#[test]
fn cargo_and_git_are_run_outside_of_the_tree_and_know_no_token() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let path = spied(&place);
    let done = opened(&place, &fake, &pull).env("PATH", path).with("fetch", "true").run().exits(1);
    let said = said(&place);
    println!("{said:?}");
    let [git, cargo, ..] = &said[..] else { panic!("{said:?}") };
    assert!(git.starts_with("git ") && git.contains(" clone "), "{git}");
    assert!(git.contains("https://github.com/RustSec/advisory-db.git"), "{git}");
    assert!(cargo.starts_with("cargo ") && cargo.contains(" metadata "), "{cargo}");
    assert!(cargo.contains("--locked"), "{cargo}");
    let tree = place.tree();
    for line in &said {
        let directory = line.split(' ').nth(1).unwrap();
        assert!(!Path::new(directory).starts_with(&tree), "{line}");
        assert!(line.ends_with(" 0"), "it knows the token: {line}");
    }
    for what in ["not downloaded: advisories", "not downloaded: packages"] {
        assert!(done.log.contains(what), "{}", done.log);
    }
}

#[test]
fn what_cannot_be_downloaded_and_is_required_is_no_pass() {
    let policy = "schema = 1\nprofile = \"local\"\n[gate.audit]\nrequire = [\"advisory\"]\n";
    let files = crate::sample::workspace(&[("serde", "1.0.0")]);
    let place = Place::new(&[crate::sample::all(&files), vec![("weft.toml", policy)]].concat());
    let fake = fake();
    let pull = change(&place, SOUND);
    let path = spied(&place);
    let done = opened(&place, &fake, &pull).env("PATH", path).with("fetch", "true").run().exits(3);
    assert_eq!(done.output("verdict"), "inconclusive");
}

#[test]
fn nothing_is_downloaded_unasked_nor_offline_nor_beside_a_token_that_may_write() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, SOUND);
    let path = spied(&place);
    let job = || opened(&place, &fake, &pull).env("PATH", &*path);
    job().run().exits(0);
    job().with("fetch", "true").with("offline", "true").run().exits(0);
    let event = payload::pull_request(REPO, 7, &pull.head, &pull.base);
    let job = Job::new(&place, &fake, "pull_request_target", &event, &pull.base);
    job.env("PATH", &*path).with("fetch", "true").run().exits(0);
    assert_eq!(said(&place), [""; 0]);
}

/// A tree may have a folder of any name, also of one that reads like a URL.
#[test]
fn advisories_come_from_where_they_are_said_to_and_not_from_the_tree() {
    let (place, fake) = (place(), fake());
    let bare = place.tree().join("https:/github.com/RustSec/advisory-db.git");
    fs::create_dir_all(&bare).unwrap();
    crate::runner::git(&bare, &["init", "--quiet", "--bare"]);
    let pull = change(&place, EVIL);
    // The programs of the tree are not run either, whatever an earlier step did to PATH.
    let path = format!("{}:{}", place.tree().join("bin").display(), spied(&place));
    let program = place.tree().join("bin/git");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, format!("#!/bin/sh\n: >{}\n", place.path("ran").display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let done = opened(&place, &fake, &pull).env("PATH", path).with("fetch", "true").run();
    assert_ne!(done.status, Some(0));
    assert!(!place.path("ran").exists());
    let said = said(&place);
    assert!(said[0].contains("-- https://github.com/RustSec/advisory-db.git "), "{said:?}");
}
