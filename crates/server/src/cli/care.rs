//! Arguments of the commands that take care of what is recorded.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use gathering_domain::ids::{ClusterId, OrganizationId, RequestId};
use gathering_domain::time::Timestamp;

use super::options::With;

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

/// Arguments of `dead-letters`.
#[derive(Debug, Args)]
pub struct DeadLetters {
    #[command(subcommand)]
    pub(crate) action: DeadLettersAction,
}

/// What is done with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersAction {
    /// Lists refused messages, the newest, with the reason of each
    #[command(after_help = "Example: gathering dead-letters list --since 2h --config /etc/gathering.toml")]
    List(With<ListLetters>),
    /// Sends refused messages again to the topics that they came from, each once
    #[command(
        after_help = "Example: gathering dead-letters replay --reason \"not in the allow list\" --dry-run"
    )]
    Replay(With<ReplayLetters>),
}

/// Which dead letters are meant.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Those whose reason has this in it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Those kept since then: a time such as 2026-03-01T11:30:00Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<Timestamp>,
    /// Those about this cluster, as far as they can be read
    #[arg(long, value_name = "UUID")]
    pub(crate) cluster: Option<ClusterId>,
}

/// Arguments of `dead-letters list`.
#[derive(Debug, Args)]
pub(crate) struct ListLetters {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The most that are listed, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// Prints one JSON object a letter, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `dead-letters replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayLetters {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Sends nothing; says how many would be sent
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Sends those once more that were sent again before
    #[arg(long)]
    pub(crate) again: bool,
}

/// A time, or how long ago it was.
pub(super) fn since(text: &str) -> Result<Timestamp, &'static str> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| SystemTime::now().checked_sub(ago));
    // Of longer ago there is nothing, and messages have no year before 0.
    ago.filter(|time| *time >= SystemTime::UNIX_EPOCH)
        .map(Timestamp::from)
        .ok_or("it has to be a time such as 2026-03-01T11:30:00Z, or how long ago, such as 30m, 2h or 7d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_as_such_or_as_how_long_ago() {
        assert_eq!(since("2026-03-01T11:30:00Z").unwrap().to_string(), "2026-03-01T11:30:00Z");
        assert!(since("2h").unwrap() < Timestamp::from(SystemTime::now()));
        for wrong in ["", "soon", "2500y", "300000y", "2"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
