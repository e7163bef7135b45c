//! What a token says, for people who wonder why it is rejected. The token itself is never repeated.

use gathering_domain::time::Timestamp;

use super::claims::seconds_of;
use super::parsed::ParsedToken;
use crate::rejection::AuthRejection;
use crate::scope::Scope;

/// One thing that a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The name of the header parameter or claim, such as `exp`.
    pub name: &'static str,
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
    /// Reads a token of at most `limit` bytes. Its times are given relative to `now`.
    ///
    /// # Errors
    /// When the token is too long, cannot be taken apart, or has a header that is never accepted.
    pub fn of(token: &str, limit: usize, now: Timestamp) -> Result<Self, AuthRejection> {
        let token = ParsedToken::parse(token, limit)?;
        let claims = &token.claims;
        let text =
            |value: Result<Option<&str>, AuthRejection>| shown(value.map(|text| text.map(str::to_owned)));
        let time = |value: Result<Option<f64>, AuthRejection>| {
            shown(value.map(|time| time.map(|time| moment(time, now))))
        };
        let audiences = claims.audiences().map(|all| (!all.is_empty()).then(|| all.join(", ")));
        let scopes = claims.scopes().map(|scopes| {
            let words: Vec<_> = scopes.into_iter().map(Scope::as_str).collect();
            Some(if words.is_empty() { "none of read, write, write:any".to_owned() } else { words.join(" ") })
        });
        let all = [
            ("alg", Some(format!("{:?}", token.algorithm))),
            ("kid", token.key_id.clone()),
            ("iss", text(claims.issuer())),
            ("exp", time(claims.expiry())),
            ("nbf", time(claims.not_before())),
            ("iat", time(claims.issued())),
            ("aud", shown(audiences)),
            ("sub", text(claims.subject())),
            ("org_id", shown(claims.organization().map(|organization| Some(organization.to_string())))),
            ("cluster_id", shown(claims.cluster().map(|cluster| cluster.map(|cluster| cluster.to_string())))),
            ("scope", shown(scopes)),
        ];
        let fact = |(name, value): (_, Option<String>)| value.map(|value| Fact { name, value });
        Ok(Self { facts: all.into_iter().filter_map(fact).collect() })
    }
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

    fn facts(claims: &Value) -> Vec<(&'static str, String)> {
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let token = format!("{}.{}.c2VjcmV0", encode(&json!({"alg": "ES256", "kid": "one"})), encode(claims));
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let facts = Inspection::of(&token, 8192, now).unwrap().facts;
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
            ("scope", "none of read, write, write:any"),
        ];
        assert_eq!(facts(&claims), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn what_has_to_be_there_is_missed() {
        let told = facts(&json!({}));
        assert_eq!(told.last().unwrap(), &("scope", "read".to_owned()));
        assert!(told.contains(&("org_id", "missing, or not usable".to_owned())));
        assert!(matches!(
            Inspection::of("nonsense", 8192, Timestamp::from_micros(0)),
            Err(AuthRejection::Malformed)
        ));
    }
}
