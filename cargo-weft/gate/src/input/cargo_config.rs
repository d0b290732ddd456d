//! `.cargo/config.toml`, read as data.
//!
//! Cargo run inside a tree obeys the tree's configuration, programs included.
//! weft runs Cargo elsewhere and passes on only what says where packages come from: registries, source definitions and
//! patches.
//! What would run something, or is not known to be harmless, stays behind.

use std::collections::BTreeMap;

use super::text;
use super::tree::{self, Node, Table};
use crate::Diagnostic;
use crate::facts::Replacement;
use crate::inventory::without_credentials;
use crate::place::{Place, SourceText};

/// The largest configuration that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The keys that name programs, or steer them, and so are never passed on.
const PROGRAMS: [&str; 12] = [
    "build.rustc",
    "build.rustc-wrapper",
    "build.rustc-workspace-wrapper",
    "build.rustdoc",
    "registry.credential-provider",
    "registry.global-credential-providers",
    "credential-alias",
    "alias",
    "env",
    "doc.browser",
    "net.git-fetch-with-cli",
    "http.proxy",
];

/// What a configuration file says of sources, and what it names that weft will not run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CargoConfig {
    /// Arguments for `cargo --config`, as `key=value` in TOML.
    pub arguments: Vec<String>,
    /// Where packages are taken from elsewhere than their source says.
    pub replacements: Vec<Replacement>,
    /// Where sources and registries are that a redirection may name: a URL or a directory, or the name of another.
    pub addresses: BTreeMap<String, Address>,
    /// Keys that name programs: not obeyed.
    pub ignored: Vec<(String, Place)>,
    /// Packages that `[patch]` replaces.
    pub patched: Vec<String>,
    /// Directories that Cargo would read packages from, as written.
    pub directories: Vec<String>,
    /// Directories of vendored packages, as written.
    pub vendored: Vec<String>,
    /// What Cargo would read that weft cannot look through beforehand.
    pub opaque: Vec<String>,
    /// The place of `include`, which weft does not follow.
    pub include: Option<Place>,
}

/// Where a named source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Its kind and its URL or directory.
    At(String),
    /// Wherever the source of this name is.
    Of(String),
}

/// Says where a redirection ends: follows names through configurations, of which the first that knows one counts.
pub fn resolve(name: &str, configs: &[CargoConfig]) -> Option<String> {
    let mut name = name;
    // A circle is longer than any chain of names that are there.
    let most = configs.iter().map(|config| config.addresses.len()).sum();
    for _ in 0..=most {
        match configs.iter().find_map(|config| config.addresses.get(name))? {
            Address::At(place) => return Some(place.clone()),
            Address::Of(next) => name = next,
        }
    }
    None
}

/// Reads a configuration; `directory` is the absolute directory that its relative paths start from.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault.
pub fn parse(file: &str, bytes: &[u8], directory: &str) -> Result<CargoConfig, Diagnostic> {
    let text = text(file, bytes, MAX_BYTES)?;
    let source = SourceText::new(file, text);
    let document = tree::parse(&source)?;
    let document = Table::new(&source, document.get_ref());
    let mut reader = Reader { directory, config: CargoConfig::default() };
    reader.sources(&document)?;
    reader.registries(&document)?;
    reader.patches(&document)?;
    reader.path_overrides(&document)?;
    reader.programs(&document);
    reader.config.include = document.get("include").map(|node| node.place());
    Ok(reader.config)
}

struct Reader<'d> {
    directory: &'d str,
    config: CargoConfig,
}

impl Reader<'_> {
    fn sources(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        for source in document.table("source")?.iter().flat_map(Table::iter) {
            let table = source.table()?;
            for key in ["registry", "replace-with", "git", "branch", "tag", "rev"] {
                self.pass(&["source", source.key(), key], table.get(key))?;
            }
            for key in ["directory", "local-registry"] {
                self.pass_path(&["source", source.key(), key], table.get(key))?;
            }
            if let Some(node) = table.get("directory") {
                self.config.vendored.push(node.string()?.to_owned());
            }
            if table.get("local-registry").is_some() {
                self.config.opaque.push("a local registry".to_owned());
            }
            // `[source.crates-io] registry` takes crates.io's packages from elsewhere without saying so.
            let redefined = table
                .get_any(&["registry", "directory", "local-registry", "git"])
                .filter(|_| source.key() == "crates-io");
            let with = table.get("replace-with").map(|node| ("source", node));
            let address =
                match (&with, table.get_any(&["registry", "directory", "local-registry", "git"])) {
                    (Some((_, node)), _) => Some(Address::Of(node.string()?.to_owned())),
                    (None, Some(node)) => {
                        let at = without_credentials(node.string()?);
                        Some(Address::At(format!("{} `{at}`", node.key())))
                    }
                    (None, None) => None,
                };
            if let Some(address) = address {
                self.config.addresses.insert(source.key().to_owned(), address);
            }
            if let Some((kind, node)) = with.or(redefined.map(|node| (node.key(), node))) {
                self.config.replacements.push(Replacement {
                    what: format!("source `{}`", source.key()),
                    with: format!("{kind} `{}`", without_credentials(node.string()?)),
                    place: node.place(),
                });
            }
        }
        Ok(())
    }

    fn registries(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        for registry in document.table("registries")?.iter().flat_map(Table::iter) {
            let index = registry.table()?.get("index");
            if let Some(node) = &index {
                let at = format!("registry `{}`", without_credentials(node.string()?));
                self.config.addresses.entry(registry.key().to_owned()).or_insert(Address::At(at));
            }
            self.pass(&["registries", registry.key(), "index"], index)?;
        }
        if let Some(registry) = document.table("registry")? {
            self.pass(&["registry", "default"], registry.get("default"))?;
        }
        Ok(())
    }

    fn patches(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        for registry in document.table("patch")?.iter().flat_map(Table::iter) {
            for package in registry.table()?.iter() {
                let prefix = ["patch", registry.key(), package.key()];
                let table = package.table()?;
                for key in ["git", "branch", "tag", "rev", "version", "registry", "package"] {
                    self.pass(&[prefix[0], prefix[1], prefix[2], key], table.get(key))?;
                }
                self.pass_path(&[prefix[0], prefix[1], prefix[2], "path"], table.get("path"))?;
                self.config
                    .patched
                    .push(table.get("package").as_ref().unwrap_or(&package).as_name());
                let path =
                    table.get("path").map(|node| node.string().map(str::to_owned)).transpose()?;
                self.config.directories.extend(path);
                let with = table.get_any(&["path", "git"]);
                self.config.replacements.push(Replacement {
                    what: format!("package `{}` of `{}`", package.key(), registry.key()),
                    with: without_credentials(
                        with.map_or(Ok("another version"), |node| node.string())?,
                    ),
                    place: package.place(),
                });
            }
        }
        Ok(())
    }

    fn path_overrides(&mut self, document: &Table<'_, '_>) -> Result<(), Diagnostic> {
        let Some(paths) = document.get("paths") else { return Ok(()) };
        for path in paths.list()? {
            self.config.replacements.push(Replacement {
                what: "packages of the same names".to_owned(),
                with: path.string()?.to_owned(),
                place: paths.place(),
            });
        }
        if paths.list()?.is_empty() {
            return Ok(());
        }
        self.config.opaque.push("`paths`".to_owned());
        let absolute =
            paths.strings()?.iter().map(|p| toml_string(&self.absolute(p))).collect::<Vec<_>>();
        self.config.arguments.push(format!("paths=[{}]", absolute.join(",")));
        Ok(())
    }

    fn programs(&mut self, document: &Table<'_, '_>) {
        for program in PROGRAMS {
            let (table, key) = program.split_once('.').unwrap_or((program, ""));
            let Some(node) = document.iter().find(|node| node.key() == table) else { continue };
            let inner = match key {
                "" => Some(node),
                _ => node.table().ok().and_then(|t| t.iter().find(|node| node.key() == key)),
            };
            if let Some(node) = inner {
                self.config.ignored.push((program.to_owned(), node.place()));
            }
        }
    }

    fn pass(&mut self, path: &[&str], node: Option<Node<'_, '_>>) -> Result<(), Diagnostic> {
        let Some(node) = node else { return Ok(()) };
        self.argument(path, node.string()?);
        Ok(())
    }

    fn pass_path(&mut self, path: &[&str], node: Option<Node<'_, '_>>) -> Result<(), Diagnostic> {
        let Some(node) = node else { return Ok(()) };
        let absolute = self.absolute(node.string()?);
        self.argument(path, &absolute);
        Ok(())
    }

    fn argument(&mut self, path: &[&str], value: &str) {
        let key = path.iter().map(|part| toml_string(part)).collect::<Vec<_>>().join(".");
        self.config.arguments.push(format!("{key}={}", toml_string(value)));
    }

    fn absolute(&self, path: &str) -> String {
        match path.starts_with('/') || path.get(1..2) == Some(":") {
            true => path.to_owned(),
            false => format!("{}/{path}", self.directory),
        }
    }
}

/// Writes a TOML basic string: a JSON string, but for U+007F, which TOML wants escaped.
fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> CargoConfig {
        parse(".cargo/config.toml", text.as_bytes(), "/ws").unwrap()
    }

    #[test]
    fn sources_are_passed_on_with_absolute_paths() {
        let config = read(
            "[source.crates-io]\nreplace-with = 'vendored'\n[source.vendored]\ndirectory = 'vendor'\n\
             [registries.\"my reg\"]\nindex = 'sparse+https://r/'\ntoken = 'secret'\n",
        );
        assert_eq!(
            config.arguments,
            [
                r#""source"."crates-io"."replace-with"="vendored""#,
                r#""source"."vendored"."directory"="/ws/vendor""#,
                r#""registries"."my reg"."index"="sparse+https://r/""#,
            ]
        );
        assert_eq!(config.replacements.len(), 1);
    }

    #[test]
    fn a_redirection_ends_where_its_names_lead() {
        let near = read("[source.crates-io]\nreplace-with = 'm'\n[source.m]\nreplace-with = 'r'\n");
        let far = read(
            "[registries.r]\nindex = 'sparse+https://u:p@r.example/'\n[source.m]\nregistry = 'https://m/'\n\
             [source.a]\nreplace-with = 'b'\n[source.b]\nreplace-with = 'a'\n",
        );
        let configs = [near, far];
        let expected = Some("registry `sparse+https://u@r.example/`".to_owned());
        assert_eq!(resolve("m", &configs), expected);
        assert_eq!(resolve("m", &configs[1..]), Some("registry `https://m/`".to_owned()));
        assert_eq!(resolve("a", &configs), None);
        assert_eq!(resolve("nobody", &configs), None);
    }

    #[test]
    fn programs_are_noticed_and_never_passed_on() {
        let config = read(
            "[build]\nrustc = './evil'\nrustc-wrapper = './evil'\n[alias]\nweft = 'run'\n\
             [env]\nRUSTC = './evil'\n[registries.r]\ncredential-provider = './evil'\n\
             [registry]\nglobal-credential-providers = ['./evil']\n",
        );
        assert_eq!(config.arguments, [""; 0]);
        let ignored: Vec<_> =
            config.ignored.iter().map(|(key, place)| (&**key, place.line)).collect();
        assert_eq!(
            ignored,
            [
                ("build.rustc", 2),
                ("build.rustc-wrapper", 3),
                ("registry.global-credential-providers", 11),
                ("alias", 4),
                ("env", 6),
            ]
        );
    }

    #[test]
    fn a_value_cannot_end_its_argument() {
        let config = read("[source.a]\nreplace-with = \"x\\\"\\nbuild.rustc='y\"\n");
        let [argument] = &config.arguments[..] else { panic!("one argument") };
        let parsed: toml::Table = toml::from_str(argument).unwrap();
        assert_eq!(parsed["source"]["a"]["replace-with"].as_str(), Some("x\"\nbuild.rustc='y"));
        assert_eq!(parsed.len(), 1);
    }
}
