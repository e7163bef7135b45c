//! One key of a JSON Web Key Set (RFC 7517), as providers write it.
//!
//! `jsonwebtoken::jwk` is not used: its types drop the members of private keys, and fail without naming the member that is
//! missing, of the wrong type or repeated.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::value::RawValue;

use super::error::KeyError;
use super::key::VerifyingKey;
use super::pem::MIN_SECRET;
use crate::json::{Members, elements, members, text};

/// Where a key set comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file, which can hold secrets.
    File,
    /// A URL, where everybody can read. A secret there is no secret.
    Url,
}

/// The members of a key. A member that is null counts as absent, since some libraries write each member that they know.
pub(super) struct Jwk<'a> {
    kid: Option<&'a RawValue>,
    purpose: Option<&'a RawValue>,
    operations: Option<&'a RawValue>,
    alg: Option<&'a RawValue>,
    kty: Option<&'a RawValue>,
    crv: Option<&'a RawValue>,
    modulus: Option<&'a RawValue>,
    exponent: Option<&'a RawValue>,
    x: Option<&'a RawValue>,
    y: Option<&'a RawValue>,
    secret: Option<&'a RawValue>,
    is_private: bool,
}

impl<'a> Jwk<'a> {
    /// Reads an entry of a key set.
    pub(super) fn read(entry: &'a RawValue) -> Result<Self, KeyError> {
        let names = [
            "kid", "use", "key_ops", "alg", "kty", "crv", "n", "e", "x", "y", "k", "d", "p", "q", "dp", "dq",
            "qi", "oth",
        ];
        let Members { values, has_duplicate, .. } =
            members(entry.get(), &names).ok_or(KeyError::NotAnObject)?;
        if has_duplicate {
            return Err(KeyError::DuplicateMember);
        }
        let [kid, purpose, operations, alg, kty, crv, modulus, exponent, x, y, secret, private @ ..] = values;
        let is_private = private.iter().any(Option::is_some);
        Ok(Self { kid, purpose, operations, alg, kty, crv, modulus, exponent, x, y, secret, is_private })
    }

    /// Its name (`kid`).
    pub(super) fn id(&self) -> Result<Option<String>, KeyError> {
        optional("kid", self.kid)
    }

    /// Whether it is for signatures. A key that says nothing about its use is.
    pub(super) fn is_for_signatures(&self) -> Result<bool, KeyError> {
        let by_use = optional("use", self.purpose)?.is_none_or(|purpose| purpose == "sig");
        let by_operations = match self.operations {
            None => true,
            Some(list) => {
                let list = elements(list).ok_or(KeyError::NotAList("key_ops"))?;
                list.into_iter().any(|one| text(one).is_some_and(|one| one == "verify"))
            }
        };
        Ok(by_use && by_operations)
    }

    /// The key, with the algorithms that it may verify.
    pub(super) fn key(&self, origin: Origin) -> Result<VerifyingKey, KeyError> {
        if self.is_private {
            return Err(KeyError::PrivateJwk);
        }
        let id = self.id()?;
        let kind = optional("kty", self.kty)?.ok_or(KeyError::Missing("kty"))?;
        let curve = optional("crv", self.crv)?;
        let key = match (kind.as_str(), curve.as_deref()) {
            ("RSA", _) => {
                let (modulus, exponent) = (number("n", self.modulus)?, number("e", self.exponent)?);
                public(Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent)), id)?
            }
            ("EC", Some(curve @ ("P-256" | "P-384"))) => {
                let (algorithm, size) =
                    if curve == "P-256" { (Algorithm::ES256, 32) } else { (Algorithm::ES384, 48) };
                let (x, y) = (coordinate("x", self.x, size)?, coordinate("y", self.y, size)?);
                let key = public(DecodingKey::from_ec_components(&x, &y), id)?;
                key.only_for(algorithm).ok_or(KeyError::UnusableJwk)?
            }
            ("OKP", Some("Ed25519")) => {
                let x = URL_SAFE_NO_PAD.encode(bytes("x", self.x)?);
                public(DecodingKey::from_ed_components(&x), id)?
            }
            ("EC" | "OKP", None) => return Err(KeyError::Missing("crv")),
            ("oct", _) => {
                if origin == Origin::Url {
                    return Err(KeyError::PublishedSecret);
                }
                let secret = bytes("k", self.secret)?;
                if secret.len() < MIN_SECRET {
                    return Err(KeyError::ShortSecret);
                }
                VerifyingKey::hmac(&secret, id)
            }
            _ => return Err(KeyError::UnknownKind),
        };
        match optional("alg", self.alg)? {
            None => Ok(key),
            Some(name) => {
                let algorithm = name.parse().ok();
                algorithm.and_then(|algorithm| key.only_for(algorithm)).ok_or(KeyError::OtherAlgorithm)
            }
        }
    }
}

fn optional(name: &'static str, value: Option<&RawValue>) -> Result<Option<String>, KeyError> {
    value.map(|value| text(value).ok_or(KeyError::NotAString(name))).transpose()
}

fn public(
    key: Result<DecodingKey, jsonwebtoken::errors::Error>,
    id: Option<String>,
) -> Result<VerifyingKey, KeyError> {
    key.ok().and_then(|key| VerifyingKey::public(key, id)).ok_or(KeyError::UnusableJwk)
}

/// The bytes of a base64url string. Some providers write it with padding, or in the alphabet of plain base64, which means the
/// same.
fn bytes(name: &'static str, value: Option<&RawValue>) -> Result<Vec<u8>, KeyError> {
    const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
        &URL_SAFE,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = optional(name, value)?.ok_or(KeyError::Missing(name))?;
    let text = text.replace('+', "-").replace('/', "_");
    ANY_PADDING.decode(text).map_err(|_| KeyError::NotBase64Url(name))
}

/// The bytes of a number, without the leading zeros that some providers write.
fn number(name: &'static str, value: Option<&RawValue>) -> Result<Vec<u8>, KeyError> {
    Ok(bytes(name, value)?.into_iter().skip_while(|byte| *byte == 0).collect())
}

/// A coordinate at its full size, in base64url. Some providers omit its leading zeros, or write one more.
fn coordinate(name: &'static str, value: Option<&RawValue>, size: usize) -> Result<String, KeyError> {
    let number = number(name, value)?;
    let zeros = size.checked_sub(number.len()).ok_or(KeyError::UnusableJwk)?;
    Ok(URL_SAFE_NO_PAD.encode([vec![0; zeros], number].concat()))
}

#[cfg(test)]
mod tests;
