//! Filling the demo's database: with its own data, or with somebody's messages and rule content.

use std::path::PathBuf;
use std::sync::Arc;

use gathering_domain::event::{EventKind, RequestEvent};
use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::intake::{MessageOutcome, MessageRecord};
use gathering_domain::store::{EventSink, StoreError};
use gathering_domain::time::{Clock, ManualClock};
use gathering_ingest::{Importer, Intake};
use gathering_storage::Storage;
use indicatif::ProgressBar;

use super::folder::DemoFiles;
use super::records::{ORGANIZATION, broken, outstanding_result, requests};
use crate::ServerError;
use crate::cli::Demo;
use crate::commands::console::print_error;
use crate::commands::import_content;
use crate::commands::import_results::{Source, bar_over, complain, listed};
use crate::config::Config;
use crate::preparation;
use crate::service::Environment;

/// The file with the result that is yet to come.
pub(super) const OUTSTANDING: &str = "result.json";

/// What the demo has to show.
pub(super) struct Loaded {
    /// Whose data it is: the organization of the token.
    pub(super) organization: OrganizationId,
    pub(super) shown: Shown,
}

/// Which data it is.
pub(super) enum Shown {
    /// The demo's own.
    Own,
    /// That of messages: the first request of the organization, if there is any.
    Messages(Option<(ClusterId, String)>),
}

/// Makes the database, and gives it rule content: that of a tree, or the demo's own.
pub(super) async fn prepare(
    config: &Config,
    files: &DemoFiles,
    tree: Option<&PathBuf>,
    environment: &Environment,
) -> Result<Storage, ServerError> {
    let tree = tree.cloned().map_or_else(|| files.rule_content(), Ok)?;
    // A tree without any content is something to try as well.
    let content = import_content::load(&tree)?;
    preparation::prepare_schema(config).await?;
    let storage = Storage::open(&config.storage_settings(), Arc::clone(&environment.clock))?;
    import_content::replace(&storage, content, ProgressBar::hidden()).await?;
    Ok(storage)
}

/// Records each request at the time that it is to have been changed at.
pub(super) async fn load_own(
    config: &Config,
    files: &DemoFiles,
    environment: &Environment,
) -> Result<Loaded, ServerError> {
    let now = environment.clock.now();
    let requests = requests(now, config.storage.retention).map_err(broken)?;
    let oldest = requests.first().map_or(now, |request| request.changed_at);
    let clock = Arc::new(ManualClock::at(oldest));
    let storage = Storage::open(&config.storage_settings(), Arc::clone(&clock) as Arc<dyn Clock>)?;
    let intake =
        Intake::new(storage.clone(), Arc::clone(&clock) as Arc<dyn Clock>, None, environment.records.clone());
    let mut importer = Importer::new(&intake);
    for request in requests {
        clock.advance(request.changed_at.saturating_duration_since(clock.now()));
        if let Some(result) = request.result {
            let message = result.to_string();
            importer.import("the demo's data", message.as_bytes(), |_, _| ()).await.map_err(refused)?;
        } else {
            // Files hold no announcements.
            let (key, received_at) = (request.key, request.gathered_at);
            let event = RequestEvent { key, received_at, kind: EventKind::Announced };
            storage.store(vec![event]).await.map_err(refused)?;
        }
    }
    files.write(OUTSTANDING, &outstanding_result(now).map_err(broken)?.to_string())?;
    Ok(Loaded { organization: ORGANIZATION.parse().map_err(broken)?, shown: Shown::Own })
}

/// Imports files of messages, as `import results` does. The token is for the organization that comes first in them.
pub(super) async fn load_messages(
    storage: &Storage,
    environment: &Environment,
    arguments: &Demo,
) -> Result<Loaded, ServerError> {
    let (clock, records) = (Arc::clone(&environment.clock), environment.records.clone());
    let intake = Intake::new(storage.clone(), clock, None, records);
    let (mut importer, mut first) = (Importer::new(&intake), None);
    let is_quiet = arguments.supervision.json;
    let bar = if is_quiet { ProgressBar::hidden() } else { bar_over(&arguments.messages) };
    for path in &arguments.messages {
        let name = path.display().to_string();
        let each = |number, record: &MessageRecord| {
            bar.suspend(|| complain(&name, number, record));
            if first.is_none() {
                first = recorded(record);
            }
        };
        importer.import(&name, bar.wrap_read(Source::open(path)), each).await.map_err(refused)?;
    }
    bar.finish_and_clear();
    let counts = importer.counts();
    match counts.count(MessageOutcome::Rejected) {
        0 => {}
        rejected => return Err(ServerError::Rejected(rejected)),
    }
    if !is_quiet {
        print_error(format!("{}: {}", names(&arguments.messages), listed(counts)));
    }
    let (organization, request) = match first {
        Some((organization, request)) => (organization, Some(request)),
        None => (ORGANIZATION.parse().map_err(broken)?, None),
    };
    Ok(Loaded { organization, shown: Shown::Messages(request) })
}

/// Whose request a message was recorded for, and which one.
fn recorded(record: &MessageRecord) -> Option<(OrganizationId, (ClusterId, String))> {
    let is_recorded = matches!(record.outcome, MessageOutcome::Stored | MessageOutcome::Failed);
    let request = is_recorded.then(|| record.request.clone()).flatten();
    Some((record.organization?, (record.cluster?, request?)))
}

fn names(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

const fn refused(source: StoreError) -> ServerError {
    ServerError::Store { what: "demo data", source }
}
