//! The behaviour of one version of a package: what its sources say that it may do, as integers and words.
//!
//! Nothing is run or resolved. A name that is put together while the program runs, code that a macro of another package
//! writes, and what a dependency does are not seen, so a capability that is absent here is not thereby absent.
//! What changed between two versions is [`crate::capability`]'s story, and how unusual that is [`rate`]'s.

pub mod history;
pub mod rate;
pub(crate) mod token;

use proc_macro2::TokenStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capability;
use crate::input::package::Stated;
use token::{Passing, Piece};

/// The largest Rust file that is read, in bytes.
pub const MAX_FILE: usize = 16 << 20;

/// The version of this scan; what an older one found is not asked.
pub const SCAN: u32 = 1;

/// How many different words are kept of one trace.
const MAX_WORDS: usize = 8;

/// The shortest literal that is taken for encoded data, in characters.
const ENCODED: usize = 200;

/// What one version of a package may do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Behavior {
    /// The path of its build script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_script: Option<String>,
    /// How many bytes its Rust files have.
    pub bytes: u64,
    /// What its manifest asks for.
    pub dependencies: Dependencies,
    /// How many Rust files it has.
    pub files: u64,
    /// The SPDX expression of its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The native library that its manifest says it links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<String>,
    /// Whether its library is a procedural macro, which the compiler runs.
    pub proc_macro: bool,
    /// Who published it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// What its code does, sorted.
    pub traces: Vec<Trace>,
    /// Why something was not looked at, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// How often `unsafe` stands in its Rust files, those of tests and examples included.
    pub unsafe_words: u64,
}

/// The names of the crates that a manifest asks for, sorted; one that is renamed has the name it is published under.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependencies {
    /// What the build script is built with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build: Vec<String>,
    /// What tests, examples and benchmarks are built with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dev: Vec<String>,
    /// What the library is built with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normal: Vec<String>,
    /// Those of the library and of the build script that a feature switches on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
}

/// That code does something, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// Whose code it is.
    pub part: Part,
    /// What it does.
    pub act: Act,
    /// How often.
    pub count: u64,
    /// The first place, by path and line.
    pub first: Spot,
    /// The first different words that say so, sorted.
    pub words: Vec<String>,
}

/// A place in a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// The path in the package.
    pub path: String,
    /// The line, from 1; 0 for a file as a whole.
    pub line: u32,
    /// What stands there.
    pub words: String,
}

/// Whose code it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The build script, which runs before the package is compiled.
    Build,
    /// Everything else that a dependent builds.
    Library,
}

/// What code does that reaches out of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// It brings a program or a library that a machine runs or links.
    Binary,
    /// It holds a long literal that looks like encoded data.
    Encoded,
    /// It reads or sets environment variables.
    Environment,
    /// It reads or writes files.
    Filesystem,
    /// It calls code of another language.
    Foreign,
    /// It reaches the network.
    Network,
    /// It starts processes.
    Process,
}

impl Behavior {
    /// Begins with what a manifest states, and the path of the build script if there is one.
    pub fn of(stated: &Stated, build_script: Option<String>) -> Self {
        Self {
            build_script,
            dependencies: stated.dependencies.clone(),
            license: stated.expression.clone(),
            links: stated.links.clone(),
            proc_macro: stated.proc_macro,
            ..Self::default()
        }
    }

    /// Says whose code a file is by its path; tests, examples and benchmarks are nobody's that depends on the package.
    pub fn part(&self, path: &str) -> Option<Part> {
        part(path, self.build_script.as_deref())
    }

    /// Adds a Rust file of a part, or of none, and returns the paths that it may take code from; what of it cannot be
    /// read is written down.
    pub fn add(&mut self, path: &str, text: &str, part: Option<Part>) -> Vec<String> {
        self.files += 1;
        self.bytes += text.len() as u64;
        let tokens: TokenStream = match text.parse() {
            Ok(tokens) => tokens,
            Err(why) => {
                self.unread.push(format!("`{path}` is not Rust: {why}"));
                return Vec::new();
            }
        };
        self.unsafe_words += capability::unsafe_in(tokens.clone());
        part.map(|part| self.parse(path, tokens, part)).unwrap_or_default()
    }

    /// Adds what a file that was added already does for another part, and returns the same.
    pub fn share(&mut self, path: &str, text: &str, part: Part) -> Vec<String> {
        let tokens = text.parse();
        tokens.map(|tokens| self.parse(path, tokens, part)).unwrap_or_default()
    }

    /// Adds a file that a machine runs or links.
    pub fn add_binary(&mut self, path: &str, kind: &str) {
        self.trace(Part::Library, Act::Binary, path, 0, kind);
    }

    /// Brings what was added into its order.
    pub fn finish(&mut self) {
        self.traces.sort();
        self.unread.sort();
        self.unread.dedup();
    }

    /// Returns what a part does of a kind.
    pub fn does(&self, part: Part, act: Act) -> Option<&Trace> {
        self.traces.iter().find(|trace| trace.part == part && trace.act == act)
    }

    fn parse(&mut self, path: &str, tokens: TokenStream, part: Part) -> Vec<String> {
        let taken = token::taken(tokens.clone());
        let mut visit = |piece: Piece<'_>| match piece {
            Piece::Path { words, line, whole } => {
                if let Some(act) = act(words, whole) {
                    self.trace(part, act, path, line, &words.join("::"));
                }
            }
            Piece::Foreign(line) => self.trace(part, Act::Foreign, path, line, "extern"),
            Piece::Literal(literal, line) => {
                if is_encoded(literal) {
                    self.trace(part, Act::Encoded, path, line, "a literal");
                }
            }
        };
        if let Err(why) = token::walk(tokens, Passing::Tests, &mut visit) {
            self.unread.push(format!("`{path}` {why}"));
        }
        taken.iter().flat_map(|taken| places(path, taken)).collect()
    }

    fn trace(&mut self, part: Part, act: Act, path: &str, line: usize, words: &str) {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let spot = Spot { path: path.to_owned(), line, words: words.to_owned() };
        let known = self.traces.iter_mut().find(|trace| trace.part == part && trace.act == act);
        let Some(trace) = known else {
            let words = vec![words.to_owned()];
            self.traces.push(Trace { part, act, count: 1, first: spot, words });
            return;
        };
        trace.count += 1;
        if spot < trace.first {
            trace.first = spot;
        }
        if let Err(at) = trace.words.binary_search_by(|known| (**known).cmp(words))
            && trace.words.len() < MAX_WORDS
        {
            trace.words.insert(at, words.to_owned());
        }
    }
}

impl Act {
    /// Returns the words that follow the name of a part in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "brings binaries",
            Self::Encoded => "holds encoded data",
            Self::Environment => "reads the environment",
            Self::Filesystem => "reads or writes files",
            Self::Foreign => "calls foreign code",
            Self::Network => "reaches the network",
            Self::Process => "starts processes",
        }
    }
}

impl Part {
    /// Returns the words used in reports, as a subject.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "the build script",
            Self::Library => "the library",
        }
    }
}

/// Lists where a file of a package may lie that another takes code from: beside it, or, in a module within it, below a
/// folder of its name.
fn places(path: &str, taken: &str) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let below = format!("{folder}/{}", file.strip_suffix(".rs").unwrap_or(file));
    let place = |from: &str| {
        let mut steps = Vec::new();
        for step in from.split('/').chain(taken.split('/')) {
            match step {
                "" | "." => {}
                ".." => {
                    steps.pop()?;
                }
                step => steps.push(step),
            }
        }
        Some(steps.join("/"))
    };
    [folder, &below].into_iter().filter_map(place).collect()
}

fn part(path: &str, script: Option<&str>) -> Option<Part> {
    let folder = |path: &str| path.split_once('/').map(|(folder, _)| folder.to_owned());
    match (folder(path).as_deref(), script) {
        (_, Some(script)) if path == script => Some(Part::Build),
        (Some("src") | None, _) => Some(Part::Library),
        (of, Some(script)) if of == folder(script).as_deref() => Some(Part::Build),
        (Some("tests" | "examples" | "benches"), _) => None,
        (Some(_), _) => Some(Part::Library),
    }
}

/// Types that connect; addresses do not.
const SOCKETS: [&str; 7] = [
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
];

/// Crates whose business is to connect.
const CLIENTS: [&str; 12] = [
    "attohttpc",
    "curl",
    "h2",
    "hyper",
    "isahc",
    "minreq",
    "quinn",
    "reqwest",
    "socket2",
    "surf",
    "tungstenite",
    "ureq",
];

/// Crates whose business is to start processes.
const STARTERS: [&str; 4] = ["cmd_lib", "duct", "subprocess", "xshell"];

/// Functions of the C library that start processes.
const STARTS: [&str; 7] = ["execl", "execv", "execve", "execvp", "posix_spawn", "popen", "system"];

/// Crates whose business is to load libraries.
const LOADERS: [&str; 3] = ["dlopen", "dlopen2", "libloading"];

/// Functions that touch environment variables.
const VARIABLES: [&str; 6] = ["remove_var", "set_var", "var", "var_os", "vars", "vars_os"];

/// Functions and types of files, after a module `fs`.
const FILES: [&str; 10] = [
    "File",
    "OpenOptions",
    "copy",
    "create_dir_all",
    "read",
    "read_dir",
    "read_to_string",
    "remove_file",
    "rename",
    "write",
];

/// Modules and crates that do what `std` does for those who wait.
const STD: [&str; 4] = ["async_std", "smol", "std", "tokio"];

/// Tells what a path does, if it is one of those that are asked for; `whole` says that everything in it is imported, or
/// that it gets another name.
fn act(path: &[String], whole: bool) -> Option<Act> {
    let pair = |a: &str, b: &str| path.windows(2).any(|w| w[0] == a && w[1] == b);
    let pairs = |a: &str, of: &[&str]| of.iter().any(|b| pair(a, b));
    let root = path.first().filter(|_| path.len() > 1 || whole).map_or("", |root| root);
    let last = path.last().map_or("", |last| last);
    let is_std = STD.contains(&root);
    let module = |name: &str| whole && is_std && last == name;
    match () {
        () if pair("process", "Command") || module("process") => Some(Act::Process),
        () if STARTERS.contains(&root) || pairs("libc", &STARTS) => Some(Act::Process),
        () if CLIENTS.contains(&root) || module("net") => Some(Act::Network),
        () if path.len() > 1 && path.iter().any(|word| SOCKETS.contains(&&**word)) => {
            Some(Act::Network)
        }
        () if LOADERS.contains(&root) => Some(Act::Foreign),
        () if pairs("env", &VARIABLES) || module("env") => Some(Act::Environment),
        () if is_std && path.get(1).is_some_and(|word| word == "fs") => Some(Act::Filesystem),
        () if root == "fs_err" || pairs("fs", &FILES) => Some(Act::Filesystem),
        () => None,
    }
}

/// Says whether a literal is long and of nothing but what base64 or hexadecimal is written in.
fn is_encoded(literal: &str) -> bool {
    let Some(begin) = literal.find('"') else { return false };
    let text = &literal[begin + 1..literal.rfind('"').unwrap_or(begin).max(begin + 1)];
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    text.len() >= ENCODED
        && text.bytes().all(is_digit)
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stated: &Stated, files: &[(&str, &str)]) -> Behavior {
        let mut behavior = Behavior::of(stated, stated.build.clone());
        for (path, text) in files {
            let part = behavior.part(path);
            behavior.add(path, text, part);
        }
        behavior.finish();
        behavior
    }

    #[test]
    fn acts_are_found_where_they_are_named() {
        use Act::{Encoded, Environment, Filesystem, Foreign, Network, Process};
        let check = |text: &str, expected: &[Act]| {
            let behavior = read(&Stated::default(), &[("src/lib.rs", text)]);
            assert_eq!(behavior.unread, [""; 0]);
            let found: Vec<Act> = behavior.traces.iter().map(|trace| trace.act).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("use std::process::Command;", &[Process]);
        check("fn a() { std::process::exit(1) }", &[]);
        check("use std::process; fn a() { process::id() }", &[]);
        check("use std::process::*;", &[Process]);
        check("use std::process as p;", &[Process]);
        check("use std::process::{self as p};", &[Process]);
        check("use std as s; fn a() { s::process::Command::new(b) }", &[Process]);
        check("fn a() { clap::Command::new(b) }", &[]);
        check("fn a() { unsafe { libc::execve(b) } }", &[Process]);
        check("use std::net::{IpAddr, SocketAddr};", &[]);
        check("use std::net::{IpAddr, TcpStream};", &[Network]);
        check("use std::net::*;", &[Network]);
        check("use std::{net::{*}};", &[Network]);
        check("use crate::net::*; fn a(net: f32) { net as f64 }", &[]);
        check("fn a() { reqwest::get(b) }", &[Network]);
        check("fn a(hyper: u8) { let curl = hyper; }", &[]);
        check("fn a() { std::env::var(b); std::env::args(); env!(c); }", &[Environment]);
        check("use std::env; fn a() { env::args() }", &[]);
        check("use std::{env::var_os, fs};", &[Environment, Filesystem]);
        check("fn a() { fs::write(b, c) }", &[Filesystem]);
        check("use tokio::fs::File;", &[Filesystem]);
        check("extern \"C\" { fn a(); }", &[Foreign]);
        check("fn a() { libloading::Library::new(b) }", &[Foreign]);
        check("extern \"C\" fn a() {}", &[]);
        check(&format!("const A: &str = \"{}\";", "q0".repeat(100)), &[Encoded]);
        check(&format!("const A: &[u8] = br#\"{}\"#;", "q0".repeat(100)), &[Encoded]);
        check(&format!("const A: &str = \"{}\";", "q0 ".repeat(100)), &[]);
        check(&format!("const A: &str = \"{}\";", "ab".repeat(100)), &[]);
        check("// std::fs\n/// std::net::TcpStream\nfn a() { \"std::process::Command\"; }", &[]);
        check("#[cfg(test)] mod tests { use std::process::Command; }", &[]);
    }

    #[test]
    fn a_file_is_of_the_build_script_of_the_library_or_of_nobody() {
        let check = |path: &str, script: Option<&str>, expected: Option<Part>| {
            assert_eq!(part(path, script), expected, "{path} {script:?}");
        };
        let (build, library) = (Some(Part::Build), Some(Part::Library));
        check("build.rs", Some("build.rs"), build);
        check("build.rs", None, library);
        check("src/lib.rs", Some("build.rs"), library);
        check("build/main.rs", Some("build/main.rs"), build);
        check("build/help.rs", Some("build/main.rs"), build);
        check("help.rs", Some("build.rs"), library);
        check("src/build.rs", Some("src/build.rs"), build);
        check("src/lib.rs", Some("src/build.rs"), library);
        check("tests/a.rs", None, None);
        check("examples/a/main.rs", Some("build.rs"), None);
        check("tests/build.rs", Some("tests/build.rs"), build);
        check("tests/help.rs", Some("tests/build.rs"), build);
        check("src/tests/a.rs", None, library);
        check("generated/a.rs", None, library);
    }

    #[test]
    fn code_may_be_taken_from_beside_a_file_and_from_below_it() {
        let check = |path: &str, taken: &str, expected: &[&str]| {
            assert_eq!(places(path, taken), expected, "{path} {taken}");
        };
        check("src/lib.rs", "../tests/a.rs", &["tests/a.rs", "src/tests/a.rs"]);
        check("build.rs", "./b.in", &["b.in", "build/b.in"]);
        check("src/a/mod.rs", "b.rs", &["src/a/b.rs", "src/a/mod/b.rs"]);
        check("build.rs", "../a.rs", &["a.rs"]);
        check("src/lib.rs", "../../a.rs", &["a.rs"]);
    }

    #[test]
    fn a_trace_has_its_first_place_its_count_and_its_words() {
        let stated = Stated { build: Some("build.rs".to_owned()), ..Stated::default() };
        let behavior = read(
            &stated,
            &[
                ("src/b.rs", "fn a() { std::fs::write(b) }"),
                ("src/a.rs", "\nfn a() { std::fs::read(b); std::fs::read(c); }"),
                ("build.rs", "fn main() { std::env::var(a); unsafe {} }"),
                ("tests/a.rs", "fn a() { unsafe { std::process::Command::new(b) } }"),
            ],
        );
        let spot = |path: &str, line, words: &str| Spot {
            path: path.to_owned(),
            line,
            words: words.to_owned(),
        };
        let files = behavior.does(Part::Library, Act::Filesystem).unwrap();
        assert_eq!(files.first, spot("src/a.rs", 2, "std::fs::read"));
        assert_eq!(
            (files.count, &*files.words),
            (3, &["std::fs::read", "std::fs::write"].map(String::from)[..])
        );
        let environment = behavior.does(Part::Build, Act::Environment).unwrap();
        assert_eq!(environment.first, spot("build.rs", 1, "std::env::var"));
        assert_eq!((behavior.traces.len(), behavior.files, behavior.unsafe_words), (2, 4, 2));
    }

    #[test]
    fn what_is_no_rust_is_written_down_and_the_rest_is_read() {
        let behavior =
            read(&Stated::default(), &[("src/a.rs", "fn a( {"), ("src/b.rs", "use std::fs;")]);
        assert_eq!(behavior.unread.len(), 1);
        assert!(behavior.unread[0].starts_with("`src/a.rs` is not Rust: "));
        assert_eq!(behavior.traces.len(), 1);
    }
}
