//! The three parts of a token, read strictly before any of them is trusted.
//!
//! Everything is decoded before the signature is checked, for all tokens alike. So the time that a rejection takes does not
//! say whether the signature was right.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::claims::Claims;
use super::mapped::MappedClaims;
use crate::claim_mapping::ClaimMapping;
use crate::keys::key_set::KeySet;
use crate::rejection::AuthRejection;

/// A token that was taken apart. Nothing of it is verified.
pub(crate) struct ParsedToken<'a> {
    signed: &'a str,
    signature: &'a str,
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    pub(crate) claims: Claims,
    payload: String,
}

/// The header parameters that count (RFC 7515 section 4.1). A parameter that comes twice is an error, and one that is null
/// counts as absent, since some libraries write each that they know. The others are ignored: neither a key nor the address of
/// a key is ever taken from a token.
#[derive(Deserialize)]
struct Header {
    alg: Option<Value>,
    kid: Option<Value>,
    crit: Option<Value>,
}

impl<'a> ParsedToken<'a> {
    /// Takes a token of at most `limit` bytes apart.
    pub(crate) fn parse(token: &'a str, limit: usize) -> Result<Self, AuthRejection> {
        if token.len() > limit {
            return Err(AuthRejection::TooLong { limit });
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(AuthRejection::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(AuthRejection::Malformed)?;
        let header: Header = object(&text(header)?)?;
        if header.crit.is_some() {
            return Err(AuthRejection::Critical);
        }
        let algorithm = header.alg.as_ref().and_then(Value::as_str).and_then(|name| name.parse().ok());
        let algorithm = algorithm.ok_or(AuthRejection::Algorithm)?;
        let key_id = match header.kid {
            None => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err(AuthRejection::Header("kid")),
        };
        let payload = text(payload)?;
        let claims = object(&payload)?;
        Ok(Self { signed, signature, algorithm, key_id, claims, payload })
    }

    /// What the token says of its caller where its issuer says such things.
    pub(crate) fn mapped<'t>(&'t self, mapping: &'t ClaimMapping) -> Result<MappedClaims<'t>, AuthRejection> {
        MappedClaims::find(&self.payload, mapping)
    }

    /// Checks that one of the keys that the token may mean made its signature.
    pub(crate) fn check_signature(&self, keys: &KeySet) -> Result<(), AuthRejection> {
        let candidates = keys.candidates(self.algorithm, self.key_id.as_deref())?;
        let is_valid = candidates.iter().any(|key| key.verifies(self.algorithm, self.signed, self.signature));
        if is_valid { Ok(()) } else { Err(AuthRejection::Signature) }
    }
}

/// A part, decoded. The JSON reader alone would not check the text of members that it ignores.
fn text(part: &str) -> Result<String, AuthRejection> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| AuthRejection::Malformed)?;
    String::from_utf8(bytes).map_err(|_| AuthRejection::Malformed)
}

/// A JSON object. The JSON reader alone would take an array for a struct.
fn object<T: DeserializeOwned>(json: &str) -> Result<T, AuthRejection> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err(AuthRejection::Malformed);
    }
    serde_json::from_str(json).map_err(|_| AuthRejection::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_TOKEN: usize = 200;

    fn token(header: &str, payload: &str) -> String {
        let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
        format!("{}.{}.AAAA", encode(header), encode(payload))
    }

    fn parse(header: &str, payload: &str) -> Result<(Algorithm, Option<String>), AuthRejection> {
        ParsedToken::parse(&token(header, payload), MAX_TOKEN).map(|token| (token.algorithm, token.key_id))
    }

    #[test]
    fn headers_say_the_algorithm_and_perhaps_the_key() {
        assert_eq!(parse(r#"{"alg":"HS256"}"#, "{}"), Ok((Algorithm::HS256, None)));
        let with_key = parse(r#"{"typ":"JWT","kid":"one","alg":"EdDSA","jku":7,"x5c":{}}"#, "{}");
        assert_eq!(with_key, Ok((Algorithm::EdDSA, Some("one".to_owned()))));
        for header in [
            "{}",
            r#"{"alg":null}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"none"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":""}"#,
            r#"{"alg":"ES256K"}"#,
            r#"{"alg":"ES512"}"#,
        ] {
            assert_eq!(parse(header, "{}"), Err(AuthRejection::Algorithm), "{header}");
        }
        for header in [r#"{"alg":"HS256","crit":["exp"]}"#, r#"{"alg":"HS256","crit":[]}"#] {
            assert_eq!(parse(header, "{}"), Err(AuthRejection::Critical), "{header}");
        }
        let null = parse(r#"{"alg":"HS256","typ":null,"kid":null,"crit":null}"#, "{}");
        assert_eq!(null, Ok((Algorithm::HS256, None)), "null is absent");
        for header in [r#"{"alg":"HS256","kid":7}"#, r#"{"alg":"HS256","kid":["a"]}"#] {
            assert_eq!(parse(header, "{}"), Err(AuthRejection::Header("kid")), "{header}");
        }
    }

    #[test]
    fn what_is_said_twice_or_in_the_wrong_type_is_malformed() {
        for header in [
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","kid":"a","kid":"a"}"#,
            r#"{"alg":"HS256","kid":null,"kid":"a"}"#,
            r#"["HS256",null,null]"#,
            r#"{"alg":"HS256"} x"#,
            "null",
            "",
        ] {
            assert_eq!(parse(header, "{}"), Err(AuthRejection::Malformed), "{header}");
        }
        for payload in [
            "",
            "[]",
            "null",
            "{",
            "{} {}",
            r#"["42",1]"#,
            r#"{"iss":"a","iss":"b"}"#,
            r#"{"exp":1,"org_id":1,"exp":2}"#,
            r#"{"exp":1e999}"#,
        ] {
            assert_eq!(parse(r#"{"alg":"HS256"}"#, payload), Err(AuthRejection::Malformed), "{payload}");
        }
        assert!(parse(r#"{"alg":"HS256"}"#, r#"{"other":1,"other":2}"#).is_ok());
        let payload = URL_SAFE_NO_PAD.encode(b"{\"nobody reads this\":\"\xff\"}");
        let token = format!("{}.{payload}.AAAA", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#));
        assert_eq!(ParsedToken::parse(&token, MAX_TOKEN).err(), Some(AuthRejection::Malformed), "no UTF-8");
    }

    #[test]
    fn the_parts_are_three_of_base64url_without_padding() {
        let good = token(r#"{"alg":"HS256"}"#, "{}");
        assert!(ParsedToken::parse(&good, MAX_TOKEN).is_ok());
        let (header, rest) = good.split_once('.').unwrap();
        for wrong in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            header.to_owned(),
            format!("{header}.e30"),
            format!("{header}=.{rest}"),
            format!("{header} .{rest}"),
            format!("\n{good}"),
            format!("{header}.e31.AAAA"),
            format!("{header}.e30=.AAAA"),
            format!("{header}.e3+_.AAAA"),
            format!("{good}.AAAA"),
            format!("{good}.AAAA.AAAA"),
            format!(".{good}"),
        ] {
            assert_eq!(
                ParsedToken::parse(&wrong, MAX_TOKEN).err(),
                Some(AuthRejection::Malformed),
                "{wrong}"
            );
        }
        let too_long = |length| ParsedToken::parse(&"x".repeat(length), MAX_TOKEN).err();
        assert_eq!(too_long(MAX_TOKEN), Some(AuthRejection::Malformed));
        assert_eq!(too_long(MAX_TOKEN + 1), Some(AuthRejection::TooLong { limit: MAX_TOKEN }));
    }
}
