//! The command line.

mod care;
mod options;
mod running;
mod sample;
mod token;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::care::{
    Backup, DeadLetters, DeadLettersAction, Erase, ListLetters, ReplayLetters, Show, Which,
};
pub use self::options::{Options, With};
pub use self::running::Role;
pub(crate) use self::running::{Demo, Serve};
pub(crate) use self::sample::{Sample, SampleRequest, SampleResult, SampleWhat};
pub(crate) use self::token::{Inspect, Token, TokenAction};
use gathering_domain::ids::{ClusterId, RequestId};
use gathering_support::BaseUrl;

use crate::build_info::version_line;

/// Records what an analysis pipeline publishes about OpenShift clusters, and answers for it over REST.
#[derive(Debug, Parser)]
#[command(name = "gathering", version = version_line(), about, arg_required_else_help = true)]
#[command(after_help = "Example: gathering serve --config /etc/gathering.toml --set http.bind=0.0.0.0:8080")]
pub struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// No arguments.
#[derive(Debug, Args)]
pub struct Nothing {}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the service
    #[command(after_help = "Example: gathering serve --set storage.url=postgres://gathering@db/gathering \
        --set auth.keys.hmac_secret_file=hmac.key\n\
        Example: gathering serve --json --until-eof --set http.bind=127.0.0.1:0 --set admin.bind=127.0.0.1:0")]
    Serve(With<Serve>),
    /// Runs the service with data of its last 24 hours to try, and prints curl lines to paste
    #[command(
        after_help = "Its database, key and files are in a temporary folder of its own, which goes with it; --set \
        storage.url keeps the database.\n\
        Example: gathering demo --set http.bind=127.0.0.1:9000 --set admin.bind=127.0.0.1:9001\n\
        Example: gathering demo --messages results.ndjson --content rules-content\n\
        Example: gathering demo --json --until-eof --set http.bind=127.0.0.1:0 --set admin.bind=127.0.0.1:0"
    )]
    Demo(With<Demo>),
    /// Prints messages to test with
    #[command(after_help = "Example: gathering sample result --request abc --hit 'rules.disk|FULL'")]
    Sample(With<Sample>),
    /// Applies, checks or reverts schema migrations
    #[command(
        after_help = "Example: gathering migrate --check --set storage.url=postgres://gathering@db/gathering"
    )]
    Migrate(With<Migrate>),
    /// Loads result messages or rule content
    #[command(after_help = "Example: gathering import results results.ndjson")]
    Import(With<Import>),
    /// Copies a SQLite database, while it is in use, into a new file
    #[command(
        after_help = "Example: gathering backup /var/backups/gathering.db --config /etc/gathering.toml"
    )]
    Backup(With<Backup>),
    /// Erases at once everything that is recorded of an organization, or of one of its clusters
    #[command(after_help = "Example: gathering erase --org 42 --dry-run\n\
        Example: gathering erase --org 42 --cluster 5d5892d3-1f74-4ccf-91af-548dfc9767aa")]
    Erase(With<Erase>),
    /// Shows what is recorded of a cluster, whichever organization it belongs to
    #[command(after_help = "Example: gathering show --cluster 5d5892d3-1f74-4ccf-91af-548dfc9767aa")]
    Show(With<Show>),
    /// Lists refused messages of Kafka, or sends them again
    #[command(after_help = "Example: gathering dead-letters list --config /etc/gathering.toml")]
    DeadLetters(With<DeadLetters>),
    /// Mints a token with the configured or given key, or explains one
    #[command(
        subcommand_negates_reqs = true,
        after_help = "Example: gathering token --org 42 --scope read,write --ttl 1h \
        --set auth.keys.hmac_secret_file=hmac.key\nExample: gathering token inspect < token.txt"
    )]
    Token(With<Token>),
    /// Prints the effective configuration, secrets redacted
    #[command(after_help = "Example: gathering config --check --config /etc/gathering.toml")]
    Config(With<ConfigArguments>),
    /// Waits until a request is processed, and prints its report as a table
    #[command(
        after_help = "Example: gathering watch 5d5892d3-1f74-4ccf-91af-548dfc9767aa 6d2eede257644308a8949c4ec251c5c4 \
        --server https://gathering.example.com --token-file token.txt"
    )]
    Watch(With<Watch>),
    /// Prints the OpenAPI document
    #[command(name = "openapi", after_help = "Example: gathering openapi > openapi.json")]
    OpenApi(With<Nothing>),
    /// Succeeds when the service is ready
    #[command(after_help = "Example: gathering health http://127.0.0.1:9464")]
    Health(With<Health>),
}

/// Arguments of `migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Changes nothing; succeeds when nothing is to be applied
    #[arg(long, conflicts_with = "revert")]
    pub(crate) check: bool,
    /// Reverts the migration that was applied last; what its tables hold is lost
    #[arg(long)]
    pub(crate) revert: bool,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    pub(crate) what: ImportWhat,
}

/// What is imported.
#[derive(Debug, Subcommand)]
pub enum ImportWhat {
    /// Loads files of result messages: one JSON document each, or many with white space between them
    #[command(after_help = "Example: gathering import results --json results.ndjson\n\
        Example: zcat results.ndjson.gz | gathering import results -")]
    Results(With<ImportResults>),
    /// Replaces the rule content by that of a tree with config.yaml, external and internal
    #[command(after_help = "Example: gathering import content /srv/rules-content\n\
        Example: gathering import content --check --strict .")]
    Content(With<ImportContent>),
}

/// Arguments of `import results`.
#[derive(Debug, Args)]
pub struct ImportResults {
    /// The files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Prints one JSON object a record on standard output, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `import content`.
#[derive(Debug, Args)]
pub struct ImportContent {
    /// The tree
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Replaces the content even if the tree serves no key at all
    #[arg(long)]
    pub(crate) allow_empty: bool,
    /// Changes nothing; says what an import would do, and fails where it would
    #[arg(long)]
    pub(crate) check: bool,
    /// Fails, and replaces nothing, if anything is left out or warned of
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// Prints nothing; succeeds when the service could start with this configuration and its key files
    #[arg(long)]
    pub(crate) check: bool,
}

/// Arguments of `health`.
#[derive(Debug, Args)]
pub struct Health {
    /// Where to ask, over http or https; `/readyz` on `admin.bind` unless given. Whose certificate answers is not checked:
    /// nothing is told, and nothing but the status is heard
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The certificate to show where `admin.tls.client_ca` asks for one, in PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// The cluster
    #[arg(value_name = "CLUSTER")]
    pub(crate) cluster: ClusterId,
    /// The request
    #[arg(value_name = "REQUEST")]
    pub(crate) request: RequestId,
    /// Where the API is; without it, on this machine as configured
    #[arg(long, value_name = "URL", env = "GATHERING_SERVER")]
    pub(crate) server: Option<BaseUrl>,
    /// A file with the token; without it, the variable `GATHERING_TOKEN` may hold it. It is sent by https, or on this machine
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long to wait at most
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = patience)]
    pub(crate) timeout: Duration,
    /// Prints the report as it came, in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How long to wait for a request: at least a second, at most a week.
fn patience(text: &str) -> Result<Duration, &'static str> {
    let patience = humantime::parse_duration(text).ok();
    patience
        .filter(|patience| (Duration::from_secs(1)..=Duration::from_secs(7 * 86_400)).contains(patience))
        .ok_or("it has to be a duration such as 30s, 10m or 1h, from 1s to 7d")
}
