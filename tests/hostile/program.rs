//! Trees that name programs: none is run.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::check::{Case, Status, always, check};
use crate::common::{LOCKFILE, MANIFEST, Tree, locked, package};

/// Writes a configuration that names `./evil`.
fn configured(file: &str, text: &str) -> Tree {
    Tree::sound().evil("tree/evil").with(&format!("tree/.cargo/{file}"), text)
}

/// Returns PATH with a directory before it.
fn path_with(first: &Path) -> String {
    let rest = env::var("PATH").unwrap();
    format!("{}:{rest}", first.display())
}

#[test]
fn the_fixture_is_live_where_cargo_is_run_in_the_tree() {
    let tree = configured("config.toml", "[build]\nrustc = './evil'\n");
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version=1", "--offline"]).current_dir(tree.path("tree"));
    cargo.env_remove("RUSTC").env_remove("RUSTC_WRAPPER").output().unwrap();
    assert!(
        tree.path("sentinel").exists(),
        "cargo did not obey the tree, so the rows prove nothing"
    );
}

#[test]
fn no_program_of_a_cargo_configuration_is_run() {
    for text in [
        "[build]\nrustc = './evil'\n",
        "[build]\nrustc-wrapper = './evil'\n",
        "[build]\nrustc-workspace-wrapper = './evil'\n",
        "[build]\nrustdoc = './evil'\n",
        "[alias]\nweft = 'run'\nmetadata = 'run'\n",
        "[registry]\ncredential-provider = './evil'\n",
        "[registry]\nglobal-credential-providers = ['./evil']\n",
        "[credential-alias]\nmine = ['./evil']\n",
        "[env]\nRUSTC = { value = './evil', force = true, relative = true }\nPATH = '.'\n",
    ] {
        check(configured("config.toml", text), always(0), "is not obeyed");
    }
}

#[test]
fn the_old_name_of_a_cargo_configuration_is_read_too() {
    let text = "[build]\nrustc = './evil'\nrustc-wrapper = './evil'\n";
    check(configured("config", text), always(0), "`build.rustc` is not obeyed");
}

#[test]
fn programs_of_a_target_or_a_registry_are_not_run() {
    let text = "[target.'cfg(all())']\nrunner = './evil'\nlinker = './evil'\n\
                [registries.r]\nindex = 'sparse+https://r.invalid/'\n\
                credential-provider = './evil'\n";
    check(configured("config.toml", text), always(0), "passed");
}

#[test]
fn the_toolchain_of_the_tree_is_not_used() {
    let sound = || Tree::sound().evil("tree/evil/bin/cargo").evil("tree/evil/bin/rustc");
    let not_obeyed = "rust-toolchain.toml is not obeyed";
    let by_path = sound().with("tree/rust-toolchain.toml", "[toolchain]\npath = \"./evil\"\n");
    check(by_path, always(0), not_obeyed);
    let absent = "[toolchain]\nchannel = \"1.2.3-absent\"\n";
    check(sound().with("tree/rust-toolchain.toml", absent), always(0), not_obeyed);
    check(sound().with("tree/rust-toolchain", "1.2.3\n"), always(0), "is not obeyed");
}

#[test]
fn a_toolchain_by_path_in_the_environment_is_not_used() {
    let tree = Tree::sound().evil("tree/evil/bin/cargo").evil("tree/evil/bin/rustc");
    let toolchain = tree.path("tree/evil").to_str().unwrap().to_owned();
    check(Case::from(tree).env("RUSTUP_TOOLCHAIN", toolchain), always(0), "passed");
}

#[test]
fn build_scripts_and_procedural_macros_of_members_are_not_run() {
    let tree = Tree::empty();
    let code = format!("fn main() {{ std::fs::write({:?}, \"\").unwrap() }}", tree.sentinel());
    let member = "[package]\nname = \"mac\"\nversion = \"0.1.0\"\n[lib]\nproc-macro = true\n";
    let tree = tree
        .with("tree/Cargo.toml", format!("{MANIFEST}[dependencies]\nmac = {{ path = \"mac\" }}\n"))
        .with("tree/Cargo.lock", locked(&["mac"], &package("mac", "0.1.0", "")))
        .with("tree/src/lib.rs", "")
        .with("tree/build.rs", &code)
        .with("tree/mac/Cargo.toml", member)
        .with("tree/mac/build.rs", &code)
        .with("tree/mac/src/lib.rs", "");
    check(tree, always(0), "passed");
}

/// A tree with a program for every name that weft or cargo may look up.
fn armed(directory: &str) -> Tree {
    ["cargo", "rustc", "git", "rustup", "sh"]
        .iter()
        .fold(Tree::sound(), |tree, name| tree.evil(&format!("{directory}/{name}")))
}

#[test]
fn programs_on_path_that_lie_in_the_tree_are_not_run() {
    let here = armed("tree").with("tree/weft.toml", "schema = 1\n");
    let path = format!(".:{}", path_with(&here.path("tree")));
    check(Case::from(here).env("PATH", path), always(0), "passed");
    let below = armed("tree/bin");
    let path = path_with(&below.path("tree/bin"));
    check(Case::from(below).env("PATH", path), always(0), "passed");
    let by_link = armed("tree/bin").link("link", "tree/bin");
    let path = path_with(&by_link.path("link"));
    check(Case::from(by_link).env("PATH", path), always(0), "passed");
}

#[test]
fn an_empty_entry_of_path_is_not_the_tree() {
    let path = format!(":{}:", env::var("PATH").unwrap());
    check(Case::from(armed("tree")).env("PATH", path), always(0), "passed");
}

#[test]
fn cargo_named_by_the_environment_is_not_run_if_it_lies_in_the_tree() {
    let tree = armed("tree");
    let stated = tree.path("tree/cargo").to_str().unwrap().to_owned();
    check(Case::from(tree).env("CARGO", stated), always(0), "passed");
    check(Case::from(armed("tree")).env("CARGO", "./cargo"), always(0), "passed");
}

/// A repository whose workspace is a directory of it, with programs beside the workspace.
fn nested() -> Tree {
    armed("tree/bin")
        .directory("tree/.git")
        .with("tree/rust/Cargo.toml", format!("{MANIFEST}[workspace]\n"))
        .with("tree/rust/Cargo.lock", LOCKFILE)
        .with("tree/rust/src/lib.rs", "")
}

#[test]
fn programs_of_the_repository_beside_the_workspace_are_not_run_from_path() {
    let tree = nested();
    let path = path_with(&tree.path("tree/bin"));
    check(Case::from(tree).inside("tree/rust").env("PATH", path), always(0), "passed");
}

#[test]
fn cargo_named_by_the_environment_is_not_run_if_it_lies_in_the_repository() {
    let tree = nested();
    let stated = tree.path("tree/bin/cargo").to_str().unwrap().to_owned();
    check(Case::from(tree).inside("tree/rust").env("CARGO", stated), always(0), "passed");
}

#[test]
fn a_manifest_cannot_move_the_root_away() {
    let tree = nested().with("tree/Cargo.toml", format!("{MANIFEST}workspace = \"rust\"\n"));
    let path = path_with(&tree.path("tree/bin"));
    check(Case::from(tree).env("PATH", path), always(3), "is no member of");
}

/// A Cargo home in the checkout, as some build servers keep it, is the attacker's to write.
#[test]
fn a_cargo_home_in_the_tree_is_the_trees() {
    let tree = configured("config.toml", "[build]\nrustc = './evil'\n");
    let home = tree.path("tree/.cargo").to_str().unwrap().to_owned();
    let cargo_is_not_run = Status { lock: 0, metadata: 3, auto: 0 };
    check(
        Case::from(tree).env("CARGO_HOME", home),
        cargo_is_not_run,
        "`build.rustc` is not obeyed",
    );
}

#[test]
fn a_toolchain_file_above_the_temporary_directory_is_not_obeyed() {
    let cargo_is_not_run = Status { lock: 0, metadata: 3, auto: 0 };
    for (toolchain, temporary) in [("tree", "tree/tmp"), ("shared", "shared/tmp")] {
        let tree = armed(&format!("{toolchain}/tc/bin"));
        let path = tree.path(&format!("{toolchain}/tc"));
        let tree = tree
            .with(
                &format!("{toolchain}/rust-toolchain.toml"),
                format!("[toolchain]\npath = \"{}\"\n", path.display()),
            )
            .with(&format!("{temporary}/keep"), "");
        let temporary = tree.path(temporary).to_str().unwrap().to_owned();
        check(
            Case::from(tree).env("TMPDIR", temporary).env("RUSTUP_TOOLCHAIN", ""),
            cargo_is_not_run,
            "",
        );
    }
}
