//! Objects of git's database, each hashed again: what lies under an id counts if the id is its own.
//!
//! Git believes its database, and whoever can write a cache or an archive of a clone can write into that.
//! From the id of a commit on, nothing is believed: the commit names its tree, trees name their entries, and each is
//! compared with the id by which it was asked for.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::thread;

use sha1_checked::Digest as _;
use sha2::Digest as _;

use super::{Blob, Git, Mode};

/// The largest tree or commit that is read, in bytes.
const MAX_OBJECT: usize = 64 << 20;

/// The most entries of a commit.
const MAX_ENTRIES: usize = 1_000_000;

/// The most folders of a commit, those that are the same counted each time.
const MAX_TREES: usize = 200_000;

/// How deep folders are nested.
const MAX_DEPTH: usize = 200;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blob,
    Commit,
    Tree,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Commit => "commit",
            Self::Tree => "tree",
        }
    }
}

/// An entry of a tree.
struct Entry {
    mode: Vec<u8>,
    name: String,
    id: String,
}

impl Git {
    /// Lists everything that a commit has below a folder, or all of it if that is empty, with what it is and its id; in
    /// git's order.
    ///
    /// # Errors
    ///
    /// A sentence: an object is missing, is not what its id says, or has a name that is not UTF-8.
    pub(super) fn entries(
        &self,
        commit: &str,
        folder: &str,
    ) -> Result<Vec<(Mode, String, String)>, String> {
        let below = match folder.is_empty() {
            true => String::new(),
            false => format!("{}/", folder.trim_end_matches('/')),
        };
        let mut trees = vec![(String::new(), self.tree(commit)?)];
        let (mut entries, mut seen, mut depth) = (Vec::new(), 0_usize, 0);
        while !trees.is_empty() {
            depth += 1;
            seen += trees.len();
            if depth > MAX_DEPTH || seen > MAX_TREES {
                return Err(format!(
                    "the commit has more than {MAX_TREES} folders, or nests them more than {MAX_DEPTH} deep"
                ));
            }
            let ids: Vec<&str> = trees.iter().map(|(_, id)| &**id).collect();
            let mut next = Vec::new();
            self.each(Kind::Tree, &ids, MAX_OBJECT, |index, bytes| {
                let prefix = &trees[index].0;
                for Entry { mode, name, id } in parse(bytes, ids[index].len() / 2)? {
                    let path = format!("{prefix}{name}");
                    match &*mode {
                        b"40000" => {
                            let path = format!("{path}/");
                            if path.starts_with(&below) || below.starts_with(&path) {
                                next.push((path, id));
                            }
                        }
                        _ if !path.starts_with(&below) => {}
                        b"100755" => entries.push((Mode::Executable, id, path)),
                        b"120000" => entries.push((Mode::Link, id, path)),
                        b"160000" => entries.push((Mode::Submodule(id.clone()), id, path)),
                        _ => entries.push((Mode::File, id, path)),
                    }
                }
                match entries.len() + next.len() > MAX_ENTRIES {
                    true => Err(format!("the commit has more than {MAX_ENTRIES} entries")),
                    false => Ok(()),
                }
            })?;
            trees = next;
        }
        entries.sort_by(|(_, _, a), (_, _, b)| a.as_bytes().cmp(b.as_bytes()));
        Ok(entries)
    }

    /// Returns the id of the tree of a commit.
    ///
    /// # Errors
    ///
    /// A sentence: the commit is missing, or is not what its id says.
    pub fn tree(&self, commit: &str) -> Result<String, String> {
        let text = self.commit_text(commit)?;
        let tree = text.lines().next().and_then(|line| line.strip_prefix("tree "));
        let tree = tree.filter(|id| super::is_id(id)).map(str::to_owned);
        tree.ok_or_else(|| "its commit has no tree".to_owned())
    }

    /// Reads a commit as git writes it.
    pub(super) fn commit_text(&self, commit: &str) -> Result<String, String> {
        let mut text = String::new();
        self.each(Kind::Commit, &[commit], MAX_OBJECT, |_, bytes| {
            text = String::from_utf8_lossy(bytes).into_owned();
            Ok(())
        })?;
        Ok(text)
    }

    /// Reads the contents of blobs, in their order.
    ///
    /// # Errors
    ///
    /// A sentence: a blob is larger than `limit` bytes, missing, or not what its id says.
    pub fn contents(&self, blobs: &[Blob], limit: usize) -> Result<Vec<Vec<u8>>, String> {
        let mut contents = Vec::with_capacity(blobs.len());
        self.each_content(blobs, limit, |_, bytes| {
            contents.push(bytes.to_vec());
            Ok(())
        })?;
        Ok(contents)
    }

    /// Hands on the content of each blob with its number, one at a time.
    ///
    /// # Errors
    ///
    /// Those of [`Git::contents`], and what `each` says.
    pub(super) fn each_content(
        &self,
        blobs: &[Blob],
        limit: usize,
        each: impl FnMut(usize, &[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let ids: Vec<&str> = blobs.iter().map(|blob| &*blob.id).collect();
        self.each(Kind::Blob, &ids, limit, each)
    }

    /// Hands on objects by their ids, one at a time.
    fn each(
        &self,
        kind: Kind,
        ids: &[&str],
        limit: usize,
        mut each: impl FnMut(usize, &[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let failed = |e: io::Error| format!("git cannot be asked: {e}");
        let mut command = self.command(&["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        let mut stdin = child.stdin.take().ok_or("git cannot be asked")?;
        let wanted: String = ids.iter().map(|id| format!("{id}\n")).collect();
        // Writing and reading at once, since either pipe can be full.
        let writer = thread::spawn(move || stdin.write_all(wanted.as_bytes()));
        let stdout = child.stdout.take().ok_or("git cannot be asked")?;
        let mut answers = BufReader::with_capacity(1 << 16, stdout);
        let mut content = Vec::new();
        let read = ids.iter().enumerate().try_for_each(|(index, id)| {
            read(&mut answers, kind, id, limit, &mut content)?;
            each(index, &content)
        });
        if read.is_err() {
            // What it would still say is of no use; that it may have ended by itself is no fault.
            _ = child.kill();
        }
        _ = writer.join();
        let status = child.wait().map_err(failed)?;
        match (read, status.success()) {
            (Ok(()), false) => Err("git failed while it was read from".to_owned()),
            (read, _) => read,
        }
    }
}

/// Reads one object of a batch, and demands that it is what its id says.
fn read(
    answers: &mut impl BufRead,
    kind: Kind,
    id: &str,
    limit: usize,
    content: &mut Vec<u8>,
) -> Result<(), String> {
    let odd = || format!("git cannot read the {} {id}", kind.name());
    let mut header = String::new();
    answers.by_ref().take(256).read_line(&mut header).map_err(|_| odd())?;
    let expected = format!("{id} {} ", kind.name());
    let size = header.strip_prefix(&expected).and_then(|size| size.trim_end().parse().ok());
    let size: usize = size.ok_or_else(odd)?;
    if size > limit {
        return Err(format!("the {} {id} is larger than {} MiB", kind.name(), limit >> 20));
    }
    // The newline behind it is git's.
    content.clear();
    content.resize(size + 1, 0);
    answers.read_exact(content).map_err(|_| odd())?;
    content.pop();
    match hashed(kind, content, id.len())?.eq_ignore_ascii_case(id) {
        true => Ok(()),
        false => Err(format!(
            "git's database holds something else than the {} {id}; fetch the repository again",
            kind.name()
        )),
    }
}

/// Returns the id of an object, as long as the ids of its repository are.
fn hashed(kind: Kind, content: &[u8], digits: usize) -> Result<String, String> {
    let head = format!("{} {}\0", kind.name(), content.len());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if digits == 64 {
        let digest = sha2::Sha256::new().chain_update(&head).chain_update(content).finalize();
        return Ok(hex(&digest));
    }
    // As git does, what was made to collide is refused.
    let mut sha1 = sha1_checked::Sha1::new();
    sha1.update(&head);
    sha1.update(content);
    let result = sha1.try_finalize();
    match result.has_collision() {
        false => Ok(hex(result.hash())),
        true => {
            Err("git's database holds an object that was made to collide with another".to_owned())
        }
    }
}

/// Reads a tree: of each entry the mode, the name and the id, which is that long in bytes.
fn parse(bytes: &[u8], id_length: usize) -> Result<Vec<Entry>, String> {
    let odd = || "git's database holds a tree that cannot be read".to_owned();
    let (mut entries, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(odd)?;
        let end = rest.iter().position(|byte| *byte == 0).filter(|end| *end > space);
        let end = end.ok_or_else(odd)?;
        let id = rest.get(end + 1..end + 1 + id_length).ok_or_else(odd)?;
        let name =
            str::from_utf8(&rest[space + 1..end]).map_err(|_| "a file's name is not UTF-8")?;
        if name.is_empty() || name.contains('/') {
            return Err(odd());
        }
        entries.push(Entry {
            mode: rest[..space].to_vec(),
            name: name.to_owned(),
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
        });
        rest = &rest[end + 1 + id_length..];
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_that_git_gives() {
        // `printf 'hello\n' | git hash-object --stdin`, and the same in a repository of SHA-256.
        let sha1 = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert_eq!(hashed(Kind::Blob, b"hello\n", 40).unwrap(), sha1);
        let sha256 = "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4";
        assert_eq!(hashed(Kind::Blob, b"hello\n", 64).unwrap(), sha256);
        let empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        assert_eq!(hashed(Kind::Tree, b"", 40).unwrap(), empty);
    }

    #[test]
    fn what_is_not_what_its_id_says_is_refused() {
        let id = "ce013625030ba8dba906f756967f9e9ca394464a";
        let check = |answer: &str, limit: usize| {
            let mut content = Vec::new();
            let read = read(&mut answer.as_bytes(), Kind::Blob, id, limit, &mut content);
            read.map(|()| String::from_utf8(content).unwrap())
        };
        let whole = format!("{id} blob 6\nhello\n\n");
        assert_eq!(check(&whole, 6).unwrap(), "hello\n");
        assert_eq!(check(&whole, 5).unwrap_err(), format!("the blob {id} is larger than 0 MiB"));
        let other = check(&whole.replace("hello", "hellO"), 6).unwrap_err();
        assert!(other.starts_with("git's database holds something else"), "{other}");
        let odd = format!("git cannot read the blob {id}");
        for answer in [
            &*whole.replace("blob", "tree"),
            &*whole.replace(" 6", " 6x"),
            &whole[..whole.len() - 2],
            &*format!("{id} missing\n"),
            "",
        ] {
            assert_eq!(check(answer, 6).unwrap_err(), odd, "{answer}");
        }
    }

    #[test]
    fn trees_are_read_whole_or_not_at_all() {
        let tree = [b"100644 a\0".as_slice(), &[1; 20], b"40000 b\0", &[2; 20]].concat();
        let names = |bytes: &[u8]| {
            parse(bytes, 20).map(|entries| entries.into_iter().map(|e| e.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&tree).unwrap(), ["a", "b"]);
        for cut in [1, 7, 9, 28, tree.len() - 1] {
            assert!(names(&tree[..cut]).is_err(), "{cut}");
        }
        assert!(names(&[b"100644 a/b\0".as_slice(), &[1; 20]].concat()).is_err());
        assert!(names(&[b"100644 \0".as_slice(), &[1; 20]].concat()).is_err());
    }
}
