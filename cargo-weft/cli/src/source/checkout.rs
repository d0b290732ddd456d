//! The repository that is judged, and what lies outside of it.
//!
//! Whoever writes a tree can put a link or a repository of their own into it; neither may stand in for what was checked
//! out, nor count as a place that the tree cannot change.

use std::path::{Path, PathBuf};

use super::files;
use super::git::Git;

/// Opens the nearest repository that a directory lies in, and says where its top is.
///
/// # Errors
///
/// A sentence: there is no repository, or no git to read it with.
pub fn nearest(root: &Path) -> Result<(&Path, Git), String> {
    let top = top(root).ok_or("there is no git repository here or above")?;
    let git = Git::open(top, top)?.ok_or("there is no git repository here or above")?;
    Ok((top, git))
}

/// Opens the repository that a directory lies in, which is the only one there.
///
/// A repository inside of another is what the outer one says it is: its commits and branches are those of whoever wrote
/// the outer tree.
///
/// # Errors
///
/// Those of [`nearest`], and that another repository lies around it; a home directory that is one does not count.
pub fn repository(root: &Path) -> Result<(&Path, Git), String> {
    let (top, git) = nearest(root)?;
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    let is_home = |above: &Path| home.as_ref().is_some_and(|home| home.starts_with(above));
    let mut above = top.ancestors().skip(1);
    let is_around =
        |above: &&Path| has_repository(above) && !is_home(above) && !is_work_tree_of(top, above);
    match above.find(is_around) {
        None => Ok((top, git)),
        Some(_) => Err("the workspace lies in a repository that lies in another one, which says what it is; judge the outer one".to_owned()),
    }
}

/// Demands that no link leads from the outermost repository around a path to that path.
///
/// # Errors
///
/// A sentence that names the link.
pub fn demand_straight(path: &Path) -> Result<(), String> {
    let path = lexical(path);
    let Some(outermost) = path.ancestors().filter(|above| has_repository(above)).last() else {
        return Ok(());
    };
    let inside = path.ancestors().take_while(|above| *above != outermost);
    match inside.filter(|part| is_link(part)).last() {
        None => Ok(()),
        Some(link) => {
            let link = link.strip_prefix(outermost).unwrap_or(link);
            Err(format!(
                "{} is a link, and what it leads to may be another project",
                link.display()
            ))
        }
    }
}

/// Says whether a path lies outside of the repository around `root`, by its name and by where it leads: only there what
/// is judged cannot change it.
pub fn is_outside(path: &Path, root: &Path) -> bool {
    let top = top(root).unwrap_or(root);
    let (Ok(real), Ok(real_top)) = (path.canonicalize(), top.canonicalize()) else { return false };
    let named = lexical(path);
    !real.starts_with(&real_top)
        && !named.starts_with(&real_top)
        && !named.starts_with(lexical(top))
}

/// Says whether a directory is a further work tree of the repository around it: git writes that into a file that no tree
/// can hold.
fn is_work_tree_of(inner: &Path, outer: &Path) -> bool {
    let named = files::read_bounded(&inner.join(".git"), 4096).ok();
    let named = named.and_then(|bytes| String::from_utf8(bytes).ok());
    let git =
        named.and_then(|text| inner.join(text.strip_prefix("gitdir:")?.trim()).canonicalize().ok());
    let all = outer.join(".git/worktrees").canonicalize();
    matches!((git, all), (Some(git), Ok(all)) if git.starts_with(&all))
}

/// Returns the top of the nearest repository.
fn top(root: &Path) -> Option<&Path> {
    root.ancestors().find(|above| has_repository(above))
}

fn has_repository(directory: &Path) -> bool {
    directory.join(".git").symlink_metadata().is_ok()
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_symlink())
}

/// Returns a path as it is written, from the root of the file system on.
///
/// A shell says by which way it came here, and the operating system where that is.
fn lexical(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let way = std::env::var_os("PWD").map(PathBuf::from);
    let way =
        way.filter(|way| way.is_absolute() && way.canonicalize().is_ok_and(|real| real == here));
    files::normal(&way.unwrap_or(here).join(path))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_of_the_tree_leads_to_no_place_that_the_tree_cannot_change() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["tree/.git", "tree/ws", "outside"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        fs::write(at("outside/roles.toml"), "").unwrap();
        symlink(at("outside"), at("tree/link")).unwrap();
        symlink(at("tree"), at("way")).unwrap();
        let root = at("tree/ws");
        assert!(is_outside(&at("outside/roles.toml"), &root));
        for inside in ["tree/link/roles.toml", "tree/ws", "way/ws", "outside/no-such"] {
            assert!(!is_outside(&at(inside), &root), "{inside}");
        }
        assert!(demand_straight(&root).is_ok());
        assert!(demand_straight(&at("outside")).is_ok());
        assert!(demand_straight(&at("tree/link")).unwrap_err().starts_with("link is a link"));
    }

    #[test]
    fn a_repository_in_a_repository_is_what_the_outer_one_says() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("outer/inner");
        fs::create_dir_all(inner.join(".git")).unwrap();
        assert!(repository(&inner).is_ok());
        fs::create_dir(directory.path().join("outer/.git")).unwrap();
        assert!(repository(&inner).is_err());
        assert_eq!(nearest(&inner).unwrap().0, inner);
    }
}
