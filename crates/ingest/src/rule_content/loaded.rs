//! The outcome of loading a tree: content, and findings about what is left out or odd.

use std::path::{Path, PathBuf};

use gathering_domain::content::RuleContentSet;

use super::findings::{LeftOut, LeftOutReason, Oddity, Warning};
use super::tree::{self, GENERIC, METADATA, PLUGIN, REASON, RuleFiles};

/// The content of a tree, with the findings in it.
#[derive(Debug, Default)]
pub struct LoadedContent {
    pub content: RuleContentSet,
    /// The number of rules with at least one key in `content`.
    pub rules: usize,
    pub left_out: Vec<LeftOut>,
    pub warnings: Vec<Warning>,
}

impl LoadedContent {
    pub(super) fn left_out(&mut self, path: PathBuf, reason: LeftOutReason) {
        self.left_out.push(LeftOut { path, reason });
    }

    pub(super) fn warn(&mut self, path: &Path, oddities: impl IntoIterator<Item = Oddity>) {
        let one = |oddity| Warning { path: path.to_owned(), oddity };
        self.warnings.extend(oddities.into_iter().map(one));
    }

    /// Warns of files whose names are almost those that are read.
    pub(super) fn warn_of_names(&mut self, rule: &RuleFiles) {
        self.warn(&rule.path, odd_names(&rule.files, [PLUGIN, GENERIC, REASON]));
        for key in &rule.keys {
            self.warn(&key.path, odd_names(&key.files, [METADATA, GENERIC, REASON]));
        }
    }
}

fn odd_names(files: &[String], read: [&'static str; 3]) -> Vec<Oddity> {
    let missing = read.into_iter().filter(|read| files.iter().all(|name| name != read));
    missing
        .flat_map(|meant| {
            let almost = files.iter().filter(move |name| tree::is_almost(name, meant));
            almost.map(move |found| Oddity::FileName { found: found.clone(), meant })
        })
        .collect()
}
