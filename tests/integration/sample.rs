//! Trees with each outcome, none of which needs a network.

use crate::common::{LOCKFILE, MANIFEST, Tree, from_registry, locked, package};

/// A workspace of path members with every kind of dependency, features, a build script and a macro.
pub(crate) fn members() -> Tree {
    let root = "[features]\nextra = [\"dep:optional\"]\n[workspace]\nmembers = [\"crates/*\"]\n\
                [dependencies]\nlibrary = { path = \"crates/library\" }\n\
                optional = { path = \"crates/optional\", optional = true }\n\
                [target.'cfg(windows)'.dependencies]\nwindow = { path = \"crates/window\" }\n\
                [build-dependencies]\nbuilder = { path = \"crates/builder\" }\n\
                [dev-dependencies]\ntester = { path = \"crates/tester\" }\n";
    let needs = ["builder", "library", "optional", "tester", "window"];
    let entry = |name: &&str| match *name {
        "library" => package("library", "0.1.0", "dependencies = [\"macros\"]\n"),
        name => package(name, "0.1.0", ""),
    };
    let all = ["builder", "library", "macros", "optional", "tester", "window"];
    let entries: String = all.iter().map(entry).collect();
    let tree = Tree::of(&format!("{MANIFEST}{root}"), &locked(&needs, &entries))
        .with("tree/build.rs", "fn main() {}");
    all.into_iter().fold(tree, |tree, name| {
        let rest = match name {
            "library" => "[dependencies]\nmacros = { path = \"../macros\" }\n",
            "macros" => "[lib]\nproc-macro = true\n",
            _ => "",
        };
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n{rest}");
        tree.with(&format!("tree/crates/{name}/Cargo.toml"), manifest)
            .with(&format!("tree/crates/{name}/src/lib.rs"), "")
    })
}

pub(crate) fn passes() -> Tree {
    members()
}

/// A tree with findings of several levels, some of them denied.
pub(crate) fn fails() -> Tree {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let git = format!("source = \"git+https://g.invalid/org/repo?branch=main#{commit}\"\n");
    let other = from_registry().replace("rust-lang/crates.io-index", "other/index");
    let entries = package("first", "1.0.0", &git)
        + &package("second", "1.0.0", &other)
        + &package("third", "1.0.0", &from_registry())
        + &package("third", "2.0.0", &from_registry())
        + &package("unneeded", "1.0.0", &from_registry());
    let manifest = format!(
        "{MANIFEST}[dependencies]\n\
         first = {{ git = \"https://g.invalid/org/repo\", branch = \"main\" }}\n\
         second = \"1\"\nthird = \"1\"\nfourth = {{ package = \"third\", version = \"2\" }}\n\
         [patch.crates-io]\nfifth = {{ path = \"../fifth\" }}\n"
    );
    Tree::of(&manifest, &locked(&["first", "second", "third 1.0.0", "third 2.0.0"], &entries))
}

pub(crate) fn is_faulty() -> Tree {
    Tree::sound().with("tree/weft.toml", "schema = 1\nprofil = \"local\"\n")
}

pub(crate) fn is_unknown() -> Tree {
    Tree::sound().with("tree/Cargo.lock", LOCKFILE.replace("version = 4", "version = 99"))
}
