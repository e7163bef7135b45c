//! The claims whose names a standard sets (RFC 7519 section 4.1). To add one, add a field to [`Claims`] and a method that
//! checks its JSON type. What providers name as they like is read by [`mapped`](super::mapped).

use gathering_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::rejection::AuthRejection;

/// These claims of a token, of any JSON type. A claim that comes twice is an error, and one that is null counts as absent.
#[derive(Deserialize)]
pub(crate) struct Claims {
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
    /// Checks times, audience, issuer and subject, and returns `exp`, in seconds since 1970.
    pub(crate) fn check(&self, validation: &Validation<'_>) -> Result<f64, AuthRejection> {
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
        self.issuer()?;
        self.subject()?;
        Ok(expiry)
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
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn check_for(claims: &Value, audience: Option<&str>) -> Result<f64, AuthRejection> {
        let now = Timestamp::from_micros(NOW * 1_000_000);
        let claims: Claims = serde_json::from_value(claims.clone()).unwrap();
        claims.check(&Validation { audience, leeway_seconds: 60.0, now })
    }

    fn check(claims: &Value) -> Result<f64, AuthRejection> {
        check_for(claims, None)
    }

    fn with(name: &str, value: &Value) -> Value {
        let mut claims = json!({"exp": NOW + 600});
        claims[name] = value.clone();
        claims
    }

    #[test]
    fn expiry_is_required_and_allows_for_skew() {
        assert_eq!(check(&json!({})), Err(AuthRejection::Claim("exp")));
        assert!(check(&with("exp", &json!(NOW - 59))).is_ok());
        assert!(check(&with("exp", &json!(f64::from(i32::try_from(NOW).unwrap()) - 59.5))).is_ok());
        assert_eq!(check(&with("exp", &json!(NOW - 60))), Err(AuthRejection::Expired));
        assert_eq!(check(&with("exp", &json!(-1))), Err(AuthRejection::Expired));
        for wrong in [json!("9999999999"), json!(null), json!([NOW + 600]), json!({}), json!(true)] {
            assert_eq!(check(&with("exp", &wrong)), Err(AuthRejection::Claim("exp")), "{wrong}");
        }
    }

    #[test]
    fn times_after_the_year_9999_are_none() {
        assert!(check(&with("exp", &json!(253_402_300_799_i64))).is_ok());
        for far in [json!(253_402_300_800_i64), json!(NOW * 1000 + 600_000), json!(u64::MAX), json!(1e300)] {
            assert_eq!(check(&with("exp", &far)), Err(AuthRejection::Claim("exp")), "{far}");
            assert_eq!(check(&with("nbf", &far)), Err(AuthRejection::Claim("nbf")), "{far}");
        }
        assert_eq!(check(&with("exp", &json!(-1e300))), Err(AuthRejection::Expired));
    }

    #[test]
    fn a_token_from_the_future_is_refused() {
        assert!(check(&with("iat", &json!(NOW + 60))).is_ok());
        assert_eq!(check(&with("iat", &json!(NOW + 61))), Err(AuthRejection::NotYetValid));
        assert_eq!(check(&with("iat", &json!("1"))), Err(AuthRejection::Claim("iat")));
    }

    #[test]
    fn a_start_in_the_future_is_refused() {
        assert!(check(&with("nbf", &json!(NOW + 60))).is_ok());
        assert_eq!(check(&with("nbf", &json!(NOW + 61))), Err(AuthRejection::NotYetValid));
        assert_eq!(check(&with("nbf", &json!("0"))), Err(AuthRejection::Claim("nbf")));
    }

    #[test]
    fn the_audience_counts_when_configured() {
        let refusal = |audience: &Value| check_for(&with("aud", audience), Some("gathering")).err();
        assert_eq!(check_for(&with("sub", &json!("x")), Some("gathering")), Err(AuthRejection::Audience));
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
            assert_eq!(refusal(&audience), refused, "{audience}");
        }
        assert!(check(&with("aud", &json!("whoever"))).is_ok());
        assert_eq!(check(&with("iss", &json!(["https://sso"]))), Err(AuthRejection::Claim("iss")));
        assert_eq!(check(&with("sub", &json!(7))), Err(AuthRejection::Claim("sub")));
    }

    #[test]
    fn null_is_absent() {
        let all = json!({"exp": NOW + 600, "nbf": null, "iat": null, "iss": null, "sub": null, "aud": null});
        assert!(check(&all).is_ok());
        let claims: Claims = serde_json::from_value(all).unwrap();
        assert_eq!((claims.subject(), claims.issuer()), (Ok(None), Ok(None)));
    }
}
