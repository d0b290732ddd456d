//! Files that are something else: links out of the tree, pipes, directories, devices.

use crate::check::{SECRET, SECRET_FILE, Status, always, check};
use crate::common::{LOCKFILE, MANIFEST, Tree, from_registry, locked, package};

/// Puts a link out of the tree, a pipe, a directory and a dangling link in the place of a file.
#[track_caller]
fn check_kinds(file: &str, out: Status, special: Status, dangling: (Status, &str)) {
    let name = format!("tree/{file}");
    let up = "../".repeat(name.matches('/').count());
    let secret = || Tree::sound().with("secret", SECRET_FILE);
    check(secret().link(&name, &format!("{up}secret")), out, "leads out of the tree");
    check(Tree::sound().pipe(&name), special, "is not a regular file");
    let directory = Tree::sound();
    _ = directory.vacant(&name);
    check(directory.directory(&name), special, "is not a regular file");
    check(Tree::sound().link(&name, &format!("{up}nowhere")), dangling.0, dangling.1);
    check(Tree::sound().link(&name, "/dev/zero"), out, "leads out of the tree");
}

#[test]
fn a_lockfile_that_is_no_file_of_the_tree_is_not_read() {
    check_kinds("Cargo.lock", always(3), always(3), (always(3), "cannot be read"));
}

#[test]
fn a_manifest_that_is_no_file_of_the_tree_is_not_read() {
    // Cargo too takes a dangling manifest for none.
    check_kinds("Cargo.toml", always(3), always(3), (always(2), "there is no Cargo.toml"));
}

#[test]
fn a_policy_that_is_no_file_of_the_tree_is_not_read() {
    check_kinds("weft.toml", always(2), always(2), (always(2), "cannot be read"));
}

#[test]
fn a_cargo_configuration_that_is_no_file_of_the_tree_is_not_read() {
    check_kinds(".cargo/config.toml", always(3), always(3), (always(3), "cannot be read"));
}

#[test]
fn a_link_to_itself_is_not_followed_for_ever() {
    check(Tree::sound().link("tree/Cargo.lock", "Cargo.lock"), always(3), "cannot be read");
    check(Tree::sound().link("tree/weft.toml", "weft.toml"), always(2), "cannot be read");
}

#[test]
fn a_configuration_directory_that_leads_out_is_not_read() {
    let tree = Tree::sound().with("outside/config.toml", SECRET_FILE);
    check(tree.link("tree/.cargo", "../outside"), always(3), "leads out of the tree");
}

#[test]
fn a_toolchain_file_that_leads_out_is_not_read() {
    let tree = Tree::sound().with("secret", SECRET_FILE);
    check(tree.link("tree/rust-toolchain.toml", "../secret"), always(3), "leads out of the tree");
}

/// What cargo cannot say at metadata precision, and lock precision warns of.
const ONLY_LOCK: Status = Status { lock: 0, metadata: 3, auto: 0 };

#[test]
fn members_behind_a_link_that_leads_out_are_not_read() {
    let tree = Tree::of(&format!("{MANIFEST}[workspace]\nmembers = [\"link/*\"]\n"), LOCKFILE)
        .with("outside/inner/Cargo.toml", SECRET_FILE)
        .link("tree/link", "../outside");
    check(tree, ONLY_LOCK, "leads out of the workspace through a symbolic link");
}

#[test]
fn a_member_whose_manifest_leads_out_is_not_read() {
    let tree = Tree::of(&format!("{MANIFEST}[workspace]\nmembers = [\"member\"]\n"), LOCKFILE)
        .with("secret", SECRET_FILE)
        .link("tree/member/Cargo.toml", "../../secret");
    check(tree, always(3), "leads out of the tree");
}

fn needs_outside(manifest: &str) -> Tree {
    let dependency = "[dependencies]\noutside = { path = \"../outside\" }\n";
    let lockfile = locked(&["outside"], &package("outside", "0.1.0", ""));
    Tree::of(&format!("{MANIFEST}{dependency}"), &lockfile)
        .with("outside/Cargo.toml", manifest)
        .with("outside/src/lib.rs", "")
}

#[test]
fn a_path_dependency_that_leads_out_is_a_finding() {
    let manifest =
        format!("[package]\nname = \"outside\"\nversion = \"0.1.0\"\ndescription = \"{SECRET}\"\n");
    let cargo_is_not_run = Status { lock: 0, metadata: 3, auto: 0 };
    check(
        needs_outside(&manifest),
        cargo_is_not_run,
        "`../outside`, which leads out of the workspace",
    );
}

#[test]
fn what_a_path_dependency_outside_says_is_not_shown() {
    check(needs_outside(SECRET_FILE), ONLY_LOCK, "leads out of the workspace");
}

/// A path override of a package whose manifest is `make`'s business.
fn overridden(make: impl Fn(Tree, &str) -> Tree) -> Tree {
    let tree = Tree::sound().with("secret", SECRET_FILE);
    make(tree.with("tree/.cargo/config.toml", "paths = [\"evil\"]\n"), "tree/evil/Cargo.toml")
}

#[test]
fn a_path_override_shows_nothing_of_what_it_links_to() {
    check(overridden(|tree, name| tree.link(name, "../../secret")), ONLY_LOCK, "evil");
}

#[test]
fn a_path_override_cannot_keep_cargo_reading_for_ever() {
    check(overridden(|tree, name| tree.pipe(name)), ONLY_LOCK, "evil");
}

#[test]
fn a_path_override_cannot_fill_the_memory() {
    check(overridden(|tree, name| tree.link(name, "/dev/zero")), ONLY_LOCK, "evil");
}

#[test]
fn a_vendored_package_shows_nothing_of_what_it_links_to() {
    let config = "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"vendor\"\n";
    let lockfile = locked(&["dep"], &package("dep", "1.0.0", &from_registry()));
    let tree = Tree::of(&format!("{MANIFEST}[dependencies]\ndep = \"1\"\n"), &lockfile)
        .with("tree/.cargo/config.toml", config)
        .with("tree/vendor/dep/.cargo-checksum.json", "{\"files\":{},\"package\":null}")
        .with("secret", SECRET_FILE)
        .link("tree/vendor/dep/Cargo.toml", "../../../secret");
    check(tree, ONLY_LOCK, ".cargo/config.toml redirects source `crates-io`");
}

#[test]
fn a_vendored_checksum_file_shows_nothing_of_what_it_links_to() {
    let config = "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"vendor\"\n";
    let lockfile = locked(&["dep"], &package("dep", "1.0.0", &from_registry()));
    let tree = Tree::of(&format!("{MANIFEST}[dependencies]\ndep = \"1\"\n"), &lockfile)
        .with("tree/.cargo/config.toml", config)
        .with("tree/vendor/dep/Cargo.toml", "[package]\nname = \"dep\"\nversion = \"1.0.0\"\n")
        .with("tree/vendor/dep/src/lib.rs", "")
        .with("secret", format!("\"{SECRET}\""))
        .link("tree/vendor/dep/.cargo-checksum.json", "../../../secret");
    check(tree, ONLY_LOCK, ".cargo/config.toml redirects source `crates-io`");
}
