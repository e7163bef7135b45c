//! `gathering dead-letters`

use std::fmt::Write;

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::time::Timestamp;
use gathering_ingest::kafka::{KafkaError, KafkaSettings, KeptLetters, Letter, LetterFilter};
use gathering_support::visible;
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::audit::{Of, audit};
use super::console::{print, print_error};
use super::progress::watched;
use super::runtime::block_on;
use crate::ServerError;
use crate::cli::{ListLetters, ReplayLetters, Which};
use crate::config::Config;

const NO_KAFKA: &str = "dead letters are in Kafka: set ingest.kafka.enabled = true, as for the consumer";

pub(super) fn list(config: &Config, arguments: ListLetters) -> Result<(), ServerError> {
    let of = Of { cluster: arguments.which.cluster, ..Of::default() };
    let (filter, most) = (filter(arguments.which), arguments.limit as usize);
    let listed = ask(config, !arguments.json, move |letters| letters.list(&filter, most));
    let listed = listed.inspect_err(|_| audit("dead-letters.list", of, "failed"))?;
    audit("dead-letters.list", of, &format!("{} letters", listed.letters.len()));
    if arguments.json {
        return listed.letters.iter().try_for_each(|letter| print(json(letter)));
    }
    print(listed.letters.iter().map(text).collect::<String>())?;
    let few = listed.letters.len() as u64;
    print_error(match (listed.total, few) {
        (0, _) => "no dead letter fits".to_owned(),
        (total, few) if total > few => format!("these are the newest {few} of {total}; --limit shows more"),
        (total, _) => format!("{total} in all"),
    });
    Ok(())
}

pub(super) fn replay(config: &Config, arguments: ReplayLetters) -> Result<(), ServerError> {
    let ReplayLetters { which, dry_run, again } = arguments;
    let of = Of { cluster: which.cluster, ..Of::default() };
    let filter = filter(which);
    if !dry_run {
        // If it is killed, this stands.
        audit("dead-letters.replay", of, "begun");
    }
    let replayed = ask(config, true, move |letters| letters.replay(&filter, again, dry_run));
    let counts = replayed.inspect_err(|error| audit("dead-letters.replay", of, &failed(error)))?;
    let sent = if dry_run { "would send" } else { "sent" };
    let mut line = format!("{sent} {} again", counts.sent);
    if counts.before > 0 {
        // Writing to a String does not fail.
        let _ = write!(line, "; {} were sent again before (--again sends them once more)", counts.before);
    }
    if counts.elsewhere > 0 {
        let _ = write!(line, "; {} came from topics that are not read any more", counts.elsewhere);
    }
    audit("dead-letters.replay", of, &line);
    print(line + "\n")
}

/// What the audit says of a replay that failed.
fn failed(error: &ServerError) -> String {
    match error {
        ServerError::Kafka(KafkaError::ReplayStopped { sent, .. }) => format!("failed, sent {sent} again"),
        _ => "failed".to_owned(),
    }
}

fn filter(which: Which) -> LetterFilter {
    let Which { reason, since, cluster } = which;
    LetterFilter { reason, since, cluster }
}

/// Asks the topic on a thread of its own: its client blocks.
fn ask<T: Send + 'static>(
    config: &Config,
    shows_progress: bool,
    work: impl FnOnce(&KeptLetters) -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, ServerError> {
    let settings: KafkaSettings = config.kafka_settings().ok_or(ServerError::Usage(NO_KAFKA))?;
    block_on(async {
        let work = spawn_blocking(move || work(&KeptLetters::open(&settings)?));
        let line = || "reading the dead letter topic".to_owned();
        let asked = if shows_progress { watched(line, work).await } else { work.await };
        Ok(asked.map_err(ServerError::system("the topic cannot be asked"))??)
    })
}

fn text(letter: &Letter) -> String {
    let unknown = || "-".to_owned();
    let shown = |id: Option<String>| id.unwrap_or_else(unknown);
    let replayed = if letter.is_replayed { "  sent again" } else { "" };
    format!(
        "{}/{}  {}  organization {}  cluster {}  request {}{replayed}\n    {}\n",
        letter.partition,
        letter.offset,
        shown(letter.kept.map(|time| time.to_string())),
        shown(letter.organization.map(|id| id.to_string())),
        shown(letter.cluster.map(|id| id.to_string())),
        shown(letter.request.as_deref().map(visible)),
        visible(letter.reason.as_deref().unwrap_or("no reason is given")),
    )
}

fn json(letter: &Letter) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        partition: i32,
        offset: i64,
        kept: Option<Timestamp>,
        topic: &'a str,
        outcome: Option<&'a str>,
        reason: Option<&'a str>,
        organization: Option<OrganizationId>,
        cluster: Option<ClusterId>,
        request_id: Option<&'a str>,
        replayed: bool,
    }
    let line = Line {
        partition: letter.partition,
        offset: letter.offset,
        kept: letter.kept,
        topic: &letter.topic,
        outcome: letter.outcome.as_deref(),
        reason: letter.reason.as_deref(),
        organization: letter.organization,
        cluster: letter.cluster,
        request_id: letter.request.as_deref(),
        replayed: letter.is_replayed,
    };
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}
