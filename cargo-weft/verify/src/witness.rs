//! Which logs are known, and which witnesses have to have seen a checkpoint (C2SP tlog-policy).
//!
//! A policy is read strictly: what a line cannot mean refuses the whole file, and so does its last line without an end,
//! which a file that was cut would have.
//! Counted are public keys, never names or signatures, and the key of a log is nobody's witness.

mod read;

use crate::checkpoint::{self, Checkpoint};
use crate::key::PublicKey;
use crate::note::{Note, SignedBy, Vkey};
use crate::{AsOf, Rejection, Verified};

/// The largest policy that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The most logs, witnesses and groups that are read, of each.
pub const MAX_ENTRIES: usize = 256;

/// A policy of logs and witnesses.
///
/// ```
/// use weft_verify::witness::Policy;
///
/// let text = "witness w1 witness.example/w1+c2056557+BHTFWckF/WizyzQOOf9EEWWwO5js9mW7VwL6E4bugpAY\nquorum w1\n";
/// let policy = Policy::from_slice(text.as_bytes()).unwrap();
/// assert!(policy.logs().is_empty());
/// assert_eq!(policy.quorum(), Some("w1"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Vkey>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Witness {
    name: String,
    vkey: Vkey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A checkpoint that enough witnesses have seen; whether its log signed it was proven where `log` names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The checkpoint; its witnesses are named as the policy names them.
    pub checkpoint: Checkpoint,
    /// The log of the policy that signed it; nothing if the policy names no log.
    pub log: Option<String>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// [`Rejection::WitnessPolicyMalformed`]; [`Rejection::KeyRepeated`], [`Rejection::NameRepeated`] or
    /// [`Rejection::WitnessKeyReused`], with the line as the place.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        read::policy(bytes)
    }

    /// Returns the logs.
    pub fn logs(&self) -> &[Vkey] {
        &self.logs
    }

    /// Returns the number of witnesses.
    pub fn witnesses(&self) -> usize {
        self.witnesses.len()
    }

    /// Returns the name of the witness or group that has to have seen a checkpoint; nothing for `quorum none`.
    pub fn quorum(&self) -> Option<&str> {
        self.quorum.map(|member| self.name(member))
    }

    fn name(&self, member: Member) -> &str {
        match member {
            Member::Witness(index) => &self.witnesses[index].name,
            Member::Group(index) => &self.groups[index].name,
        }
    }

    /// Verifies a checkpoint: signed by a log of the policy, and seen by its quorum.
    ///
    /// # Errors
    ///
    /// As [`Self::verify_seen`]; [`Rejection::CheckpointOrigin`] also if the policy names no log.
    ///
    /// ```
    /// use weft_verify::note::Note;
    /// use weft_verify::witness::Policy;
    /// use weft_verify::AsOf;
    ///
    /// let text = "example.com/weft-log\n12\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n\n\
    ///     \u{2014} example.com/weft-log m6LWjE4Wx81L6oJeyA0X0W7ztOZycB9l4QnfyrY9OlK6EdhBQ/6XAs0mDTpWVMw/Gbc6JUKi7x1MntmUiHHBdDLocw4=\n";
    /// let note = Note::from_slice(text.as_bytes()).unwrap();
    /// let log = "log example.com/weft-log+9ba2d68c+AVUMwO234JkPaDTQDdBWR9RNFlzq4qPhbbxehhenIGKy\n";
    /// let policy = Policy::from_slice(format!("{log}quorum none\n").as_bytes()).unwrap();
    /// assert_eq!(policy.verify(&note, AsOf::second(0)).unwrap().size, 12);
    /// ```
    pub fn verify(&self, note: &Note, as_of: AsOf) -> Result<Verified<Checkpoint>, Rejection> {
        let seen = self.verify_seen(note, &[], 0, as_of)?.into_inner();
        match seen.log {
            Some(_) => Ok(Verified::new(seen.checkpoint)),
            None => Err(self.unknown_log(seen.checkpoint.origin)),
        }
    }

    /// Verifies that the quorum and at least `least` distinct witnesses have seen a checkpoint.
    ///
    /// If the policy names logs, one of them has to have signed it; otherwise that is for the caller to prove.
    /// `log_keys` are keys of logs that the caller trusts, which are nobody's witness.
    ///
    /// # Errors
    ///
    /// [`Rejection::WitnessKeyReused`]; [`Rejection::NoteSignature`] if a line by a known key does not verify;
    /// [`Rejection::CheckpointMalformed`]; [`Rejection::CheckpointOrigin`] and [`Rejection::NoteUnsigned`] if no log of
    /// the policy signed it; [`Rejection::CosignatureFuture`]; [`Rejection::QuorumUnmet`].
    pub fn verify_seen(
        &self,
        note: &Note,
        log_keys: &[PublicKey],
        least: u32,
        as_of: AsOf,
    ) -> Result<Verified<Witnessed>, Rejection> {
        for witness in &self.witnesses {
            if log_keys.contains(witness.vkey.key()) {
                let path = format!("witness {}", witness.name);
                return Err(Rejection::WitnessKeyReused { path, other: "a log".to_owned() });
            }
        }
        let witnesses = self.witnesses.iter().map(|witness| &witness.vkey);
        let vkeys: Vec<Vkey> = self.logs.iter().chain(witnesses).cloned().collect();
        let by = note.signers(&vkeys)?;
        let mut checkpoint = checkpoint::parse(note.text())?;
        let log = self.log(&checkpoint, &by)?;
        let cosigned = |by: &SignedBy| by.vkey.checked_sub(self.logs.len()).map(|w| (w, by.time));
        let cosigned: Vec<(usize, u64)> = by.iter().filter_map(cosigned).collect();
        if let Some((witness, at)) = cosigned.iter().find(|(_, time)| *time > as_of.latest()) {
            let name = self.witnesses[*witness].vkey.name().to_owned();
            return Err(Rejection::CosignatureFuture { name, at: *at });
        }
        let seen: Vec<usize> = cosigned.iter().map(|(witness, _)| *witness).collect();
        checkpoint.witnesses =
            seen.iter().map(|index| self.witnesses[*index].name.clone()).collect();
        if !self.is_met(&seen) {
            let quorum = self.quorum().unwrap_or("none").to_owned();
            return Err(Rejection::QuorumUnmet { quorum, seen_by: checkpoint.witnesses });
        }
        if u32::try_from(seen.len()).is_ok_and(|seen| seen < least) {
            let quorum = format!("a quorum of {least} of {} witnesses", self.witnesses.len());
            return Err(Rejection::QuorumUnmet { quorum, seen_by: checkpoint.witnesses });
        }
        Ok(Verified::new(Witnessed { checkpoint, log }))
    }

    /// Returns the log of the policy that signed, whose name is the origin; nothing if the policy names no log.
    fn log(&self, checkpoint: &Checkpoint, by: &[SignedBy]) -> Result<Option<String>, Rejection> {
        let is_named = |log: &&Vkey| log.name() == checkpoint.origin;
        if self.logs.is_empty() {
            return Ok(None);
        }
        if !self.logs.iter().any(|log| is_named(&log)) {
            return Err(self.unknown_log(checkpoint.origin.clone()));
        }
        let signed = by.iter().filter_map(|by| self.logs.get(by.vkey)).find(is_named);
        match signed {
            Some(log) => Ok(Some(log.name().to_owned())),
            None => Err(Rejection::NoteUnsigned { name: checkpoint.origin.clone() }),
        }
    }

    fn unknown_log(&self, found: String) -> Rejection {
        let names: Vec<&str> = self.logs.iter().map(Vkey::name).collect();
        Rejection::CheckpointOrigin { expected: names.join(", "), found }
    }

    /// Says whether these witnesses meet the quorum; a group names what is above it, so one pass does.
    fn is_met(&self, seen: &[usize]) -> bool {
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let holds = |member: &&Member| holds(**member, seen, &groups);
            let met = group.members.iter().filter(holds).count() >= group.threshold;
            groups.push(met);
        }
        self.quorum.is_none_or(|member| holds(member, seen, &groups))
    }
}

fn holds(member: Member, seen: &[usize], groups: &[bool]) -> bool {
    match member {
        Member::Witness(index) => seen.contains(&index),
        Member::Group(index) => groups.get(index).copied().unwrap_or(false),
    }
}
