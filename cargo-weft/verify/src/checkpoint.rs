//! Checkpoints of transparency logs and their witnesses (C2SP tlog-checkpoint v1.0.0, tlog-cosignature v1.0.1).

use std::num::NonZeroU32;

use crate::note::{Note, Vkey};
use crate::threshold::{Counted, Tallies, Tally};
use crate::{AsOf, Rejection, Verified, base64};

/// A signed tree head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree, 32 bytes.
    pub root: [u8; 32],
    /// The names of the witnesses that count, in the order of the note.
    pub witnesses: Vec<String>,
}

/// Verifies a checkpoint: signed by the log, and seen by `quorum` of the witnesses at least.
///
/// # Errors
///
/// The rejections of the families `note` and `checkpoint`, also for keys of the wrong type; [`Rejection::WitnessKeyReused`] if a witness has the log's
/// key, or that of another; [`Rejection::ThresholdNotMet`] for the role `witness`.
///
/// ```
/// use weft_verify::note::Note;
/// use weft_verify::{AsOf, checkpoint};
///
/// let text = "example.com/weft-log\n12\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n\n\
///     \u{2014} example.com/weft-log m6LWjE4Wx81L6oJeyA0X0W7ztOZycB9l4QnfyrY9OlK6EdhBQ/6XAs0mDTpWVMw/Gbc6JUKi7x1MntmUiHHBdDLocw4=\n";
/// let log = "example.com/weft-log+9ba2d68c+AVUMwO234JkPaDTQDdBWR9RNFlzq4qPhbbxehhenIGKy".parse().unwrap();
/// let note = Note::from_slice(text.as_bytes()).unwrap();
/// assert_eq!(checkpoint::verify(&note, &log, &[], 0, AsOf::second(0)).unwrap().size, 12);
/// ```
pub fn verify(
    note: &Note,
    log: &Vkey,
    witnesses: &[Vkey],
    quorum: u32,
    as_of: AsOf,
) -> Result<Verified<Checkpoint>, Rejection> {
    if log.is_cosigner() {
        return Err(Rejection::VkeyMalformed { message: "a log signs with a key of type 0x01" });
    }
    for (index, witness) in witnesses.iter().enumerate() {
        // Only a cosignature says when; another signature would pass for one of the year 1970.
        if !witness.is_cosigner() {
            return Err(Rejection::VkeyMalformed { message: "a witness has a key of type 0x04" });
        }
        let others = std::iter::once(log).chain(&witnesses[..index]);
        if let Some(other) = others.into_iter().find(|other| other.key() == witness.key()) {
            let (path, other) = (format!("witnesses[{index}]"), other.name().to_owned());
            return Err(Rejection::WitnessKeyReused { path, other });
        }
    }
    let vkeys: Vec<Vkey> = std::iter::once(log).chain(witnesses).cloned().collect();
    let signed = note.verify(&vkeys)?;
    let mut checkpoint = parse(&signed.text)?;
    if checkpoint.origin != log.name() {
        let (expected, found) = (log.name().to_owned(), checkpoint.origin);
        return Err(Rejection::CheckpointOrigin { expected, found });
    }
    let cosigned: Vec<_> = signed.by.iter().enumerate().filter(|(_, by)| by.vkey > 0).collect();
    if let Some((_, by)) = cosigned.iter().find(|(_, by)| by.time > as_of.latest()) {
        return Err(Rejection::CosignatureFuture {
            name: vkeys[by.vkey].name().to_owned(),
            at: by.time,
        });
    }
    if let Some(threshold) = NonZeroU32::new(quorum) {
        let counted = cosigned.iter().map(|(index, by)| Counted {
            index: *index,
            name: vkeys[by.vkey].name().to_owned(),
            key: *vkeys[by.vkey].key(),
        });
        let counted = counted.collect();
        let role = crate::role::WITNESS.to_owned();
        let tally = Tally { of: None, role, threshold, counted, uncounted: Vec::new() };
        Tallies::demand(vec![tally])?;
    }
    checkpoint.witnesses =
        cosigned.iter().map(|(_, by)| vkeys[by.vkey].name().to_owned()).collect();
    Ok(Verified::new(checkpoint))
}

/// Reads the body of a checkpoint: origin, size, root, and extension lines, which are ignored.
pub(crate) fn parse(text: &str) -> Result<Checkpoint, Rejection> {
    let malformed = |line, message| Rejection::CheckpointMalformed { line, message };
    let body = text.strip_suffix('\n').unwrap_or(text);
    let mut lines = body.split('\n');
    let origin = lines.next().filter(|origin| !origin.is_empty());
    let origin = origin.ok_or(malformed(1, "no origin"))?.to_owned();
    let size = lines.next().filter(|s| !s.starts_with('0') || *s == "0");
    let size = size.filter(|s| s.bytes().all(|b| b.is_ascii_digit()));
    let size = size.and_then(|s| s.parse().ok()).ok_or(malformed(2, "not a size"))?;
    let root = lines.next().and_then(base64::standard).and_then(|root| root.try_into().ok());
    let root = root.ok_or(malformed(3, "not the base64 of 32 bytes"))?;
    match lines.position(str::is_empty) {
        Some(index) => Err(malformed(index + 4, "an empty extension line")),
        None => Ok(Checkpoint { origin, size, root, witnesses: Vec::new() }),
    }
}
