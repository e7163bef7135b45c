//! Which directories of a tree are rules, and which are their keys.

use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

use super::TreeError;

/// A directory with a `plugin.yaml`. Paths start at the root of the tree.
pub(super) struct RuleFiles {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) keys: Vec<KeyFiles>,
}

/// A directory in that of a rule.
pub(super) struct KeyFiles {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

/// The rules below a directory, at any depth, in the order of their names. There are none inside a rule.
pub(super) fn rules(root: &Path, directory: &Path) -> Result<Vec<RuleFiles>, TreeError> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let mut inner = Vec::new();
        for (path, name) in directories(root, &directory)? {
            if root.join(&path).join("plugin.yaml").is_file() {
                let keys = directories(root, &path)?;
                let keys = keys.into_iter().map(|(path, name)| KeyFiles { path, name }).collect();
                found.push((path.clone(), RuleFiles { path, name, keys }));
            } else {
                inner.push(path);
            }
        }
        open.extend(inner);
    }
    // Paths compare part by part, which is the order of a walk that goes into each directory when it meets it.
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(found.into_iter().map(|(_, rule)| rule).collect())
}

/// The directories in one, as paths from the root with their names. A link is none: it could lead anywhere.
fn directories(root: &Path, directory: &Path) -> Result<Vec<(PathBuf, String)>, TreeError> {
    let path = root.join(directory);
    let list = || -> io::Result<Vec<DirEntry>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                found.push(entry);
            }
        }
        found.sort_by_key(DirEntry::file_name);
        Ok(found)
    };
    let entries = list().map_err(|source| TreeError::Read { path: path.clone(), source })?;
    Ok(entries
        .into_iter()
        .map(|entry| (directory.join(entry.file_name()), entry.file_name().to_string_lossy().into_owned()))
        .collect())
}
