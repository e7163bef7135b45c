//! What ends a command, and with which exit code.

use std::path::PathBuf;

use gathering_aggregator::AggregatorError;
use gathering_auth::{AuthError, AuthRejection};
use gathering_domain::store::StoreError;
use gathering_http::{BindError, TlsError};
use gathering_ingest::AllowListError;
use gathering_ingest::kafka::KafkaError;
use gathering_ingest::rule_content::TreeError;
use gathering_storage::{BackupError, StorageError};
use gathering_support::ProxyError;
use gathering_telemetry::TelemetryError;

use crate::config::ConfigError;

/// Why a command did not do what it was asked. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Keys are missing or not usable.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The filter of reports cannot be made.
    #[error(transparent)]
    Aggregator(#[from] AggregatorError),
    /// Certificates are not usable.
    #[error("{section}: {source}")]
    Tls { section: &'static str, source: Box<TlsError> },
    /// The allow list is not usable.
    #[error(transparent)]
    AllowList(#[from] AllowListError),
    /// Kafka is not usable with these settings, or the consumer cannot go on.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// Traces cannot be sent.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A command was asked for something that it cannot do.
    #[error("{0}")]
    Usage(&'static str),
    /// The environment names a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The database cannot be opened or migrated.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is no database to ask.
    #[error("there is no database at {url}; check storage.url")]
    NoDatabase { url: String },
    /// The database did not answer.
    #[error("the database does not answer: {source}{}", reason(source))]
    Unanswered { source: StoreError },
    /// The database cannot be copied.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A backup would take the place of another file.
    #[error("{} is there already; choose another name, or say --overwrite", path.display())]
    BackupExists { path: PathBuf },
    /// A backup would take the place of something that is no file.
    #[error("{} is no regular file, and is left as it is; choose another name", path.display())]
    BackupTarget { path: PathBuf },
    /// Somebody ended it with a signal.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// Somebody ended with a signal what is done in steps.
    #[error("stopped by a signal")]
    Stopped,
    /// An erasure did not come to its end.
    #[error(
        "{source}; until then {erased} were erased, and one more step may have been; the same command erases the rest"
    )]
    EraseStopped { erased: String, source: Box<ServerError> },
    /// The schema is not what this program needs, and it was told not to change it.
    #[error("the database {url} lacks the migrations {}; apply them with `gathering migrate`", names.join(", "))]
    SchemaBehind { url: String, names: Vec<String> },
    /// The database did not take something.
    #[error(
        "the database did not take the {what}: {source}{}; run the same command again once it does",
        reason(source)
    )]
    Store { what: &'static str, source: StoreError },
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A rule content tree cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A rule content tree has nothing to serve.
    #[error("{} holds no rule content that can be served; --allow-empty replaces the content all the same", path.display())]
    EmptyTree { path: PathBuf },
    /// A rule content tree has something wrong or odd, and it was to have nothing.
    #[error(
        "{} is not in order: {left_out} left out, {warnings} warned of, each named above; without --strict the rest is taken \
         all the same",
        path.display()
    )]
    OddTree { path: PathBuf, left_out: usize, warnings: usize },
    /// A token was refused.
    #[error("the token is refused: {0}")]
    TokenRefused(AuthRejection),
    /// Records of an import were refused.
    #[error("some records were rejected, {0} in all; each is named above with its reason")]
    Rejected(u64),
    /// Something on the disk cannot be made.
    #[error("{} cannot be written ({source}); check the rights of its folder", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// There is no place for temporary files.
    #[error("no temporary folder can be made in {} ({source}); the variable TMPDIR names another place", place.display())]
    TemporaryFolder { place: PathBuf, source: std::io::Error },
    /// Whoever started it may end it with its input, which has ended already.
    #[error(
        "standard input ended before the start was done, and --until-eof ends with it: hold its other end open, or leave \
         --until-eof out"
    )]
    NoInput,
    /// The service is not ready, or cannot be asked.
    #[error("{url} is not ready: {problem}")]
    NotReady { url: String, problem: String },
    /// A file with a token cannot be read.
    #[error("{} cannot be read ({source}); --token-file names a file with a token", path.display())]
    TokenFile { path: PathBuf, source: std::io::Error },
    /// The request that was waited for failed.
    #[error("the request {request} failed{reason}")]
    RequestFailed { request: String, reason: String },
    /// The request that was waited for is not processed.
    #[error("the request {request} was not processed within {timeout}: {state}")]
    NotInTime { request: String, timeout: String, state: String },
    /// The server does not answer this caller, or not as an API of ours.
    #[error("{server} gave {answer}")]
    WatchRefused { server: String, answer: String },
    /// Standard output cannot be written.
    #[error("standard output cannot be written: {0}")]
    Output(std::io::Error),
    /// The runtime, the signal handlers or the metrics failed.
    #[error("{what}: {source}")]
    System { what: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
}

impl ServerError {
    pub(crate) fn system<E>(what: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::System { what, source: source.into() }
    }

    /// 2 for wrong usage or configuration, 1 for a failed run.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::EraseStopped { source, .. } => source.exit_code(),
            Self::Config(_)
            | Self::Auth(_)
            | Self::Aggregator(AggregatorError::Tls(_))
            | Self::Tls { .. }
            | Self::AllowList(_)
            | Self::Usage(_)
            | Self::Proxy(_)
            | Self::TokenFile { .. }
            | Self::Telemetry(TelemetryError::NotBuilt)
            | Self::Kafka(
                KafkaError::NotBuilt
                | KafkaError::NoDeadLetterTopic
                | KafkaError::Settings { .. }
                | KafkaError::ReservedProperty { .. }
                | KafkaError::File { .. }
                | KafkaError::LoginMissing,
            ) => 2,
            _ => 1,
        }
    }
}

/// What the driver said, for whoever runs the command.
fn reason(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(String::new, |source| format!(" ({source})"))
}
