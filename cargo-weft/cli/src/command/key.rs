//! `cargo weft key`: signing keys, from making one to revoking it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use weft_verify::AsOf;
use weft_verify::key::PublicKey;
use weft_verify::role::{Roles, is_name};
use weft_verify::threshold::Signer;

use super::Format;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::files;
use crate::source::roles::{Place, read};
use crate::source::secret::{PassphraseArgs, create};

#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
    /// The form of the output
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, global = true, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, global = true, value_name = "DAY")]
    as_of: Option<Date>,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make an Ed25519 key: NAME.key, encrypted, and NAME.pub
    New {
        /// What people call the key
        name: String,
        /// Where the private key goes; the public one goes beside it
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// List the keys of the roles file
    List,
    /// Show a key of the roles file, by name or id, or a .pub file
    Show {
        /// A name, an id, or a file
        key: String,
    },
    /// Print the public key of a private key
    ExportPublic {
        /// The private key
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Let a new key take over the roles of an old one, as a draft of the next roles
    Rotate {
        /// The name or id of the old key
        key: String,
        /// The .pub file of the new key
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// The name of the new key; by default that of the old one with the next number
        #[arg(long)]
        name: Option<String>,
    },
    /// Revoke a key, as a draft of the next roles
    Revoke {
        /// Its name or id
        key: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(args: &KeyArgs) -> Result<ExitStatus, Error> {
    let place = Place::find(args.roles.as_deref())?;
    match &args.command {
        KeyCommand::New { name, output, passphrase } => {
            let (public, file) = make(name, output.as_deref(), passphrase)?;
            let json = describe(name, &public);
            args.format.print(made(name, &public, &file), &json)?;
        }
        KeyCommand::List => {
            let roles = current(&place)?;
            let as_of = super::as_of(args.as_of)?;
            let signers = roles.authority().signers();
            let rows: Vec<Value> = signers.iter().map(|signer| row(signer, as_of)).collect();
            let text = signers.iter().map(|signer| line(signer, as_of)).collect();
            args.format.print(text, &json!(rows))?;
        }
        KeyCommand::Show { key } if Path::new(key).is_file() => {
            let public = public(Path::new(key))?;
            let text = format!("public {public}\nid     {}\n", public.id());
            args.format.print(text, &json!({"id": public.id(), "public": public.to_string()}))?;
        }
        KeyCommand::Show { key } => {
            let roles = current(&place)?;
            let as_of = super::as_of(args.as_of)?;
            let signer = find(&roles, key)?;
            let text = format!("{}public {}\n", line(signer, as_of), signer.key);
            args.format.print(text, &row(signer, as_of))?;
        }
        KeyCommand::ExportPublic { file, passphrase } => {
            let public = passphrase.unlock(file)?.public();
            let json =
                json!({"id": public.id(), "pem": public.to_pem(), "public": public.to_string()});
            args.format.print(public.to_pem(), &json)?;
        }
        KeyCommand::Rotate { key, to, name } => {
            let new = public(to)?;
            let roles = current(&place)?;
            let old = find(&roles, key)?;
            let name = name.clone().unwrap_or_else(|| next_name(&old.name));
            let day = args.as_of.unwrap_or_else(super::today);
            edit(&place, |document| rotate(document, old, &name, &new, day))?;
            draft_written(args.format, &place)?;
        }
        KeyCommand::Revoke { key, reason } => {
            let roles = current(&place)?;
            let day = args.as_of.unwrap_or_else(super::today);
            let signer = find(&roles, key)?;
            edit(&place, |document| revoke(document, signer, reason, day))?;
            draft_written(args.format, &place)?;
        }
    }
    Ok(ExitStatus::Passed)
}

fn make(
    name: &str,
    output: Option<&Path>,
    passphrase: &PassphraseArgs,
) -> Result<(PublicKey, PathBuf), Error> {
    if !is_name(name) {
        let message = format!("{name:?} cannot name a key");
        return Err(Error::usage(message, "take 1 to 64 of a-z, 0-9, `-`, `_`, `.` and `@`"));
    }
    let file = output.map_or_else(|| PathBuf::from(format!("{name}.key")), Path::to_owned);
    let beside = file.with_extension("pub");
    if beside == file {
        let message = format!("{} would hold the private key", file.display());
        return Err(Error::usage(message, "name an --output that does not end in .pub"));
    }
    if beside.symlink_metadata().is_ok() {
        let message = format!("{} is there already", beside.display());
        return Err(Error::usage(message, "a key is never overwritten: name another --output"));
    }
    let public = passphrase.make(&file)?.public();
    create(&beside, public.to_pem().as_bytes(), 0o644)?;
    Ok((public, beside))
}

fn describe(name: &str, public: &PublicKey) -> Value {
    json!({"id": public.id(), "name": name, "public": public.to_string()})
}

fn made(name: &str, public: &PublicKey, file: &Path) -> String {
    format!(
        "made the key {name}; its public half is in {}\nid {}\n\n\
         In .weft/roles.toml:\n\n[[keys]]\nname = \"{name}\"\npublic = \"{public}\"\nroles = []\n",
        terminal(&file.display().to_string()),
        public.id()
    )
}

/// Reads the roles file, be it in force or a draft.
pub(super) fn current(place: &Place) -> Result<Roles, Error> {
    place.draft(place.committed(None)?.as_deref())
}

pub(super) fn public(path: &Path) -> Result<PublicKey, Error> {
    let bytes = read(path, 64 << 10)?;
    let text = String::from_utf8_lossy(&bytes);
    PublicKey::from_pem(&text).map_err(Error::rejected(&path.display().to_string()))
}

fn find<'r>(roles: &'r Roles, key: &str) -> Result<&'r Signer, Error> {
    let mut signers = roles.authority().signers().iter();
    signers.find(|signer| signer.name == key || signer.id == key).ok_or_else(|| {
        let message =
            format!("no key of the roles file is called {}, or has that id", terminal(key));
        Error::usage(message, "`cargo weft key list` lists them")
    })
}

/// What can be said of a key as of a day.
fn status(signer: &Signer, as_of: AsOf) -> &'static str {
    let validity = &signer.validity;
    match () {
        () if validity.revoked_at.is_some_and(|at| as_of.latest() >= at) => "revoked",
        () if validity.not_after.is_some_and(|last| as_of.latest() > last) => "expired",
        () if validity.not_before.is_some_and(|first| as_of.earliest() < first) => "not yet valid",
        () => "valid",
    }
}

fn row(signer: &Signer, as_of: AsOf) -> Value {
    json!({
        "id": signer.id, "name": signer.name, "public": signer.key.to_string(), "roles": signer.roles,
        "not-after": signer.validity.not_after, "not-before": signer.validity.not_before,
        "revoked-at": signer.validity.revoked_at, "status": status(signer, as_of),
    })
}

fn line(signer: &Signer, as_of: AsOf) -> String {
    let roles: Vec<&str> = signer.roles.iter().map(String::as_str).collect();
    let mut line = format!("{}: {}\n", signer.name, status(signer, as_of));
    _ = writeln!(line, "  id     {}", signer.id);
    _ = writeln!(line, "  roles  {}", roles.join(", "));
    line
}

/// `alice` becomes `alice-2`, and `alice-2` becomes `alice-3`.
fn next_name(name: &str) -> String {
    let (stem, number) = name.rsplit_once('-').unwrap_or((name, ""));
    match number.parse::<u32>() {
        Ok(number) => format!("{stem}-{}", number.saturating_add(1)),
        Err(_) => format!("{name}-2"),
    }
}

/// Edits the roles file as a draft of the next version, comments and formatting kept.
pub(super) fn edit(
    place: &Place,
    change: impl FnOnce(&mut DocumentMut) -> Result<(), Error>,
) -> Result<(), Error> {
    let committed = place.committed(None)?;
    let text = place.text()?;
    let mut document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| {
        Error::usage(format!("the roles file is not TOML: {}", e.message()), "correct it first")
    })?;
    change(&mut document)?;
    if let Some(committed) = &committed {
        document["version"] =
            value(i64::try_from(committed.record().version + 1).unwrap_or(i64::MAX));
    }
    let text = document.to_string();
    let previous = committed.as_ref().map(|roles| roles.digest());
    let name = place.file().display().to_string();
    // What would not hold together is not written.
    weft_gate::input::roles::parse(&name, text.as_bytes(), previous)
        .map_err(|diagnostic| Error::Config { diagnostic, text: text.clone() })?;
    files::replace(place.file(), text.as_bytes())
}

pub(super) fn draft_written(format: Format, place: &Place) -> Result<(), Error> {
    let roles = current(place)?;
    let version = roles.record().version;
    let text = format!(
        "wrote version {version} of the roles as a draft\n\
         next: `cargo weft role propose`, then `attest` and `commit`\n"
    );
    format.print(text, &json!({"digest": roles.digest(), "version": version}))
}

fn broken(what: &str) -> Error {
    Error::usage(format!("the roles file has no {what}"), "correct it first")
}

/// Returns an array of tables, made if it is absent.
pub(super) fn tables<'d>(table: &'d mut Table, name: &str) -> Result<&'d mut ArrayOfTables, Error> {
    let item = table.entry(name).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    item.as_array_of_tables_mut().ok_or_else(|| broken(&format!("[[{name}]]")))
}

fn rotate(
    document: &mut DocumentMut,
    old: &Signer,
    name: &str,
    new: &PublicKey,
    day: Date,
) -> Result<(), Error> {
    let keys = tables(document, "keys")?;
    let is_old = |table: &&mut Table| table.get("name").and_then(Item::as_str) == Some(&old.name);
    let entry = keys.iter_mut().find(is_old).ok_or_else(|| broken("such key"))?;
    // A key that has ended already stays ended.
    let end = super::as_of(Some(day))?.latest();
    if old.validity.not_after.is_none_or(|not_after| not_after > end) {
        entry["not-after"] = value(day.to_string());
    }
    let mut added = Table::new();
    added["name"] = value(name);
    added["public"] = value(new.to_string());
    added["roles"] = value(old.roles.iter().collect::<toml_edit::Array>());
    added["not-before"] = value(day.to_string());
    keys.push(added);
    Ok(())
}

fn revoke(
    document: &mut DocumentMut,
    signer: &Signer,
    reason: &str,
    day: Date,
) -> Result<(), Error> {
    if signer.validity.revoked_at.is_some() {
        let message = format!("{} is revoked already", signer.name);
        return Err(Error::usage(message, "`cargo weft key list` shows since when"));
    }
    let revocations = document.entry("revocations").or_insert(Item::Table(Table::new()));
    let revocations = revocations.as_table_mut().ok_or_else(|| broken("[revocations]"))?;
    let number = revocations.get("number").and_then(Item::as_integer).unwrap_or(0);
    revocations["number"] = value(number.saturating_add(1));
    let mut entry = Table::new();
    entry["key"] = value(&signer.id);
    entry["at"] = value(day.to_string());
    entry["reason"] = value(reason);
    tables(revocations, "keys")?.push(entry);
    Ok(())
}
