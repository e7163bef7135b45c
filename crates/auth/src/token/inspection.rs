//! What a token says, for people who wonder why it is rejected. The token itself is never repeated.

use gathering_domain::time::Timestamp;

use super::claims::seconds_of;
use super::mapped::MappedClaims;
use super::parsed::ParsedToken;
use crate::claim_mapping::ClaimMapping;
use crate::rejection::AuthRejection;
use crate::scope::Scope;
use crate::settings::IssuerSettings;

/// One thing that a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The name of the header parameter or claim, such as `exp`, or the pointer to it.
    pub name: String,
    /// Its value for people, or "missing, or not usable". Texts of the token are given as they are, with their control
    /// characters.
    pub value: String,
}

/// What a token says. Nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// In the order in which they are checked. What may be absent, and is, has no entry.
    pub facts: Vec<Fact>,
}

impl Inspection {
    /// Reads a token of at most `limit` bytes. Its times are given relative to `now`. Where it says for whom it is, and what
    /// it permits, the one of `issuers` knows whose token it is; without that one, nobody does.
    ///
    /// # Errors
    /// When the token is too long, cannot be taken apart, or has a header that is never accepted.
    pub fn of(
        token: &str,
        limit: usize,
        issuers: &[IssuerSettings],
        now: Timestamp,
    ) -> Result<Self, AuthRejection> {
        let token = ParsedToken::parse(token, limit)?;
        let claims = &token.claims;
        let text =
            |value: Result<Option<&str>, AuthRejection>| shown(value.map(|text| text.map(str::to_owned)));
        let time = |value: Result<Option<f64>, AuthRejection>| {
            shown(value.map(|time| time.map(|time| moment(time, now))))
        };
        let audiences = claims.audiences().map(|all| (!all.is_empty()).then(|| all.join(", ")));
        let all = [
            ("alg", Some(format!("{:?}", token.algorithm))),
            ("kid", token.key_id.clone()),
            ("iss", text(claims.issuer())),
            ("exp", time(claims.expiry())),
            ("nbf", time(claims.not_before())),
            ("iat", time(claims.issued())),
            ("aud", shown(audiences)),
            ("sub", text(claims.subject())),
        ];
        let issuer = claims.issuer().ok().and_then(|iss| issuers.iter().find(|issuer| issuer.issues_as(iss)));
        let mapped = match issuer {
            Some(issuer) => mapped(&token.mapped(&issuer.mapping)?, &issuer.mapping).to_vec(),
            None => Vec::new(),
        };
        let all = all.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(mapped);
        let fact = |(name, value): (_, Option<String>)| value.map(|value| Fact { name, value });
        Ok(Self { facts: all.filter_map(fact).collect() })
    }
}

/// What the claims of an issuer's own say.
fn mapped(claims: &MappedClaims<'_>, mapping: &ClaimMapping) -> [(String, Option<String>); 3] {
    let organization = claims.organization().map(|organization| {
        let origin = if claims.is_of_default_organization() { " (auth.default_organization)" } else { "" };
        Some(format!("{organization}{origin}"))
    });
    let cluster = claims.cluster().map(|cluster| cluster.map(|cluster| cluster.to_string()));
    let scopes = claims.scopes().map(|scopes| {
        let granted: Vec<_> = scopes.iter().map(Scope::as_str).collect();
        let nothing = || format!("nothing, for want of {}", mapping.scopes.all().join(", "));
        Some(if granted.is_empty() { nothing() } else { granted.join(" ") })
    });
    [
        (mapping.organization.to_string(), shown(organization)),
        (mapping.cluster.to_string(), shown(cluster)),
        (mapping.scope.to_string(), shown(scopes)),
    ]
}

fn shown(value: Result<Option<String>, AuthRejection>) -> Option<String> {
    value.unwrap_or_else(|_| Some("missing, or not usable".to_owned()))
}

/// A time, and its distance from now.
fn moment(seconds: f64, now: Timestamp) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "claims are no later than the year 9999")]
    let (time, distance) =
        (Timestamp::from_micros((seconds * 1e6) as i64), (seconds - seconds_of(now)) as i64);
    match distance {
        0.. => format!("{time} (in {distance} seconds)"),
        _ => format!("{time} ({} seconds ago)", distance.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    fn facts(claims: &Value) -> Vec<(String, String)> {
        facts_for(claims, &[IssuerSettings::default()])
    }

    fn facts_for(claims: &Value, issuers: &[IssuerSettings]) -> Vec<(String, String)> {
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let token = format!("{}.{}.c2VjcmV0", encode(&json!({"alg": "ES256", "kid": "one"})), encode(claims));
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let facts = Inspection::of(&token, 8192, issuers, now).unwrap().facts;
        assert!(facts.iter().all(|fact| !token.contains(&fact.value) || fact.value.len() < 6));
        facts.into_iter().map(|fact| (fact.name, fact.value)).collect()
    }

    #[test]
    fn a_token_is_told_without_being_repeated() {
        let claims = json!({
            "org_id": "42", "exp": 1_799_999_940, "iat": 1_800_000_060, "aud": ["one", "two"], "scope": "openid",
            "cluster_id": "nonsense"
        });
        let expected = [
            ("alg", "ES256"),
            ("kid", "one"),
            ("exp", "2027-01-15T07:59:00Z (60 seconds ago)"),
            ("iat", "2027-01-15T08:01:00Z (in 60 seconds)"),
            ("aud", "one, two"),
            ("org_id", "42"),
            ("cluster_id", "missing, or not usable"),
            ("scope", "nothing, for want of read, write, write:any"),
        ];
        assert_eq!(facts(&claims), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn claims_are_those_of_the_issuer() {
        let own = ClaimMapping {
            organization: "/organization/id".parse().unwrap(),
            scope: "roles".parse().unwrap(),
            default_organization: Some("7".parse().unwrap()),
            ..ClaimMapping::default()
        };
        let issuer = |name: &str, mapping| IssuerSettings {
            issuer: Some(name.to_owned()),
            mapping,
            ..IssuerSettings::default()
        };
        let issuers = [issuer("a", ClaimMapping::default()), issuer("b", own)];
        let mapped = |issuer: &str, organization: Value| {
            let claims = json!({"iss": issuer, "org_id": 5, "scope": "write", "roles": ["read", "x"], "organization": organization});
            let all = facts_for(&claims, &issuers);
            let mapped =
                all.into_iter().filter(|(name, _)| !["alg", "kid", "iss", "exp"].contains(&name.as_str()));
            mapped.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
        };
        assert_eq!(mapped("a", json!({})), ["org_id: 5", "scope: write"]);
        assert_eq!(mapped("b", json!({"id": 6})), ["/organization/id: 6", "roles: read"]);
        assert_eq!(mapped("b", json!({})), ["/organization/id: missing, or not usable", "roles: read"]);
        assert_eq!(mapped("b", json!(6)), ["/organization/id: missing, or not usable", "roles: read"]);
        let told = facts_for(&json!({"iss": "b"}), &issuers);
        assert!(told.contains(&("/organization/id".to_owned(), "7 (auth.default_organization)".to_owned())));
        assert!(mapped("c", json!({"id": 6})).is_empty(), "nobody knows what its claims mean");
    }

    #[test]
    fn what_has_to_be_there_is_missed() {
        let told = facts(&json!({}));
        assert_eq!(told.last().unwrap(), &("scope".to_owned(), "read".to_owned()));
        assert!(told.contains(&("org_id".to_owned(), "missing, or not usable".to_owned())));
        assert!(matches!(
            Inspection::of("nonsense", 8192, &[], Timestamp::from_micros(0)),
            Err(AuthRejection::Malformed)
        ));
    }
}
