//! What the demo prints for people: where to look, and lines to paste.

use gathering_domain::ids::OrganizationId;

use super::folder::DemoFolder;
use super::loading::{Loaded, OUTSTANDING, Shown};
use super::minter::Minter;
use super::records::{
    CLUSTER, FAILED, FOREIGN_CLUSTER, OTHER_ORGANIZATION, PROCESSED, QUIET_CLUSTER, RECEIVED, broken,
};
use crate::ServerError;
use crate::commands::addresses::Addresses;

pub(super) struct Introduction<'a> {
    pub(super) addresses: Addresses,
    pub(super) token: String,
    pub(super) loaded: Loaded,
    pub(super) folder: &'a DemoFolder,
    pub(super) minter: &'a Minter<'a>,
}

impl Introduction<'_> {
    pub(super) fn text(&self) -> Result<String, ServerError> {
        let Self { token, loaded, addresses, minter, .. } = self;
        let request = match &loaded.shown {
            Shown::Own => Some((CLUSTER.to_owned(), PROCESSED)),
            Shown::Messages(first) => {
                first.as_ref().map(|(cluster, request)| (cluster.to_string(), request.as_str()))
            }
        };
        let page = request.as_ref().map(|(cluster, _)| format!("#/cluster/{cluster}"));
        let looked = request.as_ref().map(|(cluster, request)| self.lookups(cluster, request));
        let tour = matches!(loaded.shown, Shown::Own).then(|| self.tour()).transpose()?;
        Ok(format!(
            "The demo runs.{}A token for organization {} and one day:\n\n\
             {token}\n\n\
             Lines to paste:\n\n\
             {}{}# metrics\ncurl -s {}/metrics\n\n\
             Data: {}. Ctrl-C ends the demo, and its folder goes with it.\n",
            self.page(&page.unwrap_or_default()),
            loaded.organization,
            looked.unwrap_or_default(),
            tour.unwrap_or_default(),
            addresses.admin,
            minter.config.storage.url,
        ))
    }

    /// Where to look in a browser, unless pages are switched off.
    fn page(&self, fragment: &str) -> String {
        match &self.addresses.origin {
            Some(origin) if self.minter.config.ui.enabled => format!(
                " Look at a cluster in the browser:\n\n{origin}/ui{fragment}\n\nThe page asks for a token. "
            ),
            _ => "\n\n".to_owned(),
        }
    }

    /// What operators ask about a request.
    fn lookups(&self, cluster: &str, request: &str) -> String {
        let path = format!("/cluster/{cluster}");
        [
            self.curl("which requests does this cluster have?", &format!("{path}/requests")),
            self.curl("is this one processed?", &format!("{path}/request/{request}/status")),
            self.curl("what did its analysis find?", &format!("{path}/request/{request}/report")),
        ]
        .concat()
    }

    /// A GET as a line to paste, below what it asks.
    fn curl(&self, question: &str, path: &str) -> String {
        self.curl_as(&self.token, question, "", path)
    }

    fn curl_as(&self, token: &str, question: &str, options: &str, path: &str) -> String {
        let api = self.addresses.api.as_deref().unwrap_or_default();
        format!("# {question}\ncurl -s -H 'Authorization: Bearer {token}' {options}{api}{path}\n\n")
    }

    /// What there is to see in the demo's own data.
    fn tour(&self) -> Result<String, ServerError> {
        let mut text = self.curl_as(
            &self.token,
            "a request whose analysis failed, one whose result is yet to come, and one that never was",
            &format!("-d '[\"{FAILED}\",\"{RECEIVED}\",\"never\"]' "),
            &format!("/cluster/{CLUSTER}/requests"),
        );
        let result = quoted(&format!("@{}", self.folder.path(OUTSTANDING).display()));
        text += &self.curl_as(
            &self.token,
            "the result that is yet to come, as a pipeline without Kafka posts it",
            &format!("-H 'Content-Type: application/json' --data-binary {result} "),
            "/ingest/results",
        );
        let other: OrganizationId = OTHER_ORGANIZATION.parse().map_err(broken)?;
        text += &self.curl_as(
            &self.minter.mint(other, None)?,
            &format!(
                "a cluster of organization {OTHER_ORGANIZATION}, with its token; with the others it is 404"
            ),
            "",
            &format!("/cluster/{FOREIGN_CLUSTER}/requests"),
        );
        let bound = QUIET_CLUSTER.parse().map_err(broken)?;
        text += &self.curl_as(
            &self.minter.mint(self.loaded.organization, Some(bound))?,
            "with a token that is bound to this cluster; for every other cluster it is 403",
            "",
            &format!("/cluster/{QUIET_CLUSTER}/requests"),
        );
        Ok(text)
    }
}

/// The text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
