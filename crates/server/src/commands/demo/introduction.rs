//! What the demo prints for people: where to look, and lines to paste.

use gathering_domain::ids::OrganizationId;

use super::folder::DemoFiles;
use super::loading::{Loaded, OUTSTANDING, Shown};
use super::minter::Minter;
use super::records::{
    CLUSTER, FAILED, FOREIGN_CLUSTER, OTHER_ORGANIZATION, PROCESSED, QUIET_CLUSTER, RECEIVED, broken,
};
use crate::ServerError;
use crate::commands::addresses::Addresses;
use crate::config::AuthMode;

pub(super) struct Introduction<'a> {
    pub(super) addresses: Addresses,
    pub(super) token: String,
    pub(super) loaded: Loaded,
    pub(super) files: &'a DemoFiles,
    pub(super) minter: &'a Minter<'a>,
}

impl Introduction<'_> {
    pub(super) fn text(&self) -> Result<String, ServerError> {
        let Self { loaded, addresses, minter, .. } = self;
        let request = match &loaded.shown {
            Shown::Own => Some((CLUSTER.to_owned(), PROCESSED)),
            Shown::Messages(first) => {
                first.as_ref().map(|(cluster, request)| (cluster.to_string(), request.as_str()))
            }
        };
        let page = request.as_ref().map(|(cluster, _)| format!("#/cluster/{cluster}"));
        // Of callers who say otherwise who they are there is no line.
        let request = request.filter(|_| minter.tokens_count());
        let looked = request.as_ref().map(|(cluster, request)| self.lookups(cluster, request));
        let is_own = minter.tokens_count() && matches!(loaded.shown, Shown::Own);
        let tour = is_own.then(|| self.tour()).transpose()?;
        Ok(format!(
            "The demo runs.{}{}Lines to paste:\n\n\
             {}{}# metrics\ncurl -s {}{}/metrics\n\n\
             Data: {}\n\n\
             Ctrl-C ends the demo, and its folder goes with it.\n",
            self.page(&page.unwrap_or_default()),
            self.caller(),
            looked.unwrap_or_default(),
            tour.unwrap_or_default(),
            trust(&addresses.admin),
            addresses.admin,
            minter.config.storage.url,
        ))
    }

    /// As whom to call.
    fn caller(&self) -> String {
        let organization = self.minter.organization(self.loaded.organization);
        match self.minter.config.auth.mode {
            AuthMode::Jwt => {
                format!("A token for organization {organization} and one day:\n\n{}\n\n", self.token)
            }
            AuthMode::Disabled => {
                format!("Nobody is asked who calls: every call is one of organization {organization}.\n\n")
            }
            AuthMode::IdentityHeader | AuthMode::ClientCertificate => format!(
                "Callers say who they are as `auth.mode` has it, without a token. The data is of organization \
                 {organization}.\n\n"
            ),
        }
    }

    /// Where to look in a browser, unless pages are switched off.
    fn page(&self, fragment: &str) -> String {
        match &self.addresses.origin {
            Some(origin) if self.minter.config.ui.enabled => {
                let token = if self.is_token_asked() { "The page asks for a token. " } else { "" };
                format!(" Look at a cluster in the browser:\n\n{origin}/ui{fragment}\n\n{token}")
            }
            _ => "\n\n".to_owned(),
        }
    }

    const fn is_token_asked(&self) -> bool {
        matches!(self.minter.config.auth.mode, AuthMode::Jwt)
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
        let caller = if self.is_token_asked() {
            format!("-H 'Authorization: Bearer {token}' ")
        } else {
            String::new()
        };
        let trust = trust(api);
        format!("# {question}\ncurl -s {trust}{caller}{options}{api}{path}\n\n")
    }

    /// What there is to see in the demo's own data.
    fn tour(&self) -> Result<String, ServerError> {
        let mut text = self.curl_as(
            &self.token,
            "a request whose analysis failed, one whose result is yet to come, and one that never was",
            &format!("-d '[\"{FAILED}\",\"{RECEIVED}\",\"never\"]' "),
            &format!("/cluster/{CLUSTER}/requests"),
        );
        if self.minter.config.ingest.http.enabled {
            let result = quoted(&format!("@{}", self.files.path(OUTSTANDING).display()));
            text += &self.curl_as(
                &self.token,
                "the result that is yet to come, as a pipeline without Kafka posts it",
                &format!("-H 'Content-Type: application/json' --data-binary {result} "),
                "/ingest/results",
            );
        }
        if !self.is_token_asked() {
            return Ok(text);
        }
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

/// An option of curl: made-up data needs no certificate that everybody trusts.
fn trust(url: &str) -> &'static str {
    if url.starts_with("https") { "-k " } else { "" }
}

/// The text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
