//! `cargo weft claims init`: finds sentences that promise something, and begins a map.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use weft_gate::claim::{Kind, document};

use super::{add, output, root};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report::table::shorten;
use crate::source::{files, policy, promises};

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

/// The map that is begun.
const MAP: &str = "claims/claims.toml";

/// How many sentences are proposed.
const MOST: usize = 40;

/// Words beside the lexicon that make a sentence worth a look, with the kind it may be.
const WORDS: [(&str, Kind); 24] = [
    ("refuse", Kind::Security),
    ("reject", Kind::Security),
    ("secure", Kind::Security),
    ("secret", Kind::Security),
    ("untrusted", Kind::Security),
    ("must not", Kind::Security),
    ("verif", Kind::Security),
    ("crash", Kind::Resilience),
    ("hostile", Kind::Resilience),
    ("malformed", Kind::Resilience),
    ("panic", Kind::Resilience),
    ("allocat", Kind::Performance),
    ("faster", Kind::Performance),
    ("fastest", Kind::Performance),
    ("instructions", Kind::Performance),
    ("zero-cost", Kind::Performance),
    ("compatible", Kind::Compatibility),
    ("msrv", Kind::Compatibility),
    ("no_std", Kind::Compatibility),
    ("supports", Kind::Compatibility),
    ("always", Kind::Behaviour),
    ("deterministic", Kind::Behaviour),
    ("guarantee", Kind::Behaviour),
    ("never", Kind::Behaviour),
];

pub(super) fn run(args: &InitArgs) -> Result<ExitStatus, Error> {
    let root = root(args.manifest_path.as_deref())?;
    let policy = policy::load(None, &root)?;
    let lexicon = &policy.effective.policy.claims.lexicon;
    let maps = promises::maps(&root)?;
    let mut out = String::new();
    if maps.is_empty() {
        begin(&root)?;
        out += &format!("wrote {MAP}, which names the documents and has no claim yet\n\n");
    }
    let mut proposals = Vec::new();
    let mut words = String::new();
    for file in documents(&root) {
        let Ok(Some(bytes)) = files::read_inside(&root, &root.join(&file), document::MAX_BYTES)
        else {
            continue;
        };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let Ok(document) = document::read(&file, text.as_bytes(), lexicon) else { continue };
        let sentences = document::sentences(&text);
        for sentence in &sentences {
            let line = text[..sentence.range.start].matches('\n').count() + 1;
            let marked = document.spans.iter().any(|s| s.text.contains(&sentence.text));
            if !marked && let Some(kind) = kind(&sentence.words, lexicon) {
                if proposals.is_empty() {
                    words = add::words(&text, &sentences, line, sentence);
                }
                proposals.push((file.clone(), line, kind, sentence.text.clone()));
            }
        }
    }
    if proposals.is_empty() {
        out += "no sentence of README.md or docs/ has a word that promises something\n";
    }
    for (file, line, kind, text) in proposals.iter().take(MOST) {
        let at = format!("{}:{line}", terminal(file));
        out += &format!("{at}  {}\n    {}\n", kind.as_str(), shorten(&terminal(text), 100));
    }
    if proposals.len() > MOST {
        out += &format!("and {} more\n", proposals.len() - MOST);
    }
    if let Some((file, line, kind, _)) = proposals.first() {
        out += &format!(
            "\nMake a claim of a sentence and name the test that shows it:\n  cargo weft claims add NAME --at {}:{line} --text {words} --kind {} --owner YOU --test PACKAGE BINARY TEST --symbol FUNCTION\n",
            terminal(file),
            kind.as_str()
        );
    }
    output::print(out)?;
    Ok(ExitStatus::Passed)
}

fn begin(root: &Path) -> Result<(), Error> {
    let failed =
        |source| Error::File { action: "write", path: promises::FOLDER.to_owned(), source };
    fs::create_dir_all(root.join(promises::FOLDER)).map_err(failed)?;
    let documents = match root.join("docs").is_dir() {
        true => "[\"README.md\", \"docs/**/*.md\"]",
        false => "[\"README.md\"]",
    };
    let text = format!(
        "# What the documents promise, and the evidence for it: `cargo weft claims check`.\n\
         schema = 1\n\
         documents = {documents}\n"
    );
    files::create_whole(&root.join(MAP), text.as_bytes())
}

/// Lists README.md and what is in docs/.
fn documents(root: &Path) -> Vec<String> {
    let pattern = format!("{}/docs/**/*.md", glob::Pattern::escape(&root.to_string_lossy()));
    let docs = glob::glob(&pattern).into_iter().flatten().flatten();
    let readme = root.join("README.md");
    let all = std::iter::once(readme).chain(docs).filter(|path| path.is_file());
    all.filter_map(|path| files::relative(root, &path)).collect()
}

fn kind(sentence: &str, lexicon: &[String]) -> Option<Kind> {
    let sentence = sentence.to_lowercase();
    let of_word = WORDS.iter().find(|(word, _)| sentence.contains(word)).map(|(_, kind)| *kind);
    let of_lexicon = || lexicon.iter().any(|word| sentence.contains(word.as_str()));
    of_word.or_else(|| of_lexicon().then_some(Kind::Behaviour))
}
