//! `gathering demo`: the service on a SQLite file, with data to try it on.
//!
//! The data goes the way of all data: it is written to files, and imported from them. Doing it again changes nothing
//! but the times.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gathering_auth::{Scope, SigningKey, TokenRequest};
use gathering_domain::event::{EventKind, RequestEvent};
use gathering_domain::ids::RequestKey;
use gathering_domain::store::EventSink;
use gathering_domain::time::Clock;
use gathering_domain::wait::Waiters;
use gathering_http::BindError;
use gathering_ingest::{Importer, Intake};
use gathering_storage::Storage;

use super::console::{print, print_error};
use super::health::reachable;
use super::import_results::listed;
use super::runtime::block_on;
use super::{import_content, serve};
use crate::ServerError;
use crate::cli::Role;
use crate::config::Config;
use crate::preparation;
use crate::service::{Environment, Service};

/// What the demo sets, over everything but the command line.
pub(super) const SETTINGS: &str = "
[storage]
url = \"sqlite://data/demo.db\"
[auth]
mode = \"jwt\"
disabled_org = 42
algorithms = []
issuers = []
gateway_binding = true
[auth.certificate]
cluster = \"none\"
writers = []
[auth.rbac]
enforce = false
[auth.keys]
hmac_secret_file = \"data/demo-hmac.key\"
[log]
filter = \"warn\"
";

/// Where the sample files are written to.
const FOLDER: &str = "data/demo";

macro_rules! samples {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("../../demo/", $path)))),*] };
}

const SAMPLES: &[(&str, &str)] = samples![
    "results.ndjson",
    "rule-content/config.yaml",
    "rule-content/external/memory_pressure/plugin.yaml",
    "rule-content/external/memory_pressure/reason.md",
    "rule-content/external/memory_pressure/NODE_MEMORY_LOW/generic.md",
    "rule-content/external/memory_pressure/NODE_MEMORY_LOW/metadata.yaml",
    "rule-content/external/memory_pressure/NODE_MEMORY_EXHAUSTED/generic.md",
    "rule-content/external/memory_pressure/NODE_MEMORY_EXHAUSTED/metadata.yaml",
    "rule-content/external/storage/registry_volume/plugin.yaml",
    "rule-content/external/storage/registry_volume/generic.md",
    "rule-content/external/storage/registry_volume/reason.md",
    "rule-content/external/storage/registry_volume/REGISTRY_WITHOUT_VOLUME/metadata.yaml",
    "rule-content/internal/certificate_age/plugin.yaml",
    "rule-content/internal/certificate_age/generic.md",
    "rule-content/internal/certificate_age/reason.md",
    "rule-content/internal/certificate_age/CERTIFICATE_EXPIRES_SOON/metadata.yaml",
];

const ORGANIZATION: &str = "42";
const CLUSTER: &str = "3f0a1c52-8a0e-4c3b-9a57-6d1f0c2b7e11";
const PROCESSED: &str = "demo0000000000000000000001";
const FAILED: &str = "demo0000000000000000000004";
const RECEIVED: &str = "demo0000000000000000000005";

pub(super) fn run(config: &Config) -> Result<(), ServerError> {
    block_on(async {
        let key = match &config.auth.keys.hmac_secret_file {
            Some(path) => {
                make_secret(path)?;
                SigningKey::hmac_from_file(path)?
            }
            None => {
                return Err(ServerError::Usage(
                    "the demo needs auth.keys.hmac_secret_file to mint a token with",
                ));
            }
        };
        // Before any data is touched: another demo may be running on it.
        check_free("http.bind", config.http.bind)?;
        check_free("admin.bind", config.admin.bind)?;
        let environment = Environment::system()?;
        load(config, &environment).await?;
        let now = environment.clock.now();
        serve::serve(config, Role::Api, environment, |service| {
            print(introduction(config, service, &token(config, &key, now)?)?)
        })
        .await
    })
}

fn check_free(key: &'static str, address: SocketAddr) -> Result<(), ServerError> {
    let bound = TcpListener::bind(address);
    bound.map(drop).map_err(|source| BindError { key, address, source }.into())
}

/// Makes a secret that only its owner can read, unless there is one.
fn make_secret(path: &Path) -> Result<(), ServerError> {
    let refused = |source| ServerError::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(refused)?;
    }
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let secret = rand::random::<[u8; 32]>().map(|byte| format!("{byte:02x}")).concat();
            file.write_all(secret.as_bytes()).map_err(refused)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

async fn load(config: &Config, environment: &Environment) -> Result<(), ServerError> {
    let folder = Path::new(FOLDER);
    for (path, content) in SAMPLES {
        let path = folder.join(path);
        let refused = |source| ServerError::Write { path: path.clone(), source };
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(refused)?;
        fs::write(&path, content).map_err(refused)?;
    }
    preparation::prepare_schema(config).await?;
    let storage = Storage::open(&config.storage_settings(), Arc::clone(&environment.clock))?;
    import_content::replace(&storage, import_content::load(&folder.join("rule-content"))?).await?;

    let refused = |source| ServerError::Store { what: "demo data", source };
    storage.store(vec![announcement(environment)?]).await.map_err(refused)?;
    let path = folder.join("results.ndjson");
    let file = fs::File::open(&path).map_err(|source| ServerError::Write { path: path.clone(), source })?;
    let (clock, records) = (Arc::clone(&environment.clock), environment.records.clone());
    let intake = Intake::new(storage.batch_writer(&Waiters::nobody()), clock, None, records);
    let mut importer = Importer::new(&intake);
    importer.import(&path.display().to_string(), file, |_, _| ()).await.map_err(refused)?;
    print_error(format!("{}: {}", path.display(), listed(importer.counts())));
    Ok(())
}

/// A request whose result is yet to come. Result files hold none.
fn announcement(environment: &Environment) -> Result<RequestEvent, ServerError> {
    let key = || -> Result<_, gathering_domain::ids::IdError> {
        Ok(RequestKey {
            organization: ORGANIZATION.parse()?,
            cluster: CLUSTER.parse()?,
            request: RECEIVED.parse()?,
        })
    };
    let key = key().map_err(ServerError::system("the demo's data is broken"))?;
    Ok(RequestEvent { key, received_at: environment.clock.now(), kind: EventKind::Announced })
}

fn token(
    config: &Config,
    key: &SigningKey,
    now: gathering_domain::time::Timestamp,
) -> Result<String, ServerError> {
    let organization = ORGANIZATION.parse().map_err(ServerError::system("the demo's data is broken"))?;
    let request = TokenRequest {
        organization,
        cluster: None,
        scopes: vec![Scope::Read, Scope::Write],
        lifetime: Duration::from_secs(24 * 60 * 60),
        issuer: config.auth.issuer.clone(),
        audience: config.auth.audience.clone(),
        subject: Some("demo".to_owned()),
        key_id: None,
        mapping: config.claim_mapping(),
    };
    Ok(request.mint(key, now)?)
}

fn introduction(config: &Config, service: &Service, token: &str) -> Result<String, ServerError> {
    // Lines are pasted in any folder.
    let results = std::path::absolute(Path::new(FOLDER).join("results.ndjson"))
        .map_err(ServerError::system("the demo's folder cannot be named"))?;
    let results = quoted(&format!("@{}", results.display()));
    let base = config.http.base_paths.first().map(ToString::to_string).unwrap_or_default();
    let origin = |url: Option<String>, address| {
        let scheme = if url.is_some_and(|url| url.starts_with("https")) { "https" } else { "http" };
        format!("{scheme}://{}", reachable(address))
    };
    let api = origin(service.api_url(), service.api_address().unwrap_or(config.http.bind));
    let url = format!("{api}{}", base.trim_end_matches('/'));
    let admin = origin(Some(service.admin_url()), service.admin_address());
    let header = format!("-H 'Authorization: Bearer {token}'");
    Ok(format!(
        "The demo runs. Its token is for organization {ORGANIZATION} and valid for a day. Paste any of these:\n\n\
         # which requests does this cluster have?\n\
         curl -s {header} {url}/cluster/{CLUSTER}/requests\n\n\
         # is this one processed?\n\
         curl -s {header} {url}/cluster/{CLUSTER}/request/{PROCESSED}/status\n\n\
         # what did its analysis find?\n\
         curl -s {header} {url}/cluster/{CLUSTER}/request/{PROCESSED}/report\n\n\
         # a request whose result was not usable, one whose result is yet to come, and one that never was\n\
         curl -s {header} -d '[\"{FAILED}\",\"{RECEIVED}\",\"never\"]' {url}/cluster/{CLUSTER}/requests\n\n\
         # the same results once more, as a pipeline without Kafka posts them\n\
         curl -s {header} -H 'Content-Type: application/x-ndjson' --data-binary {results} \
         {url}/ingest/results\n\n\
         # metrics\n\
         curl -s {admin}/metrics\n\n\
         Data: {} and {FOLDER}/. Ctrl-C ends the demo.\n",
        config.storage.url,
    ))
}

/// The text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn what_another_mode_needs_does_not_disturb_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"[auth]\nmode = \"identity-header\"\ngateway_binding = false\n").unwrap();
        let sources = Sources {
            file: Some(file.path().to_owned()),
            demo: Some(SETTINGS.to_owned()),
            ..Sources::default()
        };
        assert!(Config::load(&sources).is_ok());
    }
}
