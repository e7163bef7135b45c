//! Keys, claims and paths that the checks share.

use std::path::PathBuf;
use std::sync::LazyLock;

use gathering_auth::testing::TestKey;
use gathering_tests::{CLUSTER, Message, TestServer};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where the clock of every server stands at first, in seconds.
pub(crate) const NOW: i64 = 1_772_370_000;

/// The status of the request that [`record`] records.
pub(crate) fn status() -> String {
    format!("/cluster/{CLUSTER}/request/r/status")
}

/// Records a request of organization 42, and one of 43.
pub(crate) fn record(server: &TestServer) {
    server.import(&[Message::new(42, CLUSTER, "r"), Message::new(43, CLUSTER, "theirs")]);
}

pub(crate) fn claims() -> Value {
    json!({"org_id": 42, "exp": NOW + 3600})
}

/// Keys of RSA take long to make; those that no test changes are made once.
pub(crate) static RSA: LazyLock<[TestKey; 3]> =
    LazyLock::new(|| [TestKey::rsa(), TestKey::rsa(), TestKey::rsa()]);

/// Files of one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file in the place of the one before in one step.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let (path, next) = (self.path(name), self.path("next"));
        std::fs::write(&next, content).unwrap();
        std::fs::rename(&next, &path).unwrap();
        path.display().to_string()
    }

    pub(crate) fn key_set(&self, name: &str, keys: &[Value]) -> String {
        self.write(name, json!({"keys": keys}).to_string())
    }
}
