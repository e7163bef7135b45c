//! What makes a whole tree unusable.

use std::path::PathBuf;

/// Why a tree as a whole cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file or directory that every tree has cannot be read.
    #[error("{} cannot be read ({source}); a rule content tree has config.yaml, external and internal", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `config.yaml` is not what it has to be.
    #[error("{} is not usable: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What the YAML reader said.
        problem: String,
    },
}
