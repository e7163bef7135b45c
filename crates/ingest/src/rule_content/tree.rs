//! The directories of a tree: which are rules, and which are their keys.

use std::path::{Path, PathBuf};

use super::error::TreeError;
use super::findings::{LeftOut, LeftOutReason};

/// A directory with a `plugin.yaml`. Paths start at the root of the tree.
pub(super) struct RuleFiles {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// Names of the files in it.
    pub(super) files: Vec<String>,
    pub(super) keys: Vec<KeyFiles>,
}

/// A directory within that of a rule.
pub(super) struct KeyFiles {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// Names of the files in it.
    pub(super) files: Vec<String>,
}

/// What was found below a directory.
#[derive(Default)]
pub(super) struct Scan {
    /// Rules at any depth, in the order of their names. There are none inside a rule.
    pub(super) rules: Vec<RuleFiles>,
    /// Directories that look like a rule, and links that may lead to one.
    pub(super) left_out: Vec<LeftOut>,
}

/// A directory that is still to be read.
struct Place {
    path: PathBuf,
    name: String,
    /// Whether it lies in one that was left out already.
    in_left_out: bool,
}

/// Finds the rules below a directory.
pub(super) fn scan(root: &Path, directory: &Path) -> Result<Scan, TreeError> {
    let mut scan = Scan::default();
    let mut open = Vec::new();
    let top = Listing::read(root, directory)?;
    top.open(false, &mut open, &mut scan);
    while let Some(Place { path, name, mut in_left_out }) = open.pop() {
        let listing = Listing::read(root, &path)?;
        if root.join(&path).join(PLUGIN).is_file() {
            scan.left_out_links(listing.links);
            let keys = listing.directories.into_iter();
            let keys = keys.map(|(path, name)| KeyFiles { files: names(root, &path), path, name }).collect();
            scan.rules.push(RuleFiles { path, name, files: listing.files, keys });
            continue;
        }
        if !in_left_out && listing.is_like_a_rule(root) {
            in_left_out = true;
            scan.left_out.push(LeftOut { path, reason: LeftOutReason::NoPlugin });
        }
        listing.open(in_left_out, &mut open, &mut scan);
    }
    // Paths compare part by part, which is the order of a walk that goes into each directory when it meets it.
    scan.rules.sort_by(|left, right| left.path.cmp(&right.path));
    scan.left_out.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(scan)
}

/// What makes a directory a rule, what makes one a key, and their texts.
pub(super) const PLUGIN: &str = "plugin.yaml";
pub(super) const METADATA: &str = "metadata.yaml";
pub(super) const GENERIC: &str = "generic.md";
pub(super) const REASON: &str = "reason.md";

impl Scan {
    /// Leaves out what the links at these places lead to.
    fn left_out_links(&mut self, paths: Vec<PathBuf>) {
        let one = |path| LeftOut { path, reason: LeftOutReason::Link };
        self.left_out.extend(paths.into_iter().map(one));
    }
}

/// The entries of a directory, in the order of their names.
#[derive(Default)]
struct Listing {
    /// Paths from the root with their names.
    directories: Vec<(PathBuf, String)>,
    /// Links to directories and to nothing. They could lead anywhere.
    links: Vec<PathBuf>,
    files: Vec<String>,
}

impl Listing {
    fn read(root: &Path, directory: &Path) -> Result<Self, TreeError> {
        let path = root.join(directory);
        Self::try_read(&path, directory).map_err(|source| TreeError::Read { path, source })
    }

    fn try_read(path: &Path, directory: &Path) -> std::io::Result<Self> {
        let mut listing = Self::default();
        for entry in std::fs::read_dir(path)? {
            let (entry, name) = entry.map(|entry| (entry.file_type(), entry.file_name()))?;
            let (own, kind) = (directory.join(&name), entry?);
            let name = name.to_string_lossy().into_owned();
            if kind.is_dir() {
                listing.directories.push((own, name));
            } else if kind.is_symlink() && !path.join(&name).is_file() {
                listing.links.push(own);
            } else {
                listing.files.push(name);
            }
        }
        listing.directories.sort();
        listing.links.sort();
        listing.files.sort();
        Ok(listing)
    }

    /// Whether this looks like a rule whose `plugin.yaml` is missing: it has files that rules or keys have, or directories that
    /// are keys.
    fn is_like_a_rule(&self, root: &Path) -> bool {
        let own = [PLUGIN, METADATA, GENERIC, REASON];
        let is_own = |name: &String| own.into_iter().any(|own| own == name || is_almost(name, own));
        let is_key = |(path, _): &(PathBuf, String)| {
            let has = |name| root.join(path).join(name).is_file();
            has(METADATA) && !has(PLUGIN)
        };
        self.files.iter().any(is_own) || self.directories.iter().any(is_key)
    }

    fn open(self, in_left_out: bool, open: &mut Vec<Place>, scan: &mut Scan) {
        open.extend(self.directories.into_iter().map(|(path, name)| Place { path, name, in_left_out }));
        scan.left_out_links(self.links);
    }
}

/// The names of the files in a directory; none if it cannot be read, which shows when its files are.
fn names(root: &Path, directory: &Path) -> Vec<String> {
    Listing::read(root, directory).map(|listing| listing.files).unwrap_or_default()
}

/// Whether a name differs from one that is read in letter case only, or in `.yml` for `.yaml`.
pub(super) fn is_almost(name: &str, read: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".yml");
    name != read && (lower == read || stem.is_some() && stem == read.strip_suffix(".yaml"))
}
