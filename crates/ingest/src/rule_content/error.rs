//! What makes a whole tree unusable.

use std::path::PathBuf;

/// Why a tree as a whole cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error("{} cannot be read ({source}); a rule content tree has config.yaml, external and internal", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is not usable: {problem}", path.display())]
    Config { path: PathBuf, problem: String },
}
