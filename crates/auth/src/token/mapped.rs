//! What tokens say of their callers in claims that every provider names as it likes: organization, cluster and scopes.

use gathering_domain::ids::{ClusterId, OrganizationId};
use serde_json::value::RawValue;

use super::claims::Claims;
use crate::claim_mapping::ClaimMapping;
use crate::claim_path::ClaimPath;
use crate::identity::Identity;
use crate::json::{Found, elements, follow, members, organization, scalar, text};
use crate::rejection::AuthRejection;
use crate::scope::Scopes;

/// What is where the mapping of the issuer says, of any JSON type.
pub(crate) struct MappedClaims<'a> {
    mapping: &'a ClaimMapping,
    organization: Found<'a>,
    cluster: Found<'a>,
    scope: Found<'a>,
}

impl<'a> MappedClaims<'a> {
    /// Finds the claims in a payload. A name that comes twice is an error, at every place on the way to a claim.
    pub(crate) fn find(payload: &'a str, mapping: &'a ClaimMapping) -> Result<Self, AuthRejection> {
        let ClaimMapping { organization, cluster, scope, .. } = mapping;
        let names = [organization.claim(), cluster.claim(), scope.claim()];
        let members = members(payload, &names).ok_or(AuthRejection::Malformed)?;
        if members.has_duplicate {
            return Err(AuthRejection::Malformed);
        }
        let end = |start, path: &ClaimPath| follow(start, path.inner()).ok_or(AuthRejection::Malformed);
        let [organization_claim, cluster_claim, scope_claim] = members.found();
        let organization = match end(organization_claim, organization)? {
            Found::Nothing if begins_to_name(payload, organization_claim, organization) => Found::NoWay,
            found => found,
        };
        Ok(Self {
            mapping,
            organization,
            cluster: end(cluster_claim, cluster)?,
            scope: end(scope_claim, scope)?,
        })
    }

    /// The caller, whose issuer and subject are among the other claims.
    pub(crate) fn identity(&self, claims: &Claims) -> Result<Identity, AuthRejection> {
        let (organization, cluster) = (self.organization()?, self.cluster()?);
        let scopes = self.scopes()?.iter();
        Ok(Identity::from_token(organization, cluster, claims.issuer()?, claims.subject()?, scopes))
    }

    /// The organization, or the default one of a token without its claim. What ends in nothing, or is null, is no such token: who
    /// is said to have no organization may well be somebody whom nobody has given one.
    pub(crate) fn organization(&self) -> Result<OrganizationId, AuthRejection> {
        let found = match self.organization {
            Found::Value(value) => scalar(value).as_ref().and_then(organization),
            Found::Nothing => self.mapping.default_organization,
            Found::Null | Found::NoWay => None,
        };
        found.ok_or(AuthRejection::TokenOrganization)
    }

    /// Whether the organization is the default one.
    pub(crate) const fn is_of_default_organization(&self) -> bool {
        matches!(self.organization, Found::Nothing)
    }

    pub(crate) fn cluster(&self) -> Result<Option<ClusterId>, AuthRejection> {
        const WRONG: AuthRejection = AuthRejection::TokenCluster;
        match self.cluster {
            Found::Nothing | Found::Null => Ok(None),
            Found::Value(value) => text(value).ok_or(WRONG)?.parse().map(Some).map_err(|_| WRONG),
            Found::NoWay => Err(WRONG),
        }
    }

    /// What the words of the token grant. Those that are none of ours are for other services.
    pub(crate) fn scopes(&self) -> Result<Scopes, AuthRejection> {
        let words = &self.mapping.scopes;
        match self.scope {
            Found::Nothing | Found::Null => Ok(words.granted_to_absent()),
            Found::Value(value) => {
                granted(value, |word| words.granted(word)).ok_or(AuthRejection::TokenScope)
            }
            Found::NoWay => Err(AuthRejection::TokenScope),
        }
    }
}

/// Whether a token says something of its organization although there is nothing at the end of the path: its claim is there, or is
/// spelled in another letter case.
fn begins_to_name(payload: &str, claim: Found<'_>, path: &ClaimPath) -> bool {
    let has_other_case = || members(payload, &[path.claim()]).is_none_or(|members| members.has_other_case);
    !matches!(claim, Found::Nothing) || has_other_case()
}

/// What the words of a text or of a list grant together; `None` for anything else. A word of a list is a whole element: no
/// name with spaces in it, such as that of a group, can bring a word in.
fn granted(value: &RawValue, grant: impl Fn(&str) -> Scopes) -> Option<Scopes> {
    if let Some(words) = text(value) {
        return Some(words.split(' ').map(grant).collect());
    }
    let present = elements(value)?.into_iter().filter(|element| element.get() != "null");
    present.map(|element| text(element).map(|word| grant(&word))).collect()
}

#[cfg(test)]
mod tests;
