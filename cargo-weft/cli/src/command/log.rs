//! `cargo weft verify-log`: whether a transparency log, as its tiles lie in a directory, is the one that its checkpoints
//! say, and the same for everybody.

mod show;
mod step;

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use jiff::civil::Date;
use weft_verify::fork::{ForkRecord, Head, Standing, compare};
use weft_verify::merkle::{leaf_hash, verify_inclusion};
use weft_verify::note::{self, Note, Vkey};
use weft_verify::tile::Tree;
use weft_verify::witness::Policy;
use weft_verify::{AsOf, Rejection};

use self::step::{Outcome, Step};
use super::Format;
use super::verify::provenance::tlog_policy;
use crate::error::{Error, ExitStatus};
use crate::report::human::plural;
use crate::source::files;
use crate::source::roles::read;
use crate::source::tiles::Directory;

/// The largest entry that is looked for, in bytes.
const MAX_ENTRY: usize = 16 << 20;

/// The largest record of a fork that is read, in bytes: two notes, escaped, and a proof.
const MAX_RECORD: usize = 16 << 20;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("log").required(true).args(["tlog_policy", "vkey"])))]
#[command(group(ArgGroup::new("what").required(true).args(["directory", "fork"])))]
pub(super) struct LogArgs {
    /// The directory with the log's checkpoint and tiles, as C2SP tlog-tiles has them
    directory: Option<PathBuf>,
    /// Verify the record of a fork instead, which needs nothing but the log's key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["checkpoint", "against", "entry", "leaf", "record", "as_of"])]
    fork: Option<PathBuf>,
    /// The checkpoint that is verified; by default DIRECTORY/checkpoint
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Another checkpoint of the log, from elsewhere or from before, that must be of the same history; may be repeated
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// The logs that are known, and who has to have seen the checkpoint (C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    tlog_policy: Option<PathBuf>,
    /// The verifier key of the log, if nobody has to have seen it: NAME+HASH+KEY
    #[arg(long)]
    vkey: Option<String>,
    /// An entry that has to be in the log
    #[arg(long, value_name = "FILE", conflicts_with = "leaf")]
    entry: Option<PathBuf>,
    /// The number of an entry, from 0, whose hash is to be shown and proven
    #[arg(long, value_name = "N")]
    leaf: Option<u64>,
    /// Where a fork is recorded, if there is one; nothing may be there yet
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

/// What came of it all.
#[derive(Debug, Default)]
struct Judged {
    head: Option<Head>,
    witnesses: Vec<String>,
    steps: Vec<Step>,
    forks: Vec<ForkRecord>,
}

pub(super) fn run(args: &LogArgs) -> Result<ExitStatus, Error> {
    let as_of = super::as_of(args.as_of)?;
    let known = Known::of(args)?;
    if let Some(path) = &args.fork {
        return fork(path, &known, args.format);
    }
    if let Some(path) = args.record.as_deref().filter(|path| path.symlink_metadata().is_ok()) {
        return Err(Error::usage(
            format!("there is something at {} already", path.display()),
            "keep it, and name another file for the record",
        ));
    }
    let directory = Directory::open(args.directory.as_deref().unwrap_or(Path::new(".")))?;
    let entry = args.entry.as_deref().map(|path| read(path, MAX_ENTRY)).transpose()?;
    let mut against = Vec::new();
    for path in &args.against {
        against.push((path.display().to_string(), read(path, note::MAX_BYTES)?));
    }
    let checkpoint = match &args.checkpoint {
        Some(path) => Some(read(path, note::MAX_BYTES)?),
        None => directory.checkpoint()?,
    };
    let asked = Asked { known, as_of, against, entry, leaf: args.leaf };
    let judged = judge(&directory, checkpoint.as_deref(), &asked);
    let status = step::status(&judged.steps);
    let record = args.record.as_deref().filter(|_| !judged.forks.is_empty());
    // Shown before the record is written, which may fail.
    args.format.print(show::human(&judged, record, status), &show::value(&judged, status))?;
    if let (Some(path), Some(record)) = (&args.record, judged.forks.first()) {
        files::create_whole(path, &record.to_vec())?;
    }
    Ok(status)
}

/// Says whether a record shows that a known log forked.
fn fork(path: &Path, known: &Known, format: Format) -> Result<ExitStatus, Error> {
    let name = path.display().to_string();
    let record = read(path, MAX_RECORD)?;
    let verified = ForkRecord::from_slice(&record).and_then(|record| {
        let is_of = |log: &&Vkey| log.name() == record.origin();
        // The reason of the last one, if there are several of the name.
        let mut refused = Rejection::NoteUnsigned { name: record.origin().to_owned() };
        for log in known.logs().iter().filter(is_of) {
            match record.verify(log) {
                Ok(fork) => return Ok(fork),
                Err(why) => refused = why,
            }
        }
        Err(refused)
    });
    let mut judged = Judged::default();
    judged.steps.push(match &verified {
        Ok(fork) => {
            let (first, second) = (&fork.first, &fork.second);
            let said = format!(
                "{} signed two histories, of {} and {} entries",
                first.origin, first.size, second.size
            );
            Step::passed("fork", said).about(&name)
        }
        Err(why) => Step::rejected("fork", why).about(&name),
    });
    let status = step::status(&judged.steps);
    format.print(show::steps(&judged, status), &show::value(&judged, status))?;
    Ok(status)
}

/// Which logs are known.
enum Known {
    /// Those of a policy, with who has to have seen them.
    Policy(Policy),
    /// One, which nobody has to have seen.
    Log(Box<Vkey>),
}

impl Known {
    fn of(args: &LogArgs) -> Result<Self, Error> {
        if let Some(path) = &args.tlog_policy {
            let policy = tlog_policy(path)?;
            return match policy.logs() {
                [] => Err(Error::usage(
                    format!("{} names no log", path.display()),
                    "add a line `log VKEY` for each log that is known",
                )),
                _ => Ok(Self::Policy(policy)),
            };
        }
        let vkey = args.vkey.as_deref().unwrap_or_default().parse::<Vkey>();
        let refused = |rejection: Rejection| {
            Error::usage(format!("--vkey: {rejection}"), rejection.code().remedy())
        };
        match vkey.map_err(refused)? {
            vkey if vkey.is_cosigner() => Err(Error::usage(
                "--vkey is the key of a witness",
                "name the key of the log, or a policy with --tlog-policy",
            )),
            vkey => Ok(Self::Log(Box::new(vkey))),
        }
    }

    fn logs(&self) -> &[Vkey] {
        match self {
            Self::Policy(policy) => policy.logs(),
            Self::Log(vkey) => std::slice::from_ref(vkey),
        }
    }
}

/// What is asked of the log.
struct Asked {
    known: Known,
    as_of: AsOf,
    against: Vec<(String, Vec<u8>)>,
    entry: Option<Vec<u8>>,
    leaf: Option<u64>,
}

fn judge(directory: &Directory, checkpoint: Option<&[u8]>, asked: &Asked) -> Judged {
    let mut judged = Judged::default();
    let Some(bytes) = checkpoint else {
        let remedy = "Fetch it from the log, or name one with --checkpoint.";
        judged.steps.push(Step::new(
            "checkpoint",
            Outcome::Missing,
            "there is none in the directory",
            remedy,
        ));
        return judged;
    };
    let head = match Head::read(bytes, asked.known.logs()) {
        Ok(head) => head,
        Err(why) => {
            judged.steps.push(Step::rejected("checkpoint", &why));
            return judged;
        }
    };
    let (size, origin) = (head.checkpoint().size, &head.checkpoint().origin);
    let entries = counted(size);
    judged.steps.push(Step::passed("checkpoint", format!("{origin} signed {entries}")));
    judged.witnesses = quorum(bytes, asked, &mut judged.steps);
    let tree = Tree::new(size, directory);
    let audited = tree.demand_root(head.checkpoint()).and_then(|()| tree.audit());
    let tiles = |count: u64| format!("{} make the root", plural(count, "tile"));
    judged.steps.push(Step::of("tiles", audited.map(tiles)));
    judged.steps.push(match directory.has_entries() {
        true => {
            let bundles = |_| format!("{entries} hash to the leaves in the tiles");
            Step::of("entries", tree.audit_entries().map(bundles))
        }
        false => Step::passed("entries", "none are kept beside the tiles".to_owned()),
    });
    if let Some(step) = inclusion(&tree, &head, asked) {
        judged.steps.push(step);
    }
    for (name, bytes) in &asked.against {
        let (step, fork) = consistency(directory, &head, name, bytes, asked.known.logs());
        judged.steps.push(step);
        judged.forks.extend(fork);
    }
    judged.head = Some(head);
    judged
}

/// Asks whether the witnesses of the policy have seen the checkpoint, and returns those who have.
fn quorum(bytes: &[u8], asked: &Asked, steps: &mut Vec<Step>) -> Vec<String> {
    let Known::Policy(policy) = &asked.known else {
        steps.push(Step::passed("quorum", "nobody has to have seen it".to_owned()));
        return Vec::new();
    };
    match Note::from_slice(bytes).and_then(|note| policy.verify(&note, asked.as_of)) {
        Ok(checkpoint) => {
            let witnesses = checkpoint.into_inner().witnesses;
            steps.push(Step::passed(
                "quorum",
                match &witnesses[..] {
                    [] => "nobody has seen it, and nobody has to".to_owned(),
                    names => format!("seen by {}", names.join(", ")),
                },
            ));
            witnesses
        }
        Err(why) => {
            steps.push(Step::rejected("quorum", &why));
            Vec::new()
        }
    }
}

fn inclusion(tree: &Tree<&Directory>, head: &Head, asked: &Asked) -> Option<Step> {
    let checkpoint = head.checkpoint();
    let index = match (&asked.entry, asked.leaf) {
        (Some(entry), _) => match tree.find(&leaf_hash(entry)) {
            Ok(Some(index)) => index,
            Ok(None) => {
                let remedy = "Compare the bytes of the entry with those that were submitted.";
                return Some(Step::new(
                    "inclusion",
                    Outcome::Failed,
                    "no leaf is of this entry",
                    remedy,
                ));
            }
            Err(why) => return Some(Step::rejected("inclusion", &why)),
        },
        (None, index) => index?,
    };
    let proven = tree.leaf(index).and_then(|leaf| {
        let proof = tree.inclusion(index, checkpoint.size)?;
        verify_inclusion(index, checkpoint.size, &leaf, &proof, &checkpoint.root)?;
        Ok(format!("leaf {index} is in the tree: {}", show::hex(&leaf)))
    });
    Some(Step::of("inclusion", proven))
}

/// Compares with another checkpoint; the larger one of the two has to be that of the tiles.
fn consistency(
    directory: &Directory,
    head: &Head,
    name: &str,
    bytes: &[u8],
    logs: &[Vkey],
) -> (Step, Option<ForkRecord>) {
    let other = match Head::read(bytes, logs) {
        Ok(other) => other,
        Err(why) => return (Step::rejected("consistency", &why).about(name), None),
    };
    let (size, other_size) = (head.checkpoint().size, other.checkpoint().size);
    let tree = Tree::new(size.max(other_size), directory);
    match compare(head, &other, &tree) {
        Ok(Standing::Consistent { .. }) => {
            let said = format!("{size} and {other_size} are sizes of one history");
            (Step::passed("consistency", said).about(name), None)
        }
        Ok(Standing::Fork(record)) => (Step::fork(size, other_size).about(name), Some(*record)),
        Err(why) => (Step::rejected("consistency", &why).about(name), None),
    }
}

/// A path as it is shown.
fn shown(path: &Path) -> String {
    crate::escape::terminal(&path.display().to_string())
}

fn counted(entries: u64) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        entries => format!("{entries} entries"),
    }
}
