//! Tokens for the demo.

use std::time::Duration;

use gathering_auth::{Scope, SigningKey, TokenRequest};
use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::time::Timestamp;

use crate::ServerError;
use crate::config::Config;

/// Mints tokens that are valid for a day.
pub(super) struct Minter<'a> {
    pub(super) config: &'a Config,
    pub(super) key: SigningKey,
    pub(super) now: Timestamp,
}

impl Minter<'_> {
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
