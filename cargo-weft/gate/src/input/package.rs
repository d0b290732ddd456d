//! What the manifest of a package from elsewhere says of its licence and of what runs while it is built.

use toml::Spanned;
use toml::de::DeTable;

use super::text;
use super::tree;
use crate::Diagnostic;
use crate::place::SourceText;

/// The largest manifest of a package that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// What a package's manifest states.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stated {
    /// The SPDX expression.
    pub expression: Option<String>,
    /// The path of its build script: what `build` names, or Cargo's default, unless it is switched off.
    pub build: Option<String>,
    /// The path of a file with the licence's text.
    pub file: Option<String>,
    /// Whether its library is a procedural macro.
    pub proc_macro: bool,
}

/// Reads the manifest of a package from elsewhere, as Cargo packed it; other keys are not looked at.
///
/// # Errors
///
/// A [`Diagnostic`] for what is no manifest of a package.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Stated, Diagnostic> {
    let source = SourceText::new(file, text(file, bytes, MAX_BYTES)?);
    let document = tree::parse(&source)?;
    let package = document.get_ref().get("package").or_else(|| document.get_ref().get("project"));
    let package = package.and_then(|package| package.get_ref().as_table());
    let package = package.ok_or_else(|| Diagnostic::whole(file, "has no table `package`"))?;
    let string = |key: &str| {
        let value = package.get(key)?.get_ref().as_str()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let build = package.get("build").map(Spanned::get_ref);
    let build = match (build.and_then(|b| b.as_bool()), build.and_then(|b| b.as_str())) {
        (Some(false), _) => None,
        (_, Some(path)) => Some(path.to_owned()),
        (_, None) => Some("build.rs".to_owned()),
    };
    Ok(Stated {
        build,
        expression: string("license"),
        file: string("license-file"),
        proc_macro: is_proc_macro(&document),
    })
}

/// Both spellings of the key count, and so does the crate type (The Cargo Book, "Cargo Targets").
fn is_proc_macro(document: &Spanned<DeTable<'_>>) -> bool {
    let library = document.get_ref().get("lib").and_then(|library| library.get_ref().as_table());
    let Some(library) = library else { return false };
    let value = |key: &str| library.get(key).map(Spanned::get_ref);
    let on = |key: &str| value(key).and_then(|value| value.as_bool()).unwrap_or(false);
    let typed = |key: &str| {
        let types = value(key).and_then(|types| types.as_array());
        types.is_some_and(|types| types.iter().any(|t| t.get_ref().as_str() == Some("proc-macro")))
    };
    on("proc-macro") || on("proc_macro") || typed("crate-type") || typed("crate_type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expression_and_file_are_read_and_empty_ones_are_none() {
        let read = |text: &str| parse("Cargo.toml", text.as_bytes()).unwrap();
        let both = read("[package]\nname = \"a\"\nlicense = \"MIT\"\nlicense-file = \"L\"\n");
        assert_eq!((both.expression.as_deref(), both.file.as_deref()), (Some("MIT"), Some("L")));
        let none = Stated { build: Some("build.rs".to_owned()), ..Stated::default() };
        assert_eq!(read("[package]\nlicense = \" \"\n"), none);
        assert_eq!(read("[package]\nlicense.workspace = true\n"), none);
        assert_eq!(read("[package]\nbuild = false\n").build, None);
        assert_eq!(read("[package]\nbuild = \"b/main.rs\"\n").build.as_deref(), Some("b/main.rs"));
        let is_macro = |library: &str| read(&format!("[package]\n[lib]\n{library}\n")).proc_macro;
        for library in ["proc-macro = true", "proc_macro = true", "crate-type = [\"proc-macro\"]"] {
            assert!(is_macro(library), "{library}");
        }
        assert!(!is_macro("proc-macro = false") && !is_macro("crate-type = [\"lib\"]"));
        assert!(parse("Cargo.toml", b"[workspace]\n").is_err());
        assert!(parse("Cargo.toml", b"[package").is_err());
    }
}
