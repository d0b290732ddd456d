//! `cargo weft sign`: a DSSE bundle that says a role vouches for files.

mod rules;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use weft_gate::rule;
use weft_verify::digest::Artifact;
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::json::{self as strict, Limits, Value};
use weft_verify::predicate::{ROLE_SIGNATURE, ROLES, RoleSignature};
use weft_verify::role::Roles;
use weft_verify::sign::SigningKey;
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::{Rejection, canonical};

use super::Format;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::files;
use crate::source::release::MAX_ARTIFACT;
use crate::source::roles::{MAX_BYTES, Place, envelope, read};
use crate::source::secret::PassphraseArgs;
use crate::source::{sources, workspace};

/// What says something else than that rules may change.
const FOR_A_ROLE: [&str; 5] = ["files", "sources", "role", "roles", "predicate_type"];

#[derive(Debug, Args)]
pub(super) struct SignArgs {
    /// The files that are vouched for
    #[arg(required_unless_present_any = ["sources", "rules"], value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Speak of the sources of this workspace instead, as evidence does
    #[arg(long, conflicts_with = "files", requires_all = ["output", "predicate_type"])]
    sources: bool,
    /// Approve what this work tree changes of the rules of --base, for the role `rules` of that base
    #[arg(long, conflicts_with_all = FOR_A_ROLE, requires = "base")]
    rules: bool,
    /// The commit whose rules are changed
    #[arg(long, value_name = "REV", conflicts_with_all = FOR_A_ROLE, requires = "rules")]
    base: Option<String>,
    /// The role that the key signs for
    #[arg(long, required_unless_present = "rules")]
    role: Option<String>,
    /// The private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// What is said, a URI; by default that the role vouches for the files
    #[arg(long, value_name = "URI", requires = "predicate")]
    predicate_type: Option<String>,
    /// The file with what is said, in JSON
    #[arg(long, value_name = "FILE", requires = "predicate_type")]
    predicate: Option<PathBuf>,
    /// One bundle for all files; by default each gets its own, FILE.dsse.json, and rules have .weft/rules.dsse.json
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

pub(super) fn run(args: &SignArgs) -> Result<ExitStatus, Error> {
    let role = match (&args.role, &args.base) {
        (_, Some(base)) => return rules::sign(args, base),
        (Some(role), None) => role,
        (None, None) => return Err(Error::Bug("no role to sign for".to_owned())),
    };
    let place = Place::find(args.roles.as_deref())?;
    let roles = place.in_force(None)?;
    roles.requirement(role).map_err(Error::rejected("the role"))?;
    let (predicate_type, predicate) = predicate(args, role, &roles)?;
    let subjects = match args.sources {
        true => vec![sources()?],
        false => args.files.iter().map(|file| subject(file)).collect::<Result<Vec<_>, _>>()?,
    };
    let bundles: Vec<(PathBuf, Vec<ResourceDescriptor>)> = match &args.output {
        Some(output) => vec![(output.clone(), subjects)],
        None => args
            .files
            .iter()
            .map(|file| beside(file))
            .zip(subjects.into_iter().map(|s| vec![s]))
            .collect(),
    };
    let mut envelopes = Vec::new();
    for (path, subjects) in bundles {
        let statement = Statement::new(subjects, &predicate_type, predicate.clone());
        envelopes.push((open(&path, &statement)?, path));
    }
    let key = args.passphrase.unlock(&args.key)?;
    demand_role(&roles, &key, role)?;
    let mut text = String::new();
    let mut written = Vec::new();
    for (mut envelope, path) in envelopes {
        key.endorse(&mut envelope);
        files::write_output(&path, &envelope.to_vec())?;
        let shown = path.display().to_string();
        let count = envelope.signatures().len();
        text.push_str(&format!("signed for {role} in {} ({count} signatures)\n", terminal(&shown)));
        written.push(json!({"bundle": shown, "signatures": count}));
    }
    args.format
        .print(text, &json!({"key": key.public().id(), "role": role, "written": written}))?;
    Ok(ExitStatus::Passed)
}

/// Refuses a key that does not have the role, before anything is signed.
pub(super) fn demand_role(roles: &Roles, key: &SigningKey, role: &str) -> Result<(), Error> {
    let signers = roles.authority().signers();
    let signer = signers.iter().find(|signer| signer.key == key.public());
    let rejection = match signer {
        None => Rejection::SignatureUnknownKey,
        Some(signer) if signer.roles.contains(role) => return Ok(()),
        Some(signer) => Rejection::SignatureWrongRole {
            required: role.to_owned(),
            found: signer.roles.iter().cloned().collect(),
        },
    };
    Err(Error::Rejected { what: "the key".to_owned(), rejection })
}

fn predicate(args: &SignArgs, role: &str, roles: &Roles) -> Result<(String, Value), Error> {
    if let (Some(predicate_type), Some(file)) = (&args.predicate_type, &args.predicate) {
        if [ROLE_SIGNATURE, ROLES, rule::PREDICATE].contains(&predicate_type.as_str()) {
            return Err(Error::usage(
                "a predicate of this type is not signed as it stands",
                "leave --predicate-type out to vouch for a file; `cargo weft role attest` signs roles, --rules a change of rules",
            ));
        }
        let refused = Error::rejected(&file.display().to_string());
        let predicate = strict::read(&read(file, MAX_BYTES)?, Limits::RECORD).map_err(refused)?;
        return Ok((predicate_type.clone(), predicate));
    }
    let signature = RoleSignature {
        revocations: roles.record().revocations.number,
        role: role.to_owned(),
        roles: roles.digest(),
    };
    let bytes = canonical::to_vec(&signature).map_err(|e| Error::Bug(e.to_string()))?;
    let predicate = strict::read(&bytes, Limits::RECORD).map_err(|e| Error::Bug(e.to_string()))?;
    Ok((ROLE_SIGNATURE.to_owned(), predicate))
}

/// Names the sources of the workspace by their digest, if a commit has them as they are.
fn sources() -> Result<ResourceDescriptor, Error> {
    let unfit = |reason: String| {
        Error::usage(format!("the sources are not known: {}", terminal(&reason)), "mend that first")
    };
    let root = workspace::root(None)?;
    let sources = sources::read(&root).map_err(unfit)?;
    match sources::changed(&root, &sources.commit).map_err(unfit)? {
        Some(path) => Err(Error::usage(
            format!("the work tree is not as its commit: {}", terminal(&path)),
            "commit first: what is signed is what others can check out",
        )),
        None => Ok(weft_gate::evidence::subject(sources.sha256)),
    }
}

fn subject(file: &Path) -> Result<ResourceDescriptor, Error> {
    let bytes = read(file, MAX_ARTIFACT)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(ResourceDescriptor::of(&name, &Artifact::of(&bytes)))
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".dsse.json");
    PathBuf::from(name)
}

/// Returns the bundle that is there, to add a signature to, or a new one.
pub(super) fn open(path: &Path, statement: &Statement) -> Result<Envelope, Error> {
    let payload = statement.to_vec().map_err(|e| Error::Bug(e.to_string()))?;
    if path.symlink_metadata().is_err() {
        return Ok(Envelope::new(IN_TOTO, payload));
    }
    let found = envelope(path)?;
    match found.unverified_payload() == payload && found.unverified_payload_type() == IN_TOTO {
        true => Ok(found),
        false => Err(Error::usage(
            format!("{} says something else than what would be signed", path.display()),
            "move it away, or name another --output: a signature is only added to the same statement",
        )),
    }
}
