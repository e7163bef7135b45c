//! The claims that this service reads. To add one, add a field to [`Claims`] and a method that checks its JSON type.

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::identity::Identity;
use crate::json::organization;
use crate::rejection::AuthRejection;
use crate::scope::Scope;

/// The claims of a token, of any JSON type. A claim that comes twice is an error, and one that is null counts as absent.
#[derive(Deserialize)]
pub(crate) struct Claims {
    org_id: Option<Value>,
    cluster_id: Option<Value>,
    scope: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    iss: Option<Value>,
    aud: Option<Value>,
    sub: Option<Value>,
}

/// What the claims are checked against.
pub(crate) struct Validation<'a> {
    pub(crate) audience: Option<&'a str>,
    pub(crate) leeway_seconds: f64,
    pub(crate) now: Timestamp,
}

/// The last second of the year 9999. A later time is in milliseconds, or means "never".
const LAST_SECOND: f64 = 253_402_300_799.0;

impl Claims {
    /// Checks times and audience, and builds the identity from the rest. Also returns `exp`, in seconds since 1970.
    pub(crate) fn identity(&self, validation: &Validation<'_>) -> Result<(Identity, f64), AuthRejection> {
        let now = seconds_of(validation.now);
        let expiry = self.expiry()?.ok_or(AuthRejection::Claim("exp"))?;
        if now >= expiry + validation.leeway_seconds {
            return Err(AuthRejection::Expired);
        }
        // A token of the future comes from a clock that is wrong, or from somebody who makes tokens for later.
        for start in [self.not_before()?, self.issued()?] {
            if start.is_some_and(|start| now < start - validation.leeway_seconds) {
                return Err(AuthRejection::NotYetValid);
            }
        }
        let audiences = self.audiences()?;
        if validation.audience.is_some_and(|audience| !audiences.contains(&audience)) {
            return Err(AuthRejection::Audience);
        }
        let issuer = self.issuer()?;
        let identity = Identity::from_token(
            self.organization()?,
            self.cluster()?,
            issuer,
            self.subject()?,
            self.scopes()?,
        );
        Ok((identity, expiry))
    }

    pub(crate) fn issuer(&self) -> Result<Option<&str>, AuthRejection> {
        text("iss", self.iss.as_ref())
    }

    pub(crate) fn subject(&self) -> Result<Option<&str>, AuthRejection> {
        text("sub", self.sub.as_ref())
    }

    pub(crate) fn expiry(&self) -> Result<Option<f64>, AuthRejection> {
        seconds("exp", self.exp.as_ref())
    }

    pub(crate) fn not_before(&self) -> Result<Option<f64>, AuthRejection> {
        seconds("nbf", self.nbf.as_ref())
    }

    pub(crate) fn issued(&self) -> Result<Option<f64>, AuthRejection> {
        seconds("iat", self.iat.as_ref())
    }

    pub(crate) fn audiences(&self) -> Result<Vec<&str>, AuthRejection> {
        const WRONG: AuthRejection = AuthRejection::Claim("aud");
        match &self.aud {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) => {
                let present = many.iter().filter(|one| !one.is_null());
                present.map(|one| one.as_str().ok_or(WRONG)).collect()
            }
            Some(_) => Err(WRONG),
        }
    }

    pub(crate) fn organization(&self) -> Result<OrganizationId, AuthRejection> {
        self.org_id.as_ref().and_then(organization).ok_or(AuthRejection::Claim("org_id"))
    }

    pub(crate) fn cluster(&self) -> Result<Option<ClusterId>, AuthRejection> {
        let parse = |text: &str| text.parse().map_err(|_| AuthRejection::Claim("cluster_id"));
        text("cluster_id", self.cluster_id.as_ref())?.map(parse).transpose()
    }

    /// `read` where the claim is absent. Unknown words are ignored, since they are for other services.
    pub(crate) fn scopes(&self) -> Result<Vec<Scope>, AuthRejection> {
        Ok(match text("scope", self.scope.as_ref())? {
            None => vec![Scope::Read],
            Some(words) => words.split(' ').filter_map(|word| word.parse().ok()).collect(),
        })
    }
}

fn text<'a>(name: &'static str, value: Option<&'a Value>) -> Result<Option<&'a str>, AuthRejection> {
    value.map(|value| value.as_str().ok_or(AuthRejection::Claim(name))).transpose()
}

/// A time in seconds since 1970, with a fraction or without (`NumericDate`, RFC 7519 section 2).
fn seconds(name: &'static str, value: Option<&Value>) -> Result<Option<f64>, AuthRejection> {
    let usable = |value: &Value| value.as_f64().filter(|seconds| *seconds <= LAST_SECOND);
    value.map(|value| usable(value).ok_or(AuthRejection::Claim(name))).transpose()
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of this age are far below 2^53 seconds")]
pub(crate) fn seconds_of(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use gathering_domain::intake::WriteGrant;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn identity_for(claims: &Value, audience: Option<&str>) -> Result<Identity, AuthRejection> {
        let now = Timestamp::from_micros(NOW * 1_000_000);
        let claims: Claims = serde_json::from_value(claims.clone()).unwrap();
        claims.identity(&Validation { audience, leeway_seconds: 60.0, now }).map(|(identity, _)| identity)
    }

    fn identity(claims: &Value) -> Result<Identity, AuthRejection> {
        identity_for(claims, None)
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
            assert_eq!(identity(&with("org_id", &value)), Err(AuthRejection::Claim("org_id")), "{value}");
        }
        assert_eq!(identity(&json!({"exp": NOW + 600})), Err(AuthRejection::Claim("org_id")));
    }

    #[test]
    fn expiry_is_required_and_allows_for_skew() {
        assert_eq!(identity(&json!({"org_id": 42})), Err(AuthRejection::Claim("exp")));
        assert!(identity(&with("exp", &json!(NOW - 59))).is_ok());
        assert!(identity(&with("exp", &json!(f64::from(i32::try_from(NOW).unwrap()) - 59.5))).is_ok());
        assert_eq!(identity(&with("exp", &json!(NOW - 60))), Err(AuthRejection::Expired));
        assert_eq!(identity(&with("exp", &json!(-1))), Err(AuthRejection::Expired));
        for wrong in [json!("9999999999"), json!(null), json!([NOW + 600]), json!({}), json!(true)] {
            assert_eq!(identity(&with("exp", &wrong)), Err(AuthRejection::Claim("exp")), "{wrong}");
        }
    }

    #[test]
    fn times_after_the_year_9999_are_none() {
        assert!(identity(&with("exp", &json!(253_402_300_799_i64))).is_ok());
        for far in [json!(253_402_300_800_i64), json!(NOW * 1000 + 600_000), json!(u64::MAX), json!(1e300)] {
            assert_eq!(identity(&with("exp", &far)), Err(AuthRejection::Claim("exp")), "{far}");
            assert_eq!(identity(&with("nbf", &far)), Err(AuthRejection::Claim("nbf")), "{far}");
        }
        assert_eq!(identity(&with("exp", &json!(-1e300))), Err(AuthRejection::Expired));
    }

    #[test]
    fn a_token_from_the_future_is_refused() {
        assert!(identity(&with("iat", &json!(NOW + 60))).is_ok());
        assert_eq!(identity(&with("iat", &json!(NOW + 61))), Err(AuthRejection::NotYetValid));
        assert_eq!(identity(&with("iat", &json!("1"))), Err(AuthRejection::Claim("iat")));
    }

    #[test]
    fn a_start_in_the_future_is_refused() {
        assert!(identity(&with("nbf", &json!(NOW + 60))).is_ok());
        assert_eq!(identity(&with("nbf", &json!(NOW + 61))), Err(AuthRejection::NotYetValid));
        assert_eq!(identity(&with("nbf", &json!("0"))), Err(AuthRejection::Claim("nbf")));
    }

    #[test]
    fn the_audience_counts_when_configured() {
        let check = |audience: &Value| identity_for(&with("aud", audience), Some("gathering")).err();
        assert_eq!(identity_for(&with("sub", &json!("x")), Some("gathering")), Err(AuthRejection::Audience));
        for (audience, refused) in [
            (json!("gathering"), None),
            (json!(["other", "gathering"]), None),
            (json!("gatherin"), Some(AuthRejection::Audience)),
            (json!([]), Some(AuthRejection::Audience)),
            (json!([null]), Some(AuthRejection::Audience)),
            (json!([null, "gathering"]), None),
            (json!(null), Some(AuthRejection::Audience)),
            (json!([1, "gathering"]), Some(AuthRejection::Claim("aud"))),
            (json!(7), Some(AuthRejection::Claim("aud"))),
        ] {
            assert_eq!(check(&audience), refused, "{audience}");
        }
        assert!(identity(&with("aud", &json!("whoever"))).is_ok());
        assert_eq!(identity(&with("iss", &json!(["https://sso"]))), Err(AuthRejection::Claim("iss")));
        assert_eq!(identity(&with("sub", &json!(7))), Err(AuthRejection::Claim("sub")));
    }

    #[test]
    fn scopes_default_to_read() {
        let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
        let own = |organization| Some(WriteGrant::new(organization, None).given_to("42".parse().unwrap()));
        let may = |scope: &Value| {
            let identity = identity(&with("scope", scope)).unwrap();
            (identity.read(cluster).is_ok(), identity.write().ok())
        };
        assert!(identity(&with("sub", &json!("me"))).unwrap().read(cluster).is_ok());
        assert_eq!(may(&json!("")), (false, None));
        assert_eq!(may(&json!("openid write")), (false, own(Some("42".parse().unwrap()))));
        assert_eq!(may(&json!("read write:any")), (true, own(None)));
        for not_a_scope in ["READ", "read,write", "read\twrite", "write:", "write:*", "admin"] {
            assert_eq!(may(&json!(not_a_scope)), (false, None), "{not_a_scope}");
        }
        assert_eq!(identity(&with("scope", &json!(["read"]))), Err(AuthRejection::Claim("scope")));
    }

    #[test]
    fn null_is_absent() {
        let all = json!({
            "org_id": 42, "exp": NOW + 600, "nbf": null, "iat": null, "iss": null, "sub": null, "aud": null, "scope": null,
            "cluster_id": null
        });
        assert_eq!(identity(&all), identity(&with("other", &json!(null))));
        let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
        let caller = identity(&all).unwrap();
        assert!(caller.read(cluster).is_ok() && caller.write().is_err());
    }

    #[test]
    fn a_binding_that_cannot_be_read_is_not_ignored() {
        let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
        let bound = identity(&with("cluster_id", &json!(cluster))).unwrap();
        assert!(bound.read(cluster.parse().unwrap()).is_ok());
        assert!(bound.read("00000000-0000-0000-0000-000000000001".parse().unwrap()).is_err());
        for value in [json!(""), json!("null"), json!("aaaa"), json!(1), json!([cluster])] {
            assert_eq!(
                identity(&with("cluster_id", &value)),
                Err(AuthRejection::Claim("cluster_id")),
                "{value}"
            );
        }
    }
}
