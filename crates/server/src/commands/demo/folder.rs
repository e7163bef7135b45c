//! The folder of a demo: its database, its key and its sample files. Each demo has its own, so that any number of them run at
//! once, wherever they are started, and each begins with fresh data.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use toml::Value;

use crate::ServerError;

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

/// It goes with this value.
pub(in crate::commands) struct DemoFolder(TempDir);

impl DemoFolder {
    /// A folder in the system's place for temporary ones, which only its owner can look into.
    pub(in crate::commands) fn new() -> Result<Self, ServerError> {
        let place = std::env::temp_dir();
        let made = tempfile::Builder::new().prefix("gathering-demo-").tempdir_in(&place);
        Ok(Self(made.map_err(|source| ServerError::TemporaryFolder { place, source })?))
    }

    /// What the demo sets, over everything but the command line: neither a database that happens to be configured nor who may
    /// call it is to have anything to do with the demo.
    pub(in crate::commands) fn settings(&self) -> String {
        let text = |text: String| Value::String(text).to_string();
        let url = text(format!("sqlite://{}", self.path("demo.db").display()));
        let secret = text(self.path("hmac.key").display().to_string());
        format!(
            "[storage]\nurl = {url}\n\
             [auth]\nmode = \"jwt\"\ndisabled_org = 42\nalgorithms = []\nissuers = []\ngateway_binding = true\n\
             [auth.certificate]\ncluster = \"none\"\nwriters = []\n\
             [auth.rbac]\nenforce = false\n\
             [auth.keys]\nhmac_secret_file = {secret}\n\
             [http]\nshutdown_delay = \"0s\"\n\
             [log]\nfilter = \"warn\"\n"
        )
    }

    /// Where a file of this name is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
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
    use crate::config::{Config, Sources};

    #[test]
    fn what_another_mode_needs_does_not_disturb_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"[auth]\nmode = \"identity-header\"\ngateway_binding = false\n").unwrap();
        let sources = Sources {
            file: Some(file.path().to_owned()),
            demo: Some(DemoFolder::new().unwrap().settings()),
            ..Sources::default()
        };
        assert!(Config::load(&sources).is_ok());
    }

    #[test]
    fn it_goes_with_all_that_is_in_it() {
        let folder = DemoFolder::new().unwrap();
        let path = folder.rule_content().unwrap();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists() && !path.parent().unwrap().exists());
    }
}
