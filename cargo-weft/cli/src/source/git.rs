//! Reads objects of a git repository, and nothing of its work tree; `git` itself is spawned.
//!
//! A repository is as little trusted as any file: of the commands used here none runs a hook, a filter or a pager, and
//! what its configuration could still name, a remote that is asked for missing objects, is switched off.
//! Nothing of the user's or the system's configuration is read, so an answer depends on the repository alone.

mod object;
mod scratch;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, thread};

use super::cargo;
use super::sources::Mode;

/// The most that is read of one answer, in bytes.
const MAX_ANSWER: u64 = 64 << 20;

/// The largest source that is compared with a commit's, in bytes.
const MAX_SOURCE: usize = 1 << 30;

/// How much of standard error is kept.
const MAX_STDERR: u64 = 4 << 10;

/// A git repository: its git directory, or a work tree that has one.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    directory: PathBuf,
}

/// A file in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its path from the root of the commit's tree, with `/`.
    pub path: String,
    /// Its object id in hexadecimal.
    pub id: String,
}

/// What something in a commit or in the index is, its id and its path.
type Listed = (Mode, String, String);

impl Git {
    /// Opens the repository whose git directory or work tree `directory` is; `None` if it is neither.
    ///
    /// The program is looked for outside `checkout`.
    ///
    /// # Errors
    ///
    /// A sentence: there is a repository, and no git to read it with.
    pub fn open(directory: &Path, checkout: &Path) -> Result<Option<Self>, String> {
        let inner = directory.join(".git");
        let is_bare = || {
            directory.join("HEAD").is_file()
                && directory.join("objects").is_dir()
                && directory.join("refs").is_dir()
        };
        let git_directory = match inner.symlink_metadata().is_ok() {
            true => inner,
            false if is_bare() => directory.to_owned(),
            false => return Ok(None),
        };
        let program = cargo::find_program("git", checkout)
            .ok_or("it is a git repository, and no git is installed to read it")?;
        Ok(Some(Self { program, directory: git_directory }))
    }

    /// Returns the id of the commit that `revision` names.
    ///
    /// # Errors
    ///
    /// What git says.
    pub fn commit(&self, revision: &str) -> Result<String, String> {
        let wanted = format!("{revision}^{{commit}}");
        let answer =
            self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        let id = String::from_utf8_lossy(&answer).trim().to_owned();
        match is_id(&id) {
            true => Ok(id),
            false => Err("it has no such commit".to_owned()),
        }
    }

    /// Reads the contents of blobs, in their order, as long as they are no more than `total` bytes together.
    ///
    /// # Errors
    ///
    /// Those of [`Git::contents`].
    pub fn contents_within(
        &self,
        blobs: &[Blob],
        limit: usize,
        total: usize,
    ) -> Result<Vec<Vec<u8>>, String> {
        let (mut contents, mut left) = (Vec::new(), total);
        self.each_content(blobs, limit, |_, bytes| {
            let rest = left.checked_sub(bytes.len());
            left = rest.ok_or_else(|| format!("they are more than {total} bytes together"))?;
            contents.push(bytes.to_vec());
            Ok(())
        })?;
        Ok(contents)
    }

    /// Says whether a commit is another one, or one of those that it came of.
    ///
    /// # Errors
    ///
    /// What git says: one of them is not there.
    pub fn is_ancestor(&self, ancestor: &str, commit: &str) -> Result<bool, String> {
        let (ancestor, commit) = (self.commit(ancestor)?, self.commit(commit)?);
        let base = self.run(&["merge-base", &ancestor, &commit]);
        // Without anything in common git says nothing, and ends with a status of its own.
        Ok(base.is_ok_and(|base| String::from_utf8_lossy(&base).trim() == ancestor))
    }

    /// Demands that a revision names no more than one ref: whoever names a branch or a tag like another's ref would
    /// have it stand in for that.
    ///
    /// # Errors
    ///
    /// A sentence that names the refs; what git says.
    pub fn demand_one(&self, revision: &str) -> Result<(), String> {
        let name = revision.split(['^', '~', ':']).next().unwrap_or_default();
        let name = name.split("@{").next().unwrap_or_default();
        if name.is_empty() || name == "HEAD" || name == "@" || name.starts_with("refs/") {
            return Ok(());
        }
        let places = ["refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
        let mut candidates: Vec<String> =
            places.iter().map(|place| format!("{place}{name}")).collect();
        candidates.push(format!("refs/remotes/{name}/HEAD"));
        let mut arguments = vec!["for-each-ref", "--format=%(refname)", "--"];
        arguments.extend(candidates.iter().map(String::as_str));
        let answer = self.run(&arguments)?;
        let answer = String::from_utf8_lossy(&answer);
        let found: Vec<&str> =
            answer.lines().filter(|line| candidates.iter().any(|c| c == line)).collect();
        // A ref that is called like the beginning of an id stands in for the commit of that.
        let is_id = name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        match found[..] {
            [] => Ok(()),
            [_] if !is_id => Ok(()),
            [one] => Err(format!("{name} names {one}, and may be the beginning of an id")),
            _ => Err(format!("{name} names {}", found.join(" and "))),
        }
    }

    /// Returns the paths of everything that a commit has, its submodules' included where they are checked out, each with
    /// whether it is a link.
    ///
    /// # Errors
    ///
    /// What git says; a name that is not UTF-8.
    pub fn all(&self, work_tree: &Path, commit: &str) -> Result<BTreeMap<String, bool>, String> {
        let mut all = BTreeMap::new();
        for (mode, _, path) in self.entries(commit, "")? {
            if let Mode::Submodule(inner) = &mode
                && let Some(git) = Self::open(&work_tree.join(&path), &work_tree.join(&path))?
            {
                let inside = git.all(&work_tree.join(&path), inner)?;
                all.extend(inside.into_iter().map(|(name, link)| (format!("{path}/{name}"), link)));
            }
            all.insert(path, mode == Mode::Link);
        }
        Ok(all)
    }

    /// Returns the second since 1970 at which the committer made a commit.
    ///
    /// # Errors
    ///
    /// What git says.
    pub fn committed(&self, commit: &str) -> Result<i64, String> {
        let object = self.commit_text(commit)?;
        let header = object.lines().take_while(|line| !line.is_empty());
        let line = header.filter_map(|line| line.strip_prefix("committer ")).next();
        line.and_then(|line| line.rsplit(' ').nth(1)?.parse().ok())
            .ok_or_else(|| "its commit has no date".to_owned())
    }

    /// Lists the regular files of a commit below a folder, or all of them if it is empty, in git's order.
    ///
    /// # Errors
    ///
    /// What git says; a name that is not UTF-8.
    pub fn files(&self, commit: &str, folder: &str) -> Result<Vec<Blob>, String> {
        let files = self.entries(commit, folder)?.into_iter();
        let files = files.filter(|(mode, _, _)| matches!(mode, Mode::File | Mode::Executable));
        Ok(files.map(|(_, id, path)| Blob { path, id }).collect())
    }

    /// Lists the files that git tracks in a work tree, or would, with what they are; in git's order.
    ///
    /// # Errors
    ///
    /// What git says; a name that is not UTF-8.
    pub fn sources(&self, work_tree: &Path) -> Result<Vec<(String, Mode)>, String> {
        let staged = self.staged()?.into_iter();
        let mut sources: Vec<_> = staged.map(|(mode, _, path)| (path, mode)).collect();
        for path in self.untracked(work_tree)? {
            // A folder that is a repository of its own ends with a slash.
            if !path.ends_with('/') {
                sources.push((path, Mode::File));
            }
        }
        sources.dedup_by(|a, b| a.0 == b.0);
        Ok(sources)
    }

    /// Lists what the index has, with what it is and its id; in git's order.
    fn staged(&self) -> Result<Vec<Listed>, String> {
        let staged = self.run(&["ls-files", "--stage", "-z"])?;
        let mut entries = Vec::new();
        for line in lines(&staged) {
            let (description, path) = line?.split_once('\t').ok_or("git's list is odd")?;
            let mut words = description.split(' ');
            let (mode, id) = (words.next(), words.next().unwrap_or_default().to_owned());
            let mode = match mode {
                Some("100755") => Mode::Executable,
                Some("120000") => Mode::Link,
                Some("160000") => Mode::Submodule(id.clone()),
                _ => Mode::File,
            };
            entries.push((mode, id, path.to_owned()));
        }
        Ok(entries)
    }

    /// Lists the files that git tracks below a folder, which ends with a slash.
    ///
    /// # Errors
    ///
    /// What git says; a name that is not UTF-8.
    pub fn tracked(&self, folder: &str) -> Result<Vec<String>, String> {
        let tracked = self.run(&["ls-files", "-z"])?;
        let all =
            lines(&tracked).map(|line| line.map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|path| path.starts_with(folder)).collect())
    }

    /// Lists files of a work tree that a commit, which has these entries, does not have.
    ///
    /// The index is not asked what it tracks: whoever can write a cache of the repository can write that.
    fn besides(
        &self,
        work_tree: &Path,
        entries: &[Listed],
        arguments: &[&str],
    ) -> Result<Vec<String>, String> {
        let known: BTreeSet<&str> = entries.iter().map(|(_, _, path)| &**path).collect();
        let nothing = tempfile::tempdir().map_err(|e| format!("git cannot be asked: {e}"))?;
        let mut command = self.command_in(work_tree);
        command.env("GIT_INDEX_FILE", nothing.path().join("index"));
        command.args(["ls-files", "--others", "-z"]).args(arguments);
        let others = Self::answer(command)?;
        let others = lines(&others).map(|line| line.map(str::to_owned));
        // A folder that is a repository of its own ends with a slash.
        let is_known = |path: &String| known.contains(path.trim_end_matches('/'));
        others.filter(|path| !path.as_ref().is_ok_and(is_known)).collect()
    }

    /// Lists the files that git would track, by the tree's own `.gitignore` alone: what one machine or one clone passes
    /// over beside that, another does not.
    fn untracked(&self, work_tree: &Path) -> Result<Vec<String>, String> {
        let arguments = ["ls-files", "--others", "--exclude-per-directory=.gitignore", "-z"];
        let others = self.run_in(work_tree, &arguments)?;
        lines(&others).map(|line| line.map(str::to_owned)).collect()
    }

    /// Lists paths that are not in the work tree as a commit has them.
    ///
    /// # Errors
    ///
    /// What git says; a name that is not UTF-8.
    pub fn changed(&self, work_tree: &Path, commit: &str) -> Result<Vec<String>, String> {
        self.differs(work_tree, self.entries(commit, "")?)
    }

    /// Lists the same, and files that the commit does not have and that say which others git passes over: what they hide,
    /// a build may find.
    ///
    /// # Errors
    ///
    /// What git says; a name that is not UTF-8.
    pub fn astray(&self, work_tree: &Path, commit: &str) -> Result<Vec<String>, String> {
        let entries = self.entries(commit, "")?;
        let hiding = self.besides(work_tree, &entries, &["--", ":(glob)**/.gitignore"])?;
        let mut astray = self.differs(work_tree, entries)?;
        astray.extend(hiding);
        Ok(astray)
    }

    fn differs(&self, work_tree: &Path, entries: Vec<Listed>) -> Result<Vec<String>, String> {
        let arguments = ["--exclude-per-directory=.gitignore"];
        let mut changed = self.besides(work_tree, &entries, &arguments)?;
        let staged = self.staged()?;
        if staged != entries {
            let (one, other): (BTreeSet<_>, BTreeSet<_>) =
                (staged.iter().collect(), entries.iter().collect());
            changed.extend(one.symmetric_difference(&other).map(|(_, _, path)| path.clone()));
        }
        let (mut blobs, mut modes) = (Vec::new(), Vec::new());
        for (mode, id, path) in entries {
            match mode {
                Mode::Submodule(wanted) if !is_submodule(&work_tree.join(&path), &wanted) => {
                    changed.push(path);
                }
                Mode::Submodule(_) => {}
                mode => {
                    blobs.push(Blob { id, path });
                    modes.push(mode);
                }
            }
        }
        self.each_content(&blobs, MAX_SOURCE, |index, content| {
            let path = &blobs[index].path;
            if !is_as(&work_tree.join(path), &modes[index], content) {
                changed.push(path.clone());
            }
            Ok(())
        })?;
        changed.sort();
        changed.dedup();
        Ok(changed)
    }

    /// Lists the symbolic links of a commit.
    ///
    /// # Errors
    ///
    /// What git says; a name that is not UTF-8.
    pub fn links(&self, commit: &str) -> Result<Vec<String>, String> {
        let links = self.entries(commit, "")?.into_iter();
        Ok(links.filter(|(mode, _, _)| *mode == Mode::Link).map(|(_, _, path)| path).collect())
    }

    /// Runs a command and returns what it prints.
    ///
    /// # Errors
    ///
    /// The first line of what it says on standard error.
    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        Self::answer(self.command(arguments))
    }

    /// Runs a command that looks at a work tree; what could be run of its own configuration is switched off.
    fn run_in(&self, work_tree: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let mut command = self.command_in(work_tree);
        command.args(arguments);
        Self::answer(command)
    }

    fn command_in(&self, work_tree: &Path) -> Command {
        let mut command = self.command(&[]);
        command.arg("--work-tree").arg(work_tree).current_dir(work_tree);
        command
    }

    fn answer(mut command: Command) -> Result<Vec<u8>, String> {
        let failed = |e: io::Error| format!("git cannot be run: {e}");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let stderr = child.stderr.take();
        let said = thread::spawn(move || {
            let mut said = Vec::new();
            if let Some(mut stderr) = stderr {
                _ = stderr.by_ref().take(MAX_STDERR).read_to_end(&mut said);
                _ = io::copy(&mut stderr, &mut io::sink());
            }
            said
        });
        let mut answer = Vec::new();
        let mut whole = Ok(0);
        if let Some(stdout) = child.stdout.take() {
            whole = stdout.take(MAX_ANSWER + 1).read_to_end(&mut answer);
        }
        let status = child.wait().map_err(failed)?;
        let said = said.join().unwrap_or_default();
        whole.map_err(failed)?;
        if answer.len() as u64 > MAX_ANSWER {
            return Err("git's answer is too long".to_owned());
        }
        match status.success() {
            true => Ok(answer),
            false => {
                let said = String::from_utf8_lossy(&said);
                let line = said.lines().next().unwrap_or("it has no such object");
                Err(line.trim_start_matches("fatal: ").to_owned())
            }
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--git-dir")
            .arg(&self.directory)
            .args(["-c", "safe.directory=*", "-c", "protocol.allow=never", "--no-pager"])
            // What looks at the index would start a program that the repository names.
            .args(["-c", "core.fsmonitor=false"])
            .args(arguments)
            .env_clear()
            .envs(["PATH", "SYSTEMROOT", "SystemRoot"].iter().filter_map(|name| {
                let value = env::var_os(name)?;
                Some((*name, value))
            }))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", if cfg!(windows) { "NUL" } else { "/dev/null" })
            .env("GIT_ALLOW_PROTOCOL", "")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C");
        command
    }
}

/// Splits a list that ends each line with a zero byte.
fn lines(answer: &[u8]) -> impl Iterator<Item = Result<&str, String>> {
    let lines = answer.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    lines.map(|line| str::from_utf8(line).map_err(|_| "a file's name is not UTF-8".to_owned()))
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
/// Says whether what is at a path is of this kind, with this content; for a link that is its target.
fn is_as(path: &Path, mode: &Mode, content: &[u8]) -> bool {
    let Ok(metadata) = path.symlink_metadata() else { return false };
    match mode {
        Mode::Link => std::fs::read_link(path)
            .is_ok_and(|target| target.to_string_lossy().as_bytes() == content),
        Mode::File | Mode::Executable => {
            metadata.is_file()
                && is_executable(&metadata).is_none_or(|is| is == (*mode == Mode::Executable))
                && std::fs::read(path).is_ok_and(|bytes| bytes == content)
        }
        Mode::Submodule(_) => false,
    }
}

/// Says whether a file may be executed, where there is such a thing.
fn is_executable(metadata: &std::fs::Metadata) -> Option<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Some(metadata.permissions().mode() & 0o100 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

/// Says whether a submodule is at a commit, without changes, or not checked out at all.
fn is_submodule(path: &Path, wanted: &str) -> bool {
    if path.join(".git").symlink_metadata().is_err() {
        return std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    }
    let Ok(Some(git)) = Git::open(path, path) else { return false };
    git.commit("HEAD").is_ok_and(|commit| commit == wanted)
        && git.astray(path, wanted).is_ok_and(|astray| astray.is_empty())
}
