//! What a package may do to the machine that builds it, by which terms, and how an update changes that.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::content::{Deed, DeedKind};
use crate::diff::Diff;

/// What a package may do, as its sources show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// The path of its build script.
    pub build_script: Option<String>,
    /// What the build script does.
    pub deeds: Vec<Deed>,
    /// The SPDX expression of its manifest.
    pub license: Option<String>,
    /// Whether its library is a procedural macro, which the compiler runs.
    pub proc_macro: bool,
    /// How often `unsafe` stands in its Rust files, those of tests and examples included.
    pub unsafe_words: u64,
}

/// The capabilities of packages by package URL; one whose sources are not there is absent.
pub type ByPackage = BTreeMap<String, Capabilities>;

/// A capability that a package has gained, lost or changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// The package URL in the head.
    pub package: String,
    /// What changed.
    pub capability: Capability,
    /// How it was; nothing where it was not there, or the package was not.
    pub before: Option<String>,
    /// How it is; nothing where it is gone.
    pub after: Option<String>,
}

/// What a package may have.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// A script that runs before it is compiled.
    BuildScript,
    /// A build script that reaches the network.
    BuildNetwork,
    /// A build script that starts processes.
    BuildProcess,
    /// Terms.
    License,
    /// A library that runs in the compiler.
    ProcMacro,
    /// Code that the compiler does not check for memory safety.
    Unsafe,
}

impl Capability {
    const ALL: [Self; 6] = [
        Self::BuildScript,
        Self::BuildNetwork,
        Self::BuildProcess,
        Self::License,
        Self::ProcMacro,
        Self::Unsafe,
    ];

    /// Returns the words used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuildScript => "build script",
            Self::BuildNetwork => "build script reaches the network",
            Self::BuildProcess => "build script starts processes",
            Self::License => "licence",
            Self::ProcMacro => "procedural macro",
            Self::Unsafe => "unsafe",
        }
    }
}

impl Capabilities {
    fn get(&self, capability: Capability) -> Option<String> {
        match capability {
            Capability::BuildScript => self.build_script.clone(),
            Capability::BuildNetwork => self.words(DeedKind::Network),
            Capability::BuildProcess => self.words(DeedKind::Process),
            Capability::License => self.license.clone(),
            Capability::ProcMacro => self.proc_macro.then(|| "yes".to_owned()),
            Capability::Unsafe => (self.unsafe_words > 0).then(|| self.unsafe_words.to_string()),
        }
    }

    /// Names what the build script does, without lines, which every edit moves.
    fn words(&self, kind: DeedKind) -> Option<String> {
        let of_kind = self.deeds.iter().filter(|deed| deed.kind == kind);
        let mut words: Vec<&str> = of_kind.map(|deed| &*deed.words).collect();
        words.sort_unstable();
        words.dedup();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// Compares the packages that a change brings with those whose place they take, as far as the sources of both are
/// there; sorted by package.
pub fn shifts(diff: &Diff, before: &ByPackage, after: &ByPackage) -> Vec<Shift> {
    let nothing = Capabilities::default();
    let added = diff.added.iter().map(|id| (Some(&nothing), id));
    let changed = diff.changed.iter().map(|change| (before.get(&change.from), &change.to));
    let mut shifts = Vec::new();
    for (before, id) in added.chain(changed) {
        let (Some(before), Some(after)) = (before, after.get(id)) else { continue };
        for capability in Capability::ALL {
            let (before, after) = (before.get(capability), after.get(capability));
            if before != after {
                shifts.push(Shift { package: id.clone(), capability, before, after });
            }
        }
    }
    shifts.sort();
    shifts
}

/// Counts the keyword `unsafe` in a Rust file: strings and comments do not count, and what stands in a macro does.
///
/// # Errors
///
/// The file is not made of Rust's tokens.
pub fn unsafe_words(file: &str) -> Result<u64, String> {
    let tokens: TokenStream = file.parse().map_err(|e| format!("it is not Rust: {e}"))?;
    let mut open = vec![tokens.into_iter()];
    let mut count = 0;
    while let Some(stream) = open.last_mut() {
        match stream.next() {
            Some(TokenTree::Group(group)) => open.push(group.stream().into_iter()),
            Some(TokenTree::Ident(word)) => count += u64::from(word == "unsafe"),
            Some(TokenTree::Punct(_) | TokenTree::Literal(_)) => {}
            None => {
                open.pop();
            }
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{Change, ChangeKind};

    #[test]
    fn the_keyword_counts_and_not_the_word() {
        let check = |text: &str, expected| assert_eq!(unsafe_words(text), Ok(expected), "{text}");
        check("fn a() { unsafe { b() } }", 1);
        check("unsafe impl Send for A {}\nm! { x => unsafe fn c() }", 2);
        check("// unsafe\n/// unsafe\nfn a() { \"unsafe\"; r#unsafe; not_unsafe() }", 0);
        check("#![forbid(unsafe_code)]", 0);
        assert!(unsafe_words("fn a( {").is_err());
        assert!(unsafe_words(&format!("{}{}", "(".repeat(300), ")".repeat(300))).is_ok());
    }

    #[test]
    fn what_an_update_brings_is_told_and_what_stays_is_not() {
        let deed = |line, words: &str| Deed { line, kind: DeedKind::Process, words: words.into() };
        let old = Capabilities {
            license: Some("MIT".to_owned()),
            deeds: vec![deed(1, "Command::new")],
            build_script: Some("build.rs".to_owned()),
            unsafe_words: 2,
            ..Capabilities::default()
        };
        let new = Capabilities {
            license: Some("GPL-3.0-only".to_owned()),
            deeds: vec![deed(5, "Command::new"), deed(9, "Command::new")],
            proc_macro: true,
            unsafe_words: 0,
            ..old.clone()
        };
        let diff = Diff {
            added: vec!["pkg:cargo/b@1.0.0".to_owned(), "pkg:cargo/absent@1.0.0".to_owned()],
            changed: vec![
                Change {
                    from: "pkg:cargo/a@1.0.0".to_owned(),
                    kind: ChangeKind::Upgraded,
                    to: "pkg:cargo/a@2.0.0".to_owned(),
                },
                Change {
                    from: "pkg:cargo/c@1.0.0".to_owned(),
                    kind: ChangeKind::Upgraded,
                    to: "pkg:cargo/c@2.0.0".to_owned(),
                },
            ],
            ..Diff::default()
        };
        let before = ByPackage::from([("pkg:cargo/a@1.0.0".to_owned(), old.clone())]);
        let after =
            ["pkg:cargo/a@2.0.0", "pkg:cargo/c@2.0.0"].map(|id| (id.to_owned(), new.clone()));
        let mut after = ByPackage::from(after);
        after.insert("pkg:cargo/b@1.0.0".to_owned(), old);
        let found: Vec<String> = shifts(&diff, &before, &after)
            .iter()
            .map(|shift| {
                let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
                let (before, after) = (show(&shift.before), show(&shift.after));
                format!("{} {}: {before} > {after}", shift.package, shift.capability.as_str())
            })
            .collect();
        assert_eq!(
            found,
            [
                "pkg:cargo/a@2.0.0 licence: MIT > GPL-3.0-only",
                "pkg:cargo/a@2.0.0 procedural macro: - > yes",
                "pkg:cargo/a@2.0.0 unsafe: 2 > -",
                "pkg:cargo/b@1.0.0 build script: - > build.rs",
                "pkg:cargo/b@1.0.0 build script starts processes: - > Command::new",
                "pkg:cargo/b@1.0.0 licence: - > MIT",
                "pkg:cargo/b@1.0.0 unsafe: - > 2",
            ]
        );
    }
}
