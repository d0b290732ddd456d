//! What most tests begin with: a workspace, a policy, and a pull request.

use serde_json::Value;

use crate::fake::{Fake, World};
use crate::payload;
use crate::runner::{Job, PERMISSIONS, Place, Pull, REPO, TOKEN};

/// A policy that lets only some packages in.
pub(crate) const POLICY: &str =
    "schema = 1\nprofile = \"local\"\n\n[bans]\nallow = [\"serde\", \"log\"]\n";

/// Files by their paths.
pub(crate) type Files = Vec<(String, String)>;

/// Writes a workspace of one package that needs these packages of crates.io.
pub(crate) fn workspace(crates: &[(&str, &str)]) -> Files {
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let mut manifest =
        "[package]\nname = \"widget\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[dependencies]\n"
            .to_owned();
    let mut entries = String::new();
    for (name, version) in crates {
        let sum = weft_verify::Sha256::of(format!("{name} {version}").as_bytes());
        manifest += &format!("{name} = \"{version}\"\n");
        entries += &format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{registry}\"\nchecksum = \"{sum}\"\n"
        );
    }
    let needs: Vec<String> = crates.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let lockfile = format!(
        "version = 4\n\n[[package]]\nname = \"widget\"\nversion = \"1.0.0\"\ndependencies = [{}]\n{entries}",
        needs.join(", ")
    );
    let file = |name: &str, text: String| (name.to_owned(), text);
    vec![
        file("Cargo.toml", manifest),
        file("Cargo.lock", lockfile),
        file("src/lib.rs", String::new()),
    ]
}

/// Borrows files.
pub(crate) fn all(files: &Files) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

/// Begins a repository that needs `serde` alone, and allows no more than `log` beside it.
pub(crate) fn place() -> Place {
    let files = workspace(&[("serde", "1.0.0")]);
    Place::new(&[all(&files), vec![("weft.toml", POLICY)]].concat())
}

/// Starts a GitHub that gives jobs what the first recipe asks for.
pub(crate) fn fake() -> Fake {
    Fake::start(World::of(REPO, TOKEN, &PERMISSIONS))
}

/// Changes what a repository needs.
pub(crate) fn change(place: &Place, crates: &[(&str, &str)]) -> Pull {
    place.pull("change", &all(&workspace(crates)))
}

/// A change that only does what it may.
pub(crate) const SOUND: &[(&str, &str)] = &[("serde", "1.0.1")];

/// A change that brings a package which nobody allowed.
pub(crate) const EVIL: &[(&str, &str)] = &[("serde", "1.0.0"), ("evil", "1.0.0")];

/// Opens the pull request 7 or moves it to its newest commit, and returns the step that judges it.
pub(crate) fn opened<'a>(place: &Place, fake: &'a Fake, pull: &Pull) -> Job<'a> {
    opened_by(place, fake, pull, |event| event)
}

/// Opens the pull request 7, of which the event is a little different.
pub(crate) fn opened_by<'a>(
    place: &Place,
    fake: &'a Fake,
    pull: &Pull,
    alter: impl FnOnce(Value) -> Value,
) -> Job<'a> {
    fake.world().repository(REPO).open(REPO, 7, &pull.head, &pull.base);
    let event = alter(payload::pull_request(REPO, 7, &pull.head, &pull.base));
    Job::new(place, fake, "pull_request", &event, &pull.merge)
}

/// Returns the bodies of all comments, the oldest first.
pub(crate) fn comments(fake: &Fake) -> Vec<String> {
    fake.world().repository(REPO).comments.values().map(|comment| comment.body.clone()).collect()
}

/// Returns the conclusion of each check run on a commit.
pub(crate) fn conclusions(fake: &Fake, head: &str) -> Vec<String> {
    let mut world = fake.world();
    let checks = world.repository(REPO).checks.values().filter(|check| check.head_sha == head);
    checks.map(|check| check.members["conclusion"].as_str().unwrap().to_owned()).collect()
}
