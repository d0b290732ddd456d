//! Bounded reading of files, and writing that leaves a whole file or none.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use crate::error::Error;

/// Why a file of the tree was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its real place is outside the tree.
    #[error("leads out of the tree, so it is not read")]
    LeadsOut,
    /// It is a directory, a pipe or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// It is larger than its format's bound.
    #[error("is larger than the {} MiB that weft reads", .limit >> 20)]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
    },
    /// The system refuses.
    #[error("cannot be read: {0}")]
    Io(String),
}

/// Reads a file inside `root`, which is canonical; `None` if there is none.
///
/// # Errors
///
/// A [`Refusal`] for anything but a regular file of at most `limit` bytes whose real place is inside `root`.
pub fn read_inside(root: &Path, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, Refusal> {
    let real = match fs::canonicalize(path) {
        Ok(real) => real,
        // A link that leads nowhere is there, and is not readable.
        Err(e) if e.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            return Ok(None);
        }
        Err(e) => return Err(Refusal::Io(e.kind().to_string())),
    };
    if !real.starts_with(root) {
        return Err(Refusal::LeadsOut);
    }
    read_bounded(&real, limit).map(Some)
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
///
/// A [`Refusal`] for anything else.
pub fn read_bounded(path: &Path, limit: usize) -> Result<Vec<u8>, Refusal> {
    let io = |e: io::Error| Refusal::Io(e.kind().to_string());
    // A pipe would block on being opened, so look before.
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(Refusal::NotAFile);
    }
    if metadata.len() > limit as u64 {
        return Err(Refusal::TooLarge { limit });
    }
    // Room for all of it and the end, so that two calls of the system do.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    let mut bounded = File::open(path).map_err(io)?.take(limit as u64 + 1);
    bounded.read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > limit {
        return Err(Refusal::TooLarge { limit });
    }
    Ok(bytes)
}

/// Writes where the user says: a link is followed, a device or a pipe is written to, a file is replaced as a whole.
///
/// # Errors
///
/// [`Error::File`] with the path as given.
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let error = |source| Error::File { action: "write", path: path.display().to_string(), source };
    let real = match path.symlink_metadata() {
        Ok(_) => path.canonicalize().map_err(error)?,
        Err(_) => path.to_owned(),
    };
    if real.exists() && !real.is_file() {
        let open = fs::OpenOptions::new().write(true).open(&real);
        return open.and_then(|mut file| file.write_all(bytes)).map_err(error);
    }
    replace(&real, bytes)
}

/// Writes a whole file, or leaves what was there; a link in its place is replaced, not followed.
///
/// # Errors
///
/// [`Error::File`] with the path as given.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let error = |source| Error::File { action: "write", path: path.display().to_string(), source };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(error)?;
    file.write_all(bytes).map_err(error)?;
    readable(file.as_file()).map_err(error)?;
    file.persist(path).map_err(|e| error(e.error))?;
    Ok(())
}

/// Writes a whole file where nothing is yet, or nothing.
///
/// # Errors
///
/// [`Error::File`] with the path as given, also if something is there.
pub fn create_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let error = |source| Error::File { action: "write", path: path.display().to_string(), source };
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(error)?;
    file.write_all(bytes).map_err(error)?;
    readable(file.as_file()).map_err(error)?;
    file.as_file().sync_all().map_err(error)?;
    file.persist_noclobber(path).map_err(|e| error(e.error))?;
    Ok(())
}

/// A temporary file is private; a report is an ordinary file.
fn readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Resolves `.` and `..` in a path without looking at the file system.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    out.push("..");
                }
            }
            other => out.push(other),
        }
    }
    out
}

/// Writes a path relative to `root` with `/`, which is empty for `root` itself.
pub fn relative(root: &Path, path: &Path) -> Option<String> {
    let rest = path.strip_prefix(root).ok()?;
    let parts: Vec<_> = rest.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_as_text() {
        assert_eq!(normal(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(relative(Path::new("/a"), Path::new("/a/b/c")).as_deref(), Some("b/c"));
        assert_eq!(relative(Path::new("/a"), Path::new("/ab")), None);
    }

    #[test]
    #[cfg(unix)]
    fn only_regular_files_inside_the_tree_are_read() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().canonicalize().unwrap();
        let read = |name: &str| read_inside(&root, &root.join(name), 4);
        fs::write(root.join("small"), "1234").unwrap();
        fs::write(root.join("large"), "12345").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.join("out")).unwrap();
        std::os::unix::fs::symlink("small", root.join("in")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
        assert_eq!(read("small"), Ok(Some(b"1234".to_vec())));
        assert_eq!(read("in"), Ok(Some(b"1234".to_vec())));
        assert_eq!(read("absent"), Ok(None));
        assert_eq!(read("large"), Err(Refusal::TooLarge { limit: 4 }));
        assert_eq!(read("out"), Err(Refusal::LeadsOut));
        assert_eq!(read(""), Err(Refusal::NotAFile));
        assert!(matches!(read("dangling"), Err(Refusal::Io(_))));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_followed_and_a_device_is_written_to() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("file"), "old").unwrap();
        symlink("file", at("link")).unwrap();
        write_output(&at("link"), b"new").unwrap();
        assert!(at("link").symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(at("file")).unwrap(), b"new");
        symlink("/dev/null", at("null")).unwrap();
        write_output(&at("null"), b"gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }
}
