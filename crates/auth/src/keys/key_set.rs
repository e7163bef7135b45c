//! The keys with which a token may have been signed.

use jsonwebtoken::Algorithm;

use super::key::VerifyingKey;
use crate::rejection::AuthRejection;

/// Keys of an issuer.
#[derive(Clone, Default)]
pub(crate) struct KeySet(Vec<VerifyingKey>);

impl KeySet {
    pub(super) const fn new(keys: Vec<VerifyingKey>) -> Self {
        Self(keys)
    }

    pub(super) fn into_keys(self) -> Vec<VerifyingKey> {
        self.0
    }

    /// Whether both sets have the same keys, in whatever order.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        fn sorted(set: &KeySet) -> Vec<impl Ord> {
            let mut keys: Vec<_> = set.0.iter().map(VerifyingKey::fingerprint).collect();
            keys.sort();
            keys
        }
        sorted(self).iter().eq(sorted(other).iter())
    }

    /// The keys of both sets.
    #[must_use]
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The names of the keys, for people.
    pub(crate) fn describe(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|key| key.id().unwrap_or("one without a name")).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// Whether a key is for this algorithm.
    pub(crate) fn has_one_for(&self, algorithm: Algorithm) -> bool {
        self.0.iter().any(|key| key.accepts(algorithm))
    }

    /// Whether a key has this name.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id() == Some(id))
    }

    /// The keys that may have signed a token with this algorithm and this `kid`.
    ///
    /// A `kid` means the keys of that name, or else those without a name, since keys in PEM have none. Without a `kid`, a key
    /// that has a name is meant only if no other fits (section 10.1 of `OpenID` Connect Core 1.0).
    pub(crate) fn candidates(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> Result<Vec<&VerifyingKey>, AuthRejection> {
        let fitting = || self.0.iter().filter(move |key| key.accepts(algorithm));
        let named: Vec<_> = fitting().filter(|key| id.is_some() && key.id() == id).collect();
        if !named.is_empty() {
            return Ok(named);
        }
        let unnamed: Vec<_> = fitting().filter(|key| key.id().is_none()).collect();
        if !unnamed.is_empty() {
            return Ok(unnamed);
        }
        match (id, fitting().count()) {
            (_, 0) => Err(AuthRejection::Algorithm),
            (Some(_), _) => Err(AuthRejection::UnknownKey),
            (None, 1) => Ok(fitting().collect()),
            (None, _) => Err(AuthRejection::KeyNotNamed),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::jwk::Origin;
    use super::super::jwks::parse;
    use super::*;
    use crate::testing::TestKey;

    fn set(ids: &[&str]) -> KeySet {
        let keys: Vec<_> = ids.iter().map(|id| TestKey::p256().jwk(id)).collect();
        parse(json!({"keys": keys}).to_string().as_bytes(), Origin::Url).unwrap().0
    }

    fn count(set: &KeySet, algorithm: Algorithm, id: Option<&str>) -> Result<usize, AuthRejection> {
        set.candidates(algorithm, id).map(|keys| keys.len())
    }

    #[test]
    fn sets_are_the_same_in_any_order() {
        let (one, two) = (TestKey::p256(), TestKey::rsa());
        let set = |keys: &[serde_json::Value]| {
            parse(json!({"keys": keys}).to_string().as_bytes(), Origin::Url).unwrap().0
        };
        let both = set(&[one.jwk("a"), two.jwk("b")]);
        assert!(both.is_same(&set(&[two.jwk("b"), one.jwk("a")])));
        assert!(!both.is_same(&set(&[one.jwk("a")])));
        assert!(!both.is_same(&set(&[one.jwk("a"), two.jwk("c")])));
        assert!(!both.is_same(&set(&[TestKey::p256().jwk("a"), two.jwk("b")])));
    }

    #[test]
    fn a_named_key_is_meant_and_no_other() {
        let keys = set(&["a", "b", "b"]);
        assert_eq!(count(&keys, Algorithm::ES256, Some("a")), Ok(1));
        assert_eq!(count(&keys, Algorithm::ES256, Some("b")), Ok(2));
        assert_eq!(count(&keys, Algorithm::ES256, Some("A")), Err(AuthRejection::UnknownKey));
        assert_eq!(count(&keys, Algorithm::ES256, Some("")), Err(AuthRejection::UnknownKey));
        assert_eq!(count(&keys, Algorithm::ES384, Some("a")), Err(AuthRejection::Algorithm));
        assert!(keys.knows("b") && !keys.knows("c"));
    }

    #[test]
    fn a_token_without_a_name_means_the_only_one_that_fits() {
        assert_eq!(count(&set(&["a"]), Algorithm::ES256, None), Ok(1));
        assert_eq!(count(&set(&["a", "b"]), Algorithm::ES256, None), Err(AuthRejection::KeyNotNamed));
        assert_eq!(count(&KeySet::default(), Algorithm::ES256, None), Err(AuthRejection::Algorithm));
    }

    #[test]
    fn keys_without_a_name_may_be_called_anything() {
        let mut own = TestKey::p256().jwk("x");
        own.as_object_mut().unwrap().remove("kid");
        let unnamed = parse(json!({"keys": [own]}).to_string().as_bytes(), Origin::File).unwrap().0;
        let both = unnamed.clone().and(&unnamed).and(&set(&["a"]));
        assert_eq!(both.len(), 3);
        assert_eq!(count(&both, Algorithm::ES256, None), Ok(2));
        assert_eq!(count(&both, Algorithm::ES256, Some("other")), Ok(2));
        assert_eq!(count(&both, Algorithm::ES256, Some("a")), Ok(1));
    }
}
