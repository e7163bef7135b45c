//! Arguments of the commands that take care of what is recorded.

use std::path::PathBuf;

use clap::Args;
use gathering_domain::ids::{ClusterId, OrganizationId, RequestId};

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write; it is there once it is whole
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Takes the place of a file that is there
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// Arguments of `erase`.
#[derive(Debug, Args)]
pub struct Erase {
    /// The organization, from 1 to 4294967295
    #[arg(long, value_name = "N")]
    pub(crate) org: OrganizationId,
    /// Erases what is recorded of this cluster of it, and leaves the others
    #[arg(long, value_name = "UUID")]
    pub(crate) cluster: Option<ClusterId>,
    /// Erases nothing; says how much would be
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The cluster
    #[arg(long, value_name = "UUID")]
    pub(crate) cluster: ClusterId,
    /// Shows this request, with its rule hits, and no other
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<RequestId>,
    /// The most requests of an organization, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// Prints one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
}
