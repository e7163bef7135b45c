//! Arguments of `serve` and `demo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Which part of the service to run, so that the two scale apart
    #[arg(long, value_enum, default_value_t = Role::All)]
    pub(crate) role: Role,
    #[command(flatten)]
    pub(crate) supervision: Supervision,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Serves these result messages instead of its own, as recorded now; - is standard input
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) messages: Vec<PathBuf>,
    /// Serves the rule content of this tree instead of its own
    #[arg(long, value_name = "DIR")]
    pub(crate) content: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) supervision: Supervision,
}

/// How a program that starts this one finds out where it answers, and ends it.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Supervision {
    /// Prints one line on standard output once it answers, and nothing else: a JSON object that says where
    #[arg(long)]
    pub(crate) json: bool,
    /// Ends when standard input does, as on SIGTERM, so that it does not outlive the program that started it
    #[arg(long)]
    pub(crate) until_eof: bool,
}

/// The parts of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The API, and the Kafka consumer where `ingest.kafka.enabled` is set
    All,
    /// The API without the Kafka consumer
    Api,
    /// The Kafka consumer without the API
    Ingest,
}
