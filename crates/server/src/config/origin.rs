//! Where a value of the configuration came from.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config/default.toml`.
    Default,
    /// What `gathering demo` sets.
    Demo,
    /// The configuration file.
    File(PathBuf),
    /// The file of the platform, which `ACG_CONFIG` names.
    Platform(PathBuf),
    /// A variable of the environment.
    Environment(String),
    /// `--set`.
    CommandLine,
}

impl Origin {
    /// Whether both are of one layer, so that neither stands over the other.
    pub(super) fn is_same_layer(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::Demo => f.write_str("the settings of the demo"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Platform(path) => write!(f, "the file {}, which ACG_CONFIG names", path.display()),
            Self::Environment(name) => write!(f, "the variable {name}"),
            Self::CommandLine => f.write_str("--set"),
        }
    }
}
