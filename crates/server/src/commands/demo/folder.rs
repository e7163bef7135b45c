//! The folder of a demo: its database, its key and its sample files. Each demo has its own, so that any number of them run at
//! once, wherever they are started, and each begins with fresh data.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::geteuid;
use toml::Value;

use super::records::ORGANIZATION;
use crate::ServerError;
use crate::commands::private_folder::private_folder;

macro_rules! samples {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("../../../demo/rule-content/", $path)))),*] };
}

const RULE_CONTENT: &[(&str, &str)] = samples![
    "config.yaml",
    "external/memory_pressure/plugin.yaml",
    "external/memory_pressure/reason.md",
    "external/memory_pressure/NODE_MEMORY_LOW/generic.md",
    "external/memory_pressure/NODE_MEMORY_LOW/metadata.yaml",
    "external/memory_pressure/NODE_MEMORY_EXHAUSTED/generic.md",
    "external/memory_pressure/NODE_MEMORY_EXHAUSTED/metadata.yaml",
    "external/storage/registry_volume/plugin.yaml",
    "external/storage/registry_volume/generic.md",
    "external/storage/registry_volume/reason.md",
    "external/storage/registry_volume/REGISTRY_WITHOUT_VOLUME/metadata.yaml",
    "internal/certificate_age/plugin.yaml",
    "internal/certificate_age/generic.md",
    "internal/certificate_age/reason.md",
    "internal/certificate_age/CERTIFICATE_EXPIRES_SOON/metadata.yaml",
];

/// How often a folder is tried to be removed in which something is being made yet, and how long after each other.
const REMOVALS: u32 = 20;
const BETWEEN_REMOVALS: Duration = Duration::from_millis(10);

/// What the names of these folders begin with.
const PREFIX: &str = "gathering-demo-";

/// The file in a folder that is locked while its demo runs.
const LOCK: &str = "lock";

/// It goes with this value.
pub(super) struct DemoFolder {
    files: DemoFiles,
    /// The system lets go of it, however the demo ends.
    _lock: File,
}

/// The files of a demo, while its folder is there.
#[derive(Debug, Clone)]
pub(super) struct DemoFiles(PathBuf);

impl DemoFolder {
    /// A folder in the system's place for temporary ones, which only its owner can look into.
    pub(super) fn new() -> Result<Self, ServerError> {
        // An empty variable is none, as everywhere.
        let place = Some(std::env::temp_dir()).filter(|place| !place.as_os_str().is_empty());
        let place = place.unwrap_or_else(|| PathBuf::from("/tmp"));
        Self::within(&place).map_err(|source| ServerError::TemporaryFolder { place, source })
    }

    fn within(place: &Path) -> io::Result<Self> {
        if place.to_str().is_none() {
            // Settings and the lines to paste are texts.
            return Err(io::Error::new(ErrorKind::InvalidInput, "its name is not UTF-8"));
        }
        remove_left_behind(place);
        let folder = private_folder(PREFIX, place)?;
        // It gets its name once it is locked: others remove a folder with a lock that nobody holds.
        let (unnamed, named) = (folder.path().join("lock.new"), folder.path().join(LOCK));
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        fs::rename(unnamed, named)?;
        Ok(Self { files: DemoFiles(folder.keep()), _lock: lock })
    }

    pub(super) const fn files(&self) -> &DemoFiles {
        &self.files
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        self.files.remove();
    }
}

/// Removes folders of demos of this user that were killed. What cannot be looked at or removed stays.
fn remove_left_behind(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw());
        if is_ours && File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            DemoFiles(entry.path()).remove();
        }
    }
}

impl DemoFiles {
    /// What the demo sets, over everything but the command line: neither a database that happens to be configured nor who may
    /// call it is to have anything to do with the demo.
    pub(super) fn settings(&self) -> String {
        let text = |text: String| Value::String(text).to_string();
        let url = text(format!("sqlite://{}", self.path("demo.db").display()));
        let secret = text(self.path("hmac.key").display().to_string());
        format!(
            "[storage]\nurl = {url}\n\
             [auth]\ndisabled_org = {ORGANIZATION}\n\
             [auth.keys]\nhmac_secret_file = {secret}\n\
             [http]\nshutdown_delay = \"0s\"\n\
             [log]\nfilter = \"warn\"\n"
        )
    }

    /// Removes all of them with their folder. A database may be about to make a file that it works with, which is gone soon.
    pub(super) fn remove(&self) {
        for _ in 0..REMOVALS {
            match fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != ErrorKind::NotFound => std::thread::sleep(BETWEEN_REMOVALS),
                _ => return,
            }
        }
    }

    /// Where a file of this name is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes the demo's rule content and returns its folder.
    pub(super) fn rule_content(&self) -> Result<PathBuf, ServerError> {
        for (path, content) in RULE_CONTENT {
            self.write(&format!("rule-content/{path}"), content)?;
        }
        Ok(self.path("rule-content"))
    }

    /// Writes a file, with the folders on its way.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<(), ServerError> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, content)).map_err(writing(&path))
    }
}

/// Makes a secret that only its owner can read, unless there is one.
pub(super) fn make_secret(path: &Path) -> Result<(), ServerError> {
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

fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> ServerError {
    let path = path.to_owned();
    move |source| ServerError::Write { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AuthMode, Config, Sources};

    #[test]
    fn what_a_service_is_configured_for_does_not_disturb_it() {
        let postgres =
            "[storage]\nurl = \"postgres://a/b\"\nread_url = \"postgres://c/b\"\nmigrate_on_start = false\n";
        for settings in [
            "[auth]\nmode = \"identity-header\"\ngateway_binding = false\ntrusted_proxies = [\"10.0.0.0/8\"]\n",
            "[auth]\nmode = \"identity-header\"\ngateway_secret_file = \"/nowhere\"\n",
            "[auth]\nmode = \"client-certificate\"\n[auth.certificate]\norganization = 7\n[http.tls]\ncert = \"a\"\n\
             key = \"b\"\nclient_ca = \"c\"\n",
            "[auth]\nissuer = \"https://a\"\n[auth.keys]\ndiscovery = true\n[auth.claims]\norganization = \"o\"\n",
            "[[auth.issuers]]\nissuer = \"https://a\"\nkeys = {discovery = true}\n",
            postgres,
            "[storage]\nurl = \"postgres://a/b\"\npooler = \"transaction\"\n[report.filter]\naggregator = \"http://a\"\n",
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(settings.as_bytes()).unwrap();
            let plain = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
            let usual = Config::load(&plain);
            assert!(usual.is_ok(), "{settings}: {usual:?}");
            let folder = DemoFolder::new().unwrap();
            let config = Config::load(&Sources { demo: Some(folder.files().settings()), ..plain }).unwrap();
            assert!(
                config.api_tls().is_none()
                    && config.storage.migrate_on_start
                    && config.filter_settings().is_none(),
                "{settings}"
            );
            assert!(matches!(config.auth.mode, AuthMode::Jwt) && config.auth.keys.jwks_url.is_none());
            assert!(config.auth.issuers.is_empty() && !config.auth.keys.discovery, "{settings}");
        }
    }

    #[test]
    fn it_is_its_owners_alone_and_goes_with_all_that_is_in_it() {
        let folder = DemoFolder::new().unwrap();
        assert_eq!(fs::metadata(&folder.files().0).unwrap().mode() & 0o777, 0o700);
        let path = folder.files().rule_content().unwrap();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists() && !path.parent().unwrap().exists());
    }
}
