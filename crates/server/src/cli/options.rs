//! What every command takes.

use std::path::PathBuf;

use clap::Args;

/// What every command takes, anywhere on the line.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// The configuration file; without it, the one that the variable `GATHERING_CONFIG` names
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Sets one key of the configuration; VALUE is TOML, and a bare word is a text
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) assignments: Vec<String>,
}

impl Options {
    /// These options and then those further right on the line.
    #[must_use]
    pub(crate) fn and(mut self, inner: Self) -> Self {
        self.config = inner.config.or(self.config);
        self.assignments.extend(inner.assignments);
        self
    }
}

/// A command's own arguments with the options that every command takes.
#[derive(Debug, Args)]
pub struct With<A: Args> {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    pub(crate) arguments: A,
}
