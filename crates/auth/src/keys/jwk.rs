//! One key of a JSON Web Key Set (RFC 7517), as providers write it.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::value::RawValue;

use super::{MIN_SECRET, VerifyingKey};
use crate::KeyProblem;
use crate::json::{Members, elements, members, text};

/// Where a key set came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file, which can hold secrets.
    File,
    /// A URL, where everybody can read: a secret there is none.
    Url,
}

/// What a key says of itself. What is null counts as left out, since some libraries write each member that they know.
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
    pub(super) fn read(entry: &'a RawValue) -> Result<Self, KeyProblem> {
        let names = [
            "kid", "use", "key_ops", "alg", "kty", "crv", "n", "e", "x", "y", "k", "d", "p", "q", "dp", "dq",
            "qi", "oth",
        ];
        let Members { values, comes_twice, .. } =
            members(entry.get(), &names).ok_or(KeyProblem::NotAnObject)?;
        if comes_twice {
            return Err(KeyProblem::Twice);
        }
        let [kid, purpose, operations, alg, kty, crv, modulus, exponent, x, y, secret, private @ ..] = values;
        let is_private = private.iter().any(Option::is_some);
        Ok(Self { kid, purpose, operations, alg, kty, crv, modulus, exponent, x, y, secret, is_private })
    }

    /// Its name.
    pub(super) fn id(&self) -> Result<Option<String>, KeyProblem> {
        optional("kid", self.kid)
    }

    /// Whether it is for signatures, as far as it says.
    pub(super) fn is_for_signatures(&self) -> Result<bool, KeyProblem> {
        let by_use = optional("use", self.purpose)?.is_none_or(|purpose| purpose == "sig");
        let by_operations = match self.operations {
            None => true,
            Some(list) => {
                let list = elements(list).ok_or(KeyProblem::NoList("key_ops"))?;
                list.into_iter().any(|one| text(one).is_some_and(|one| one == "verify"))
            }
        };
        Ok(by_use && by_operations)
    }

    pub(super) fn key(&self, origin: Origin) -> Result<VerifyingKey, KeyProblem> {
        if self.is_private {
            return Err(KeyProblem::PrivateJwk);
        }
        let id = self.id()?;
        let kind = optional("kty", self.kty)?.ok_or(KeyProblem::Missing("kty"))?;
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
                key.only_for(algorithm).ok_or(KeyProblem::UnusableJwk)?
            }
            ("OKP", Some("Ed25519")) => {
                let x = URL_SAFE_NO_PAD.encode(bytes("x", self.x)?);
                public(DecodingKey::from_ed_components(&x), id)?
            }
            ("EC" | "OKP", None) => return Err(KeyProblem::Missing("crv")),
            ("oct", _) => {
                if origin == Origin::Url {
                    return Err(KeyProblem::PublishedSecret);
                }
                let secret = bytes("k", self.secret)?;
                if secret.len() < MIN_SECRET {
                    return Err(KeyProblem::ShortSecret);
                }
                VerifyingKey::hmac(&secret, id)
            }
            _ => return Err(KeyProblem::UnknownKind),
        };
        match optional("alg", self.alg)? {
            None => Ok(key),
            Some(name) => {
                let algorithm = name.parse().ok();
                algorithm.and_then(|algorithm| key.only_for(algorithm)).ok_or(KeyProblem::OtherAlgorithm)
            }
        }
    }
}

fn optional(name: &'static str, value: Option<&RawValue>) -> Result<Option<String>, KeyProblem> {
    value.map(|value| text(value).ok_or(KeyProblem::NoText(name))).transpose()
}

fn public(
    key: Result<DecodingKey, jsonwebtoken::errors::Error>,
    id: Option<String>,
) -> Result<VerifyingKey, KeyProblem> {
    key.ok().and_then(|key| VerifyingKey::public(key, id)).ok_or(KeyProblem::UnusableJwk)
}

/// What is in base64url. Some providers write it with padding, or in the alphabet of plain base64, which means the same.
fn bytes(name: &'static str, value: Option<&RawValue>) -> Result<Vec<u8>, KeyProblem> {
    const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
        &URL_SAFE,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = optional(name, value)?.ok_or(KeyProblem::Missing(name))?;
    let text = text.replace('+', "-").replace('/', "_");
    ANY_PADDING.decode(text).map_err(|_| KeyProblem::NoBase64(name))
}

/// The bytes of a number, without the zeros in front that some providers write.
fn number(name: &'static str, value: Option<&RawValue>) -> Result<Vec<u8>, KeyProblem> {
    Ok(bytes(name, value)?.into_iter().skip_while(|byte| *byte == 0).collect())
}

/// A coordinate at its full size in base64url: some providers leave its zeros out, or write one more.
fn coordinate(name: &'static str, value: Option<&RawValue>, size: usize) -> Result<String, KeyProblem> {
    let number = number(name, value)?;
    let zeros = size.checked_sub(number.len()).ok_or(KeyProblem::UnusableJwk)?;
    Ok(URL_SAFE_NO_PAD.encode([vec![0; zeros], number].concat()))
}

#[cfg(test)]
mod tests;
