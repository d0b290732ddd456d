//! Files taken apart, so that the first part that differs has a name.
//!
//! What cannot be taken apart within bounds is cut into blocks: a digest is always there, a better name is not.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use object::{FileKind, Object, ObjectSection};
use weft_verify::Sha256;

use super::{Kind, Section};

/// The size of a block.
const BLOCK: usize = 1 << 20;

/// The most parts that a file is taken apart into.
const MAX_PARTS: usize = 10_000;

/// The most bytes of an archive, unpacked.
const MAX_UNPACKED: u64 = 1 << 30;

/// The longest name of a part, in bytes.
const MAX_NAME: usize = 512;

/// A section that linkers make from all others: where anything differs it does too, so it comes behind them.
const BUILD_ID: &str = ".note.gnu.build-id";

/// Returns the kind of a file and its parts.
pub fn sections(bytes: &[u8]) -> (Kind, Vec<Section>) {
    let apart = match bytes {
        [0x1f, 0x8b, ..] => archive(bytes),
        _ => program(bytes),
    };
    apart.unwrap_or_else(|| (Kind::Blocks, blocks(bytes)))
}

fn blocks(bytes: &[u8]) -> Vec<Section> {
    let named = |(index, block): (usize, &[u8])| {
        let from = index * BLOCK;
        part(format!("bytes {from}..{}", from + block.len()), block)
    };
    bytes.chunks(BLOCK).enumerate().map(named).collect()
}

fn part(name: String, bytes: &[u8]) -> Section {
    Section { name, sha256: Sha256::of(bytes) }
}

/// Takes an executable or a library apart: what lies before, between and behind its sections is a part as well.
fn program(bytes: &[u8]) -> Option<(Kind, Vec<Section>)> {
    let kind = match FileKind::parse(bytes).ok()? {
        FileKind::Elf32 | FileKind::Elf64 => Kind::Elf,
        FileKind::MachO32 | FileKind::MachO64 => Kind::MachO,
        FileKind::Pe32 | FileKind::Pe64 => Kind::Pe,
        _ => return None,
    };
    let file = object::File::parse(bytes).ok()?;
    let mut found = Vec::new();
    for section in file.sections() {
        if found.len() == MAX_PARTS {
            return None;
        }
        let Some((from, size)) = section.file_range().filter(|(_, size)| *size > 0) else {
            continue;
        };
        let from = usize::try_from(from).ok()?;
        let to = from.checked_add(usize::try_from(size).ok()?)?;
        bytes.get(from..to)?;
        let segment = section.segment_name_bytes().ok()?.map(|name| name.to_vec());
        found.push((from, to, name(segment.as_deref(), section.name_bytes().ok()?)));
    }
    found.sort();
    let (mut sections, mut identity) = (Vec::new(), Vec::new());
    let (mut rest, mut end) = (Vec::new(), 0);
    for (from, to, name) in found {
        // No honest file has sections that overlap, and hashing one part many times takes long.
        if from < end {
            return None;
        }
        rest.extend_from_slice(&bytes[end..from]);
        let is_identity = name == BUILD_ID;
        let part = part(name, &bytes[from..to]);
        if is_identity {
            identity.push(part)
        } else {
            sections.push(part)
        }
        end = to;
    }
    rest.extend_from_slice(&bytes[end..]);
    sections.append(&mut identity);
    sections.push(part("(headers and what lies between sections)".to_owned(), &rest));
    Some((kind, sections))
}

fn name(segment: Option<&[u8]>, section: &[u8]) -> String {
    let cut = |name: &[u8]| String::from_utf8_lossy(&name[..name.len().min(MAX_NAME)]).into_owned();
    match segment.filter(|segment| !segment.is_empty()) {
        Some(segment) => format!("{},{}", cut(segment), cut(section)),
        None => cut(section),
    }
}

/// Takes a compressed archive apart: content and description of each entry, and the compressed form.
fn archive(bytes: &[u8]) -> Option<(Kind, Vec<Section>)> {
    // Unpacked once within its bound, so that no size that an entry states is believed.
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes).take(MAX_UNPACKED + 1).read_to_end(&mut unpacked).ok()?;
    if unpacked.len() as u64 > MAX_UNPACKED {
        return None;
    }
    let mut archive = tar::Archive::new(&*unpacked);
    let mut sections = Vec::new();
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        if sections.len() + 2 > MAX_PARTS {
            return None;
        }
        let name = name(None, &entry.path_bytes());
        let description = part(format!("{name} (description)"), entry.header().as_bytes());
        // Holes of a sparse entry are in no archive, and can be of any size.
        if entry.header().entry_type().is_gnu_sparse() {
            return None;
        }
        let mut content = Vec::new();
        entry.by_ref().take(unpacked.len() as u64).read_to_end(&mut content).ok()?;
        // What is in a file says more than that its size differs.
        sections.extend([part(name, &content), description]);
    }
    if sections.is_empty() {
        return None;
    }
    sections.push(part("(padding and extensions)".to_owned(), &unpacked));
    sections.push(part("(compressed form)".to_owned(), bytes));
    Some((Kind::TarGz, sections))
}
