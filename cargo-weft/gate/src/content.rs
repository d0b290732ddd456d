//! What lies in a package's sources: binaries, what its build script does, and whether it was packed from a commit.
//!
//! Nothing is run or resolved: files are told by their first bytes, build scripts are read by Rust's tokens, and a
//! word that could be meant otherwise is taken for what it usually means.

use proc_macro2::TokenStream;
use serde::{Deserialize, Serialize};

use crate::behavior::token::{self, Passing, Piece};

/// How many bytes of a file tell what it is.
pub const HEAD: usize = 8;

/// The largest build script that is parsed, in bytes.
pub const MAX_SCRIPT: usize = 1 << 20;

/// The version of this scan; what an older one found is not asked.
pub const SCAN: u32 = 2;

/// What lies in a package's sources.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Files that a machine runs or links, sorted.
    pub binaries: Vec<Binary>,
    /// What the build script does, sorted by line.
    pub build: Vec<Deed>,
    /// Whether the package was packed with changes that no commit has; unknown where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// Why something could not be looked at, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// A file that a machine runs or links.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    /// Its path in the package.
    pub path: String,
    /// What its first bytes say it is.
    pub kind: String,
}

/// Something a build script does that reaches out of the compiler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    /// The line of the script.
    pub line: u32,
    /// What it does.
    pub kind: DeedKind,
    /// The words that say so.
    pub words: String,
}

/// What a build script does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeedKind {
    /// It reaches the network.
    Network,
    /// It starts a process.
    Process,
}

/// Says what a file's first bytes show it to be, if a machine runs or links it.
pub fn binary(head: &[u8]) -> Option<&'static str> {
    let magics: [(&[u8], &str); 9] = [
        (b"\x7fELF", "ELF"),
        (b"MZ", "PE"),
        (b"\xfe\xed\xfa\xce", "Mach-O"),
        (b"\xfe\xed\xfa\xcf", "Mach-O"),
        (b"\xce\xfa\xed\xfe", "Mach-O"),
        (b"\xcf\xfa\xed\xfe", "Mach-O"),
        (b"\xca\xfe\xba\xbe", "Mach-O or Java class"),
        (b"\0asm", "WebAssembly"),
        (b"!<arch>\n", "static library"),
    ];
    magics.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| kind)
}

/// Finds what a build script does, by its tokens: strings and comments do not count, and what stands in a macro does.
///
/// # Errors
///
/// A sentence: it is not made of Rust's tokens, or is nested too deeply.
pub fn deeds(script: &str) -> Result<Vec<Deed>, String> {
    let tokens: TokenStream =
        script.parse().map_err(|e| format!("its build script is not Rust: {e}"))?;
    let mut deeds = Vec::new();
    let mut visit = |piece: Piece<'_>| {
        if let Piece::Path { words, line, .. } = piece {
            deeds.extend(deed(words, line));
        }
    };
    token::walk(tokens, Passing::Nothing, &mut visit)
        .map_err(|why| format!("its build script {why}"))?;
    deeds.sort();
    deeds.dedup();
    Ok(deeds)
}

/// Words of a path that name a way to the network.
const NETWORK: [&str; 9] = [
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "reqwest",
    "ureq",
    "curl",
    "hyper",
    "attohttpc",
];

/// Tells what a path does, if it is one of those that are asked for.
fn deed(path: &[String], line: usize) -> Option<Deed> {
    let has = |name: &str| path.iter().any(|word| word == name);
    let pair = |a: &str, b: &str| path.windows(2).any(|w| w[0] == a && w[1] == b);
    // What is imported with everything beside it is meant to be used.
    let whole = path.ends_with(&["std".to_owned(), "process".to_owned()]);
    let kind = if pair("process", "Command") || pair("Command", "new") || whole {
        DeedKind::Process
    } else if pair("std", "net") || path.len() > 1 && NETWORK.into_iter().any(has) {
        DeedKind::Network
    } else {
        return None;
    };
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    Some(Deed { line, kind, words: path.join("::") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, expected: &[(u32, DeedKind, &str)]) {
        let found = deeds(script).unwrap();
        let found: Vec<_> = found.iter().map(|d| (d.line, d.kind, &*d.words)).collect();
        assert_eq!(found, expected, "{script}");
    }

    #[test]
    fn processes_and_sockets_are_found_where_they_are_named() {
        use DeedKind::{Network, Process};
        check("fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }", &[]);
        check(
            "use std::process::Command;\nfn main() { Command::new(\"sh\"); }",
            &[(1, Process, "std::process::Command"), (2, Process, "Command::new")],
        );
        check(
            "use std::{env, process::{Command as C}};\nfn main() {}",
            &[(1, Process, "std::process::Command")],
        );
        check(
            "fn main() { std::net::TcpStream::connect(\"a:1\"); ureq::get(\"u\"); }",
            &[(1, Network, "std::net::TcpStream::connect"), (1, Network, "ureq::get")],
        );
        check("use std::process::*;\nfn main() {}", &[(1, Process, "std::process")]);
        check("use std::process;\nfn main() {}", &[(1, Process, "std::process")]);
        check("fn main() { std::process::exit(1); }", &[]);
        check(
            "fn main() { std::r#process::r#Command::new(\"a\"); }",
            &[(1, Process, "std::process::Command::new")],
        );
        check("use std::net::*;\nfn main() {}", &[(1, Network, "std::net")]);
        check(
            "fn main() { println!(\"{:?}\", Command::new(\"a\")) }",
            &[(1, Process, "Command::new")],
        );
        check("// std::net::TcpStream\nfn main() { \"std::process::Command\"; }", &[]);
        check("fn main() { let process = 1; clap::Command::build(); let curl = a::b; }", &[]);
    }

    #[test]
    fn what_is_not_parsed_is_said() {
        assert!(deeds("fn main( {").is_err());
        assert!(deeds(&format!("fn main() {{ {} }}", "(".repeat(100_000))).is_err());
        assert!(deeds(&format!("fn main() {{ {}{} }}", "(".repeat(200), ")".repeat(200))).is_err());
        assert!(
            deeds(&format!("fn main() {{ {}{} }}", "(".repeat(90_000), ")".repeat(90_000)))
                .is_err()
        );
        assert_eq!(deeds(&"a = ".repeat(100_000)), Ok(Vec::new()));
    }

    #[test]
    fn files_are_told_by_their_first_bytes() {
        assert_eq!(binary(b"\x7fELF\x02\x01"), Some("ELF"));
        assert_eq!(binary(b"!<arch>\n"), Some("static library"));
        assert_eq!(binary(b"#!/bin/sh"), None);
        assert_eq!(binary(b""), None);
    }
}
