//! A commit in a clean directory, byte for byte.
//!
//! Files are written as the objects have them: no hook, filter or conversion of line ends is asked, so attributes and
//! configuration change nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::{Blob, Git, MAX_SOURCE, Mode};

impl Git {
    /// Writes a commit into an empty directory, and a repository that stands at it and borrows the objects of this one.
    ///
    /// # Errors
    ///
    /// A sentence: the commit has a submodule or a name that leads out of the directory, or a file cannot be written.
    pub fn check_out(&self, commit: &str, directory: &Path) -> Result<(), String> {
        let (mut files, mut modes, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for (mode, id, path) in self.entries(commit, "")? {
            if !is_inside(&path) {
                return Err(format!("the commit has the path {path:?}, which is not written"));
            }
            match mode {
                Mode::Submodule(_) => {
                    return Err(format!(
                        "{path} is a submodule, whose commit is not among these objects"
                    ));
                }
                Mode::Link => links.push(Blob { path, id }),
                Mode::File | Mode::Executable => {
                    modes.push(mode == Mode::Executable);
                    files.push(Blob { path, id });
                }
            }
        }
        self.each_content(&files, MAX_SOURCE, |index, content| {
            let path = &files[index].path;
            let written = write(&directory.join(path), content, modes[index]);
            written.map_err(|e| format!("{path} cannot be written: {e}"))
        })?;
        // Links come last, so that no file is written through one.
        for (blob, target) in links.iter().zip(self.contents(&links, MAX_SOURCE)?) {
            let written = link(&target, &directory.join(&blob.path));
            written.map_err(|e| format!("{} cannot be written: {e}", blob.path))?;
        }
        self.borrow(commit, directory)
    }

    /// Makes a repository at a commit: `cargo package` asks which one it packs, and build scripts may.
    fn borrow(&self, commit: &str, directory: &Path) -> Result<(), String> {
        let failed = |e: io::Error| format!("no repository can be made: {e}");
        let said = self.run(&["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
        let objects = String::from_utf8_lossy(&said).trim_end_matches('\n').to_owned();
        if objects.contains('\n') || objects.starts_with('"') {
            return Err("the repository lies at a path that git cannot borrow from".to_owned());
        }
        let inner = directory.join(".git");
        fs::create_dir_all(inner.join("objects/info")).map_err(failed)?;
        fs::create_dir_all(inner.join("refs/heads")).map_err(failed)?;
        let format = match commit.len() {
            64 => "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n",
            _ => "[core]\n\trepositoryformatversion = 0\n",
        };
        for (name, text) in [
            ("HEAD", format!("{commit}\n")),
            ("config", format.to_owned()),
            ("objects/info/alternates", format!("{objects}\n")),
        ] {
            fs::write(inner.join(name), text).map_err(failed)?;
        }
        let borrowed = Self { program: self.program.clone(), directory: inner };
        borrowed.run_in(directory, &["read-tree", commit]).map(drop)
    }
}

/// Says whether a path of a tree stays below the directory that it is written to, on any system.
fn is_inside(path: &str) -> bool {
    let leads_out = |part: &str| {
        matches!(part, "" | "." | "..")
            || part.eq_ignore_ascii_case(".git")
            || cfg!(windows) && part.contains(['\\', ':'])
    };
    !path.split('/').any(leads_out)
}

fn write(path: &Path, content: &[u8], is_executable: bool) -> io::Result<()> {
    make_parent(path)?;
    // Two names that are one here, or a file where a directory is, are no pair to choose from.
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if is_executable { 0o755 } else { 0o644 };
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = is_executable;
    Ok(())
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(unix)]
fn link(target: &[u8], path: &Path) -> io::Result<()> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    make_parent(path)?;
    std::os::unix::fs::symlink(OsStr::from_bytes(target), path)
}

/// What git does where there are no links.
#[cfg(not(unix))]
fn link(target: &[u8], path: &Path) -> io::Result<()> {
    write(path, target, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_directory_or_into_its_repository() {
        for path in ["a", "a/b.rs", ".gitignore", ".github/x", "a/..b"] {
            assert!(is_inside(path), "{path}");
        }
        for path in ["", "/a", "../a", "a/../b", "a//b", "a/.", ".git/config", "a/.GIT/hooks/x"] {
            assert!(!is_inside(path), "{path}");
        }
    }

    /// A tree may name a link and a directory alike, which git itself would not make.
    #[test]
    #[cfg(unix)]
    fn no_file_is_written_through_a_link_of_the_commit() {
        use std::process::{Command, Stdio};
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["repository", "outside", "clean"] {
            fs::create_dir(at(name)).unwrap();
        }
        let git = |arguments: &[&str], input: &str| {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
            command.current_dir(at("repository")).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{arguments:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "--quiet"], "");
        let outside = at("outside").display().to_string();
        let link = git(&["hash-object", "-w", "--stdin"], &outside);
        let blob = git(&["hash-object", "-w", "--stdin"], "evil");
        let inner = git(&["mktree"], &format!("100644 blob {blob}\tb\n"));
        let both = format!("120000 blob {link}\ta\n040000 tree {inner}\ta\n");
        let only = format!("120000 blob {link}\ta\n100755 blob {blob}\tc\n");
        let commit = |tree: &str| git(&["commit-tree", "-m", "x", &git(&["mktree"], tree)], "");
        let repository = Git::open(&at("repository"), &at("repository")).unwrap().unwrap();
        let refused = repository.check_out(&commit(&both), &at("clean")).unwrap_err();
        assert!(refused.starts_with("a cannot be written"), "{refused}");
        assert_eq!(fs::read_dir(at("outside")).unwrap().count(), 0);
        // A link by itself is one.
        fs::remove_dir_all(at("clean")).unwrap();
        fs::create_dir(at("clean")).unwrap();
        let sound = commit(&only);
        repository.check_out(&sound, &at("clean")).unwrap();
        assert_eq!(fs::read_link(at("clean/a")).unwrap(), at("outside"));
        let clean = Git::open(&at("clean"), &at("clean")).unwrap().unwrap();
        assert_eq!(clean.commit("HEAD"), Ok(sound.clone()));
        assert_eq!(clean.changed(&at("clean"), &sound), Ok(Vec::new()));
    }
}
