//! What the manifest of a package from elsewhere says of its licence, its repository and what runs while it is built.

use toml::Spanned;
use toml::de::DeTable;

use super::text;
use super::tree;
use crate::Diagnostic;
use crate::behavior::Dependencies;
use crate::place::SourceText;

/// The largest manifest of a package that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// What a package's manifest states.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stated {
    /// The crates it asks for.
    pub dependencies: Dependencies,
    /// The SPDX expression.
    pub expression: Option<String>,
    /// The path of its build script: what `build` names, or Cargo's default, unless it is switched off.
    pub build: Option<String>,
    /// The path of a file with the licence's text.
    pub file: Option<String>,
    /// The native library that it says it links.
    pub links: Option<String>,
    /// Whether its library is a procedural macro.
    pub proc_macro: bool,
    /// The address of its repository.
    pub repository: Option<String>,
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
        dependencies: dependencies(&document),
        expression: string("license"),
        file: string("license-file"),
        links: string("links"),
        proc_macro: is_proc_macro(&document),
        repository: string("repository"),
    })
}

/// Lists the crates that a manifest asks for, those for single targets included.
fn dependencies(document: &Spanned<DeTable<'_>>) -> Dependencies {
    let root = document.get_ref();
    let targets = root.get("target").and_then(|targets| targets.get_ref().as_table());
    let targets = targets.into_iter().flat_map(|targets| targets.values());
    let targets = targets.filter_map(|target| target.get_ref().as_table());
    let mut found = Dependencies::default();
    for table in targets.chain([root]) {
        for key in ["dependencies", "build-dependencies", "build_dependencies"] {
            for (name, optional) in asked(table, key) {
                let list = if key == "dependencies" { &mut found.normal } else { &mut found.build };
                list.push(name.clone());
                found.optional.extend(optional.then_some(name));
            }
        }
        let dev = ["dev-dependencies", "dev_dependencies"].into_iter();
        found.dev.extend(dev.flat_map(|key| asked(table, key)).map(|(name, _)| name));
    }
    for list in [&mut found.build, &mut found.dev, &mut found.normal, &mut found.optional] {
        list.sort();
        list.dedup();
    }
    found
}

/// Lists the crates of one table by the name they are published under, and whether each is optional.
fn asked(table: &DeTable<'_>, key: &str) -> Vec<(String, bool)> {
    let asked = table.get(key).and_then(|asked| asked.get_ref().as_table());
    let asked = asked.into_iter().flat_map(|asked| asked.iter());
    asked
        .map(|(name, value)| {
            let value = value.get_ref();
            let of = |key: &str| Some(value.as_table()?.get(key)?.get_ref());
            let published = of("package").and_then(|package| package.as_str());
            let optional = of("optional").and_then(|optional| optional.as_bool());
            (published.unwrap_or(name.get_ref()).to_owned(), optional.unwrap_or(false))
        })
        .collect()
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
    fn crates_are_listed_under_the_name_they_are_published_under() {
        let text = "[package]\nlinks = \"z\"\n[dependencies]\na = \"1\"\nb = { package = \"c\", version = \"1\", optional = true }\n\
            [target.'cfg(unix)'.dependencies.d]\nversion = \"1\"\n[build-dependencies]\ne = \"1\"\n[dev-dependencies]\na = \"1\"\n";
        let stated = parse("Cargo.toml", text.as_bytes()).unwrap();
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected = Dependencies {
            build: list(&["e"]),
            dev: list(&["a"]),
            normal: list(&["a", "c", "d"]),
            optional: list(&["c"]),
        };
        assert_eq!((stated.dependencies, stated.links.as_deref()), (expected, Some("z")));
    }

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
