//! `gathering import results`

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gathering_domain::intake::{MessageOutcome, MessageRecord, OutcomeCounts};
use gathering_domain::time::SystemClock;
use gathering_domain::wait::Waiters;
use gathering_ingest::{Importer, Intake, RecordCounters};
use gathering_storage::Storage;
use indicatif::ProgressBar;
use serde::Serialize;

use super::audit::{Of, audit};
use super::console::{print, print_error};
use super::progress;
use super::runtime::block_on;
use crate::cli::ImportResults;
use crate::config::Config;
use crate::{ServerError, preparation};

pub(super) fn run(config: &Config, arguments: &ImportResults) -> Result<(), ServerError> {
    block_on(import(config, arguments))
}

async fn import(config: &Config, arguments: &ImportResults) -> Result<(), ServerError> {
    let allow_list = preparation::allow_list(config)?;
    preparation::prepare_schema(config).await?;
    let storage = Storage::open(&config.storage_settings(), Arc::new(SystemClock))?;
    let counters = RecordCounters::new().map_err(ServerError::system("the metrics cannot be set up"))?;
    let intake =
        Intake::new(storage.batch_writer(&Waiters::nobody()), Arc::new(SystemClock), allow_list, counters);
    let mut importer = Importer::new(&intake);
    let progress = if arguments.json { ProgressBar::hidden() } else { bar_over(&arguments.files) };

    // Somebody who stops reading what is printed does not stop the import.
    let mut written = Ok(());
    for path in &arguments.files {
        let name = path.display().to_string();
        let stored = importer
            .import(&name, progress.wrap_read(Source::open(path)), |number, record| {
                if !arguments.json {
                    progress.suspend(|| complain(&name, number, record));
                } else if written.is_ok() {
                    written = print(line(&name, number, record));
                }
            })
            .await;
        if let Err(source) = stored {
            progress.finish_and_clear();
            print_error(format!("{name}: stored up to here: {}", listed(importer.counts())));
            return Err(ServerError::Store { what: "records", source });
        }
    }
    progress.finish_and_clear();
    let counts = importer.counts();
    audit("import.results", Of::default(), &listed(counts));
    if !arguments.json {
        written = print(listed(counts) + "\n");
    }
    match counts.count(MessageOutcome::Rejected) {
        0 => written,
        rejected => Err(ServerError::Rejected(rejected)),
    }
}

/// `stored N, failed N, skipped N, rejected N`
pub(super) fn listed(counts: OutcomeCounts) -> String {
    MessageOutcome::ALL.map(|outcome| format!("{outcome} {}", counts.count(outcome))).join(", ")
}

/// A file, standard input, or the error that opening it gave: a file that is not there is one record that cannot be
/// read, and the files after it are imported all the same.
pub(super) enum Source {
    File(File),
    StandardInput,
    Broken(Option<io::Error>),
}

impl Source {
    pub(super) fn open(path: &Path) -> Self {
        if path == Path::new("-") {
            return Self::StandardInput;
        }
        File::open(path).map_or_else(|error| Self::Broken(Some(error)), Self::File)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::StandardInput => io::stdin().read(buffer),
            Self::Broken(error) => error.take().map_or(Ok(0), Err),
        }
    }
}

/// A bar over the bytes of all files, on a terminal only.
pub(super) fn bar_over(files: &[PathBuf]) -> ProgressBar {
    let bytes = files.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum();
    progress::bar(bytes, "{bar:40} {bytes}/{total_bytes} {eta}")
}

pub(super) fn complain(file: &str, number: u64, record: &MessageRecord) {
    if let Some(reason) = &record.reason {
        print_error(format!("{file}:{number}: {}: {reason}", record.outcome));
    }
}

fn line(file: &str, number: u64, record: &MessageRecord) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        file: &'a str,
        record: u64,
        outcome: &'a str,
        organization: Option<u32>,
        cluster: Option<String>,
        request_id: Option<&'a str>,
        reason: Option<&'a str>,
    }
    let line = Line {
        file,
        record: number,
        outcome: record.outcome.as_str(),
        organization: record.organization.map(gathering_domain::ids::OrganizationId::get),
        cluster: record.cluster.map(|cluster| cluster.to_string()),
        request_id: record.request.as_deref(),
        reason: record.reason.as_deref(),
    };
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}
