//! Where a service answers, as `serve` and `demo` tell it.

use gathering_domain::ids::OrganizationId;
use serde::Serialize;

use super::console::print;
use super::health::reachable;
use crate::ServerError;
use crate::config::Config;
use crate::service::Service;

/// Addresses that can be called from this machine.
pub(super) struct Addresses {
    /// The scheme and address of the API; nothing in the role `ingest`.
    pub(super) origin: Option<String>,
    /// The same with the first base path, without a slash at its end: what the paths of the endpoints follow.
    pub(super) api: Option<String>,
    pub(super) admin: String,
}

impl Addresses {
    pub(super) fn of(config: &Config, service: &Service) -> Self {
        let origin = |url: String, address| {
            let scheme = if url.starts_with("https") { "https" } else { "http" };
            format!("{scheme}://{}", reachable(address))
        };
        let base = config.http.base_paths.first().map(ToString::to_string).unwrap_or_default();
        let api = service.api_url().zip(service.api_address()).map(|(url, address)| origin(url, address));
        Self {
            api: api.as_ref().map(|api| format!("{api}{}", base.trim_end_matches('/'))),
            origin: api,
            admin: origin(service.admin_url(), service.admin_address()),
        }
    }

    /// Prints the line of `--json`, which programs read that start this one. What stands in it stays; more may come.
    pub(super) fn print_line(
        &self,
        token: Option<&str>,
        organization: Option<OrganizationId>,
    ) -> Result<(), ServerError> {
        #[derive(Serialize)]
        struct Line<'a> {
            api: Option<&'a str>,
            admin: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            token: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            organization: Option<OrganizationId>,
        }
        let line = Line { api: self.api.as_deref(), admin: &self.admin, token, organization };
        print(serde_json::to_string(&line).unwrap_or_default() + "\n")
    }
}
