//! Result messages as the pipeline writes them.

use std::fmt;

use serde_json::{Value, json};

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

    /// Makes the report empty, so that the request fails.
    #[must_use]
    pub fn empty(self) -> Self {
        self.with("Report", json!({}))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
