//! Result messages as the pipeline writes them.

use std::fmt;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// A cluster for tests that need just one.
pub const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

/// A cluster for tests that need another one.
pub const OTHER_CLUSTER: &str = "6d5892d3-1f74-4ccf-91af-548dfc9767aa";

/// A result message. As text it is one line.
#[derive(Debug, Clone)]
pub struct Message(Value);

impl Message {
    /// A good message without hits, gathered on 2026-03-01 at noon.
    pub fn new(organization: u32, cluster: &str, request: &str) -> Self {
        Self(json!({
            "OrgID": organization,
            "AccountNumber": 1,
            "ClusterName": cluster,
            "Report": {"system": {"metadata": {}, "hostname": null}, "reports": [], "fingerprints": [], "info": []},
            "LastChecked": "2026-03-01T12:00:30Z",
            "Version": 2,
            "RequestId": request,
            "Metadata": {"gathering_time": "2026-03-01T12:00:00Z"}
        }))
    }

    /// Adds a hit, `module|KEY`.
    ///
    /// # Panics
    /// If the hit has no bar.
    #[must_use]
    pub fn hit(mut self, hit: &str) -> Self {
        let (module, key) = hit.split_once('|').expect("module|KEY");
        let hit = json!({"component": format!("{module}.report"), "key": key, "details": {}});
        self.0["Report"]["reports"].as_array_mut().expect("a list of hits").push(hit);
        self
    }

    /// Sets the gathering time.
    #[must_use]
    pub fn gathered(mut self, time: &str) -> Self {
        self.0["Metadata"]["gathering_time"] = time.into();
        self
    }

    /// Sets any attribute.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: Value) -> Self {
        self.0[attribute] = value;
        self
    }

    /// Makes the report empty, so that the request is recorded as failed.
    #[must_use]
    pub fn failed(self) -> Self {
        self.with("Report", json!({}))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// These bytes, compressed.
///
/// # Panics
/// Never: it writes to memory.
pub fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
