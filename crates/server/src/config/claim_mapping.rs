//! What an issuer's tokens say, and where: its own settings, or those for all issuers where it has none.

use gathering_auth::{ClaimMapping, ScopeWords};

use super::auth::{Auth, AuthMode, Claims, Issuer, Scopes};
use super::sections::Config;

impl Config {
    /// The mapping of issuers that have none of their own.
    pub fn claim_mapping(&self) -> ClaimMapping {
        let Auth { claims, scopes, default_organization, .. } = &self.auth;
        over(&ClaimMapping::default(), claims, scopes, Some(*default_organization))
    }

    /// The settings to change if tokens without scopes shall not read, each once: see [`ClaimMapping::lets_strangers_read`]. None in
    /// modes without tokens.
    pub(crate) fn settings_for_strangers(&self) -> Vec<String> {
        if self.auth.mode != AuthMode::Jwt {
            return Vec::new();
        }
        let setting = |number: usize| match self.auth.issuers.get(number) {
            Some(issuer) if issuer.scopes.absent.is_some() => format!("auth.issuers[{number}].scopes.absent"),
            _ => "auth.scopes.absent".to_owned(),
        };
        let issuers = self.issuers();
        let open = issuers.iter().enumerate().filter(|(_, issuer)| issuer.mapping.lets_strangers_read());
        let mut settings: Vec<_> = open.map(|(number, _)| setting(number)).collect();
        settings.sort_unstable();
        settings.dedup();
        settings
    }
}

impl Issuer {
    /// The mapping of this issuer.
    pub(super) fn claim_mapping(&self, all: &ClaimMapping) -> ClaimMapping {
        over(all, &self.claims, &self.scopes, self.default_organization)
    }
}

/// A mapping in which each setting that there is replaces the one of before. Organization 0 is none.
fn over(before: &ClaimMapping, claims: &Claims, scopes: &Scopes, organization: Option<u32>) -> ClaimMapping {
    fn either<T: Clone>(own: Option<&T>, before: &T) -> T {
        own.unwrap_or(before).clone()
    }
    ClaimMapping {
        organization: either(claims.organization.as_ref(), &before.organization),
        cluster: either(claims.cluster.as_ref(), &before.cluster),
        scope: either(claims.scope.as_ref(), &before.scope),
        default_organization: match organization {
            Some(organization) => organization.try_into().ok(),
            None => before.default_organization,
        },
        scopes: ScopeWords {
            read: either(scopes.read.as_ref(), &before.scopes.read),
            write: either(scopes.write.as_ref(), &before.scopes.write),
            write_any: either(scopes.write_any.as_ref(), &before.scopes.write_any),
            absent: either(scopes.absent.as_ref(), &before.scopes.absent),
        },
    }
}
