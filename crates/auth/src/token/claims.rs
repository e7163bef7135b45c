//! The claims that this service reads, each checked for its JSON type before anything is made of it.

use gathering_domain::{ClusterId, OrganizationId, Timestamp};
use serde_json::{Map, Value};

use crate::{Identity, Refused, Scope};

/// The claims of a token whose signature was verified.
pub(crate) struct Claims(Map<String, Value>);

/// What the claims are held against.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: Option<&'a str>,
    pub(crate) audience: Option<&'a str>,
    pub(crate) leeway_seconds: f64,
    pub(crate) now: Timestamp,
}

impl Claims {
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Refused> {
        serde_json::from_slice(payload).map(Self).map_err(|_| Refused::Malformed)
    }

    /// Checks times, issuer and audience, and makes the identity of the rest.
    pub(crate) fn identity(&self, expected: &Expected<'_>) -> Result<Identity, Refused> {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this age are far below 2^53 seconds")]
        let now = expected.now.as_micros() as f64 / 1e6;
        let expiry = self.seconds("exp")?.ok_or(Refused::Claim("exp"))?;
        if now >= expiry + expected.leeway_seconds {
            return Err(Refused::Expired);
        }
        if self.seconds("nbf")?.is_some_and(|start| now < start - expected.leeway_seconds) {
            return Err(Refused::NotYetValid);
        }
        let issuer = self.text("iss")?;
        if expected.issuer.is_some() && issuer != expected.issuer {
            return Err(Refused::Issuer);
        }
        let audiences = self.audiences()?;
        if expected.audience.is_some_and(|audience| !audiences.contains(&audience)) {
            return Err(Refused::Audience);
        }
        Ok(Identity::new(
            self.organization()?,
            self.cluster()?,
            self.text("sub")?.map(str::to_owned),
            self.scopes()?,
        ))
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, Refused> {
        self.0.get(name).map(|value| value.as_str().ok_or(Refused::Claim(name))).transpose()
    }

    /// A time in seconds since 1970, with a fraction or without (`NumericDate`, RFC 7519 section 2).
    fn seconds(&self, name: &'static str) -> Result<Option<f64>, Refused> {
        self.0.get(name).map(|value| value.as_f64().ok_or(Refused::Claim(name))).transpose()
    }

    fn audiences(&self) -> Result<Vec<&str>, Refused> {
        const WRONG: Refused = Refused::Claim("aud");
        match self.0.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) => many.iter().map(|one| one.as_str().ok_or(WRONG)).collect(),
            Some(_) => Err(WRONG),
        }
    }

    fn organization(&self) -> Result<OrganizationId, Refused> {
        let organization = match self.0.get("org_id") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(number)) => number
                .as_u64()
                .and_then(|number| u32::try_from(number).ok())
                .and_then(|number| OrganizationId::try_from(number).ok()),
            _ => None,
        };
        organization.ok_or(Refused::Claim("org_id"))
    }

    fn cluster(&self) -> Result<Option<ClusterId>, Refused> {
        let parse = |text: &str| text.parse().map_err(|_| Refused::Claim("cluster_id"));
        self.text("cluster_id")?.map(parse).transpose()
    }

    /// Scopes of other services are not ours to judge: unknown words are left out.
    fn scopes(&self) -> Result<Vec<Scope>, Refused> {
        Ok(match self.text("scope")? {
            None => vec![Scope::Read],
            Some(words) => words.split(' ').filter_map(|word| word.parse().ok()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn identity_at(
        claims: &Value,
        now: i64,
        issuer: Option<&str>,
        audience: Option<&str>,
    ) -> Result<Identity, Refused> {
        let now = Timestamp::from_micros(now * 1_000_000);
        Claims::parse(claims.to_string().as_bytes())?.identity(&Expected {
            issuer,
            audience,
            leeway_seconds: 60.0,
            now,
        })
    }

    fn identity(claims: &Value) -> Result<Identity, Refused> {
        identity_at(claims, NOW, None, None)
    }

    fn with(name: &str, value: &Value) -> Value {
        let mut claims = json!({"org_id": 42, "exp": NOW + 600});
        claims[name] = value.clone();
        claims
    }

    #[test]
    fn organization_is_a_number_or_its_digits() {
        for value in [json!(42), json!("42"), json!("0042")] {
            assert_eq!(identity(&with("org_id", &value)).unwrap().organization().get(), 42);
        }
        for value in [
            json!(0),
            json!(-1),
            json!(1.5),
            json!(42.0),
            json!(4_294_967_296_u64),
            json!("0"),
            json!(""),
            json!("42 "),
            json!("4294967296"),
            json!(null),
            json!(true),
            json!([42]),
        ] {
            assert_eq!(identity(&with("org_id", &value)), Err(Refused::Claim("org_id")), "{value}");
        }
        assert_eq!(identity(&json!({"exp": NOW + 600})), Err(Refused::Claim("org_id")));
    }

    #[test]
    fn expiry_is_required_and_allows_for_skew() {
        assert_eq!(identity(&json!({"org_id": 42})), Err(Refused::Claim("exp")));
        assert!(identity(&with("exp", &json!(NOW - 59))).is_ok());
        assert!(identity(&with("exp", &json!(f64::from(i32::try_from(NOW).unwrap()) - 59.5))).is_ok());
        assert_eq!(identity(&with("exp", &json!(NOW - 60))), Err(Refused::Expired));
        assert_eq!(identity(&with("exp", &json!(-1))), Err(Refused::Expired));
        for wrong in [json!("9999999999"), json!(null), json!([NOW + 600]), json!({}), json!(true)] {
            assert_eq!(identity(&with("exp", &wrong)), Err(Refused::Claim("exp")), "{wrong}");
        }
    }

    #[test]
    fn a_start_in_the_future_is_refused() {
        assert!(identity(&with("nbf", &json!(NOW + 60))).is_ok());
        assert_eq!(identity(&with("nbf", &json!(NOW + 61))), Err(Refused::NotYetValid));
        assert_eq!(identity(&with("nbf", &json!("0"))), Err(Refused::Claim("nbf")));
        assert_eq!(identity(&with("nbf", &json!(null))), Err(Refused::Claim("nbf")));
    }

    #[test]
    fn issuer_and_audience_count_when_configured() {
        let check = |claims: &Value| identity_at(claims, NOW, Some("https://sso"), Some("gathering"));
        let mut claims = with("iss", &json!("https://sso"));
        assert_eq!(check(&claims), Err(Refused::Audience));
        for audience in [json!("gathering"), json!(["other", "gathering"])] {
            claims["aud"] = audience;
            assert!(check(&claims).is_ok());
        }
        for (audience, refused) in [
            (json!("gatherin"), Refused::Audience),
            (json!([]), Refused::Audience),
            (json!([1, "gathering"]), Refused::Claim("aud")),
            (json!(7), Refused::Claim("aud")),
        ] {
            claims["aud"] = audience;
            assert_eq!(check(&claims), Err(refused));
        }
        claims["iss"] = json!("https://sso/");
        assert_eq!(check(&claims), Err(Refused::Issuer));
        claims["iss"] = json!(["https://sso"]);
        assert_eq!(check(&claims), Err(Refused::Claim("iss")));
        assert!(identity(&with("aud", &json!("whoever"))).is_ok());
    }

    #[test]
    fn scopes_default_to_read() {
        let has = |scope: &str| {
            let identity = identity(&with("scope", &json!(scope))).unwrap();
            [Scope::Read, Scope::Write, Scope::WriteAny].map(|scope| identity.has(scope))
        };
        assert!(identity(&with("sub", &json!("me"))).unwrap().has(Scope::Read));
        assert_eq!(has(""), [false, false, false]);
        assert_eq!(has("openid write"), [false, true, false]);
        assert_eq!(has("read write:any"), [true, false, true]);
        assert_eq!(identity(&with("scope", &json!(["read"]))), Err(Refused::Claim("scope")));
    }

    #[test]
    fn a_binding_that_cannot_be_read_is_not_ignored() {
        let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
        let bound = identity(&with("cluster_id", &json!(cluster))).unwrap();
        assert_eq!(bound.cluster(), Some(cluster.parse().unwrap()));
        for value in [json!(null), json!(""), json!("aaaa"), json!(1), json!([cluster])] {
            assert_eq!(identity(&with("cluster_id", &value)), Err(Refused::Claim("cluster_id")), "{value}");
        }
    }

    #[test]
    fn claims_are_an_object() {
        for payload in ["", "[]", "null", "{", "{} {}"] {
            assert_eq!(Claims::parse(payload.as_bytes()).err(), Some(Refused::Malformed), "{payload}");
        }
    }
}
