//! Tokens for the demo.

use std::time::Duration;

use gathering_auth::{Scope, SigningKey, TokenRequest};
use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::time::Timestamp;

use crate::ServerError;
use crate::config::{AuthMode, Config};

/// Mints tokens that are valid for a day.
pub(super) struct Minter<'a> {
    pub(super) config: &'a Config,
    pub(super) key: SigningKey,
    pub(super) now: Timestamp,
}

impl Minter<'_> {
    /// Whose data callers see, of which that of an organization is there.
    pub(super) const fn organization(&self, of_data: OrganizationId) -> OrganizationId {
        match self.config.auth.mode {
            AuthMode::Disabled => self.config.auth.disabled_org,
            _ => of_data,
        }
    }

    /// Whether a call may have a token: it is asked for, or nothing is.
    pub(super) const fn tokens_count(&self) -> bool {
        matches!(self.config.auth.mode, AuthMode::Jwt | AuthMode::Disabled)
    }

    pub(super) fn mint(
        &self,
        organization: OrganizationId,
        cluster: Option<ClusterId>,
    ) -> Result<String, ServerError> {
        let auth = &self.config.auth;
        let request = TokenRequest {
            organization,
            cluster,
            scopes: vec![Scope::Read, Scope::Write],
            lifetime: Duration::from_secs(24 * 60 * 60),
            issuer: auth.issuer.clone(),
            audience: auth.audience.clone(),
            subject: Some("demo".to_owned()),
            key_id: None,
            mapping: self.config.claim_mapping(),
        };
        Ok(request.mint(&self.key, self.now)?)
    }
}
