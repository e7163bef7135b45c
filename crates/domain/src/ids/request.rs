//! Request IDs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use super::error::IdError;

/// The ID that an upload was answered with: 1 to 128 ASCII letters, digits or hyphens, the first of them no hyphen;
/// case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The longest request ID, in characters. Gateways make 26 or 32, services on premises UUIDs of 36; the rest is room.
    pub const MAX_LEN: usize = 128;

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_valid(text: &str) -> bool {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        // `fold` does not stop at the first that is wrong, and so takes many at once.
        (1..=Self::MAX_LEN).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().fold(true, |valid, byte| valid & is_legal(byte))
    }
}

impl FromStr for RequestId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(IdError::Request) }
    }
}

impl TryFrom<&str> for RequestId {
    type Error = IdError;

    fn try_from(text: &str) -> Result<Self, IdError> {
        text.parse()
    }
}

impl TryFrom<String> for RequestId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        if Self::is_valid(&text) { Ok(Self(text.into_boxed_str())) } else { Err(IdError::Request) }
    }
}

impl From<RequestId> for String {
    fn from(value: RequestId) -> Self {
        value.0.into_string()
    }
}

impl AsRef<str> for RequestId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_id_is_letters_digits_and_hyphens() {
        let uuid = "0b8f3f6e-1c5d-4a8e-9d0c-2f1a7c6b5e4d";
        for text in
            ["a", "6d2eede257644308a8949c4ec251c5c4", "Z9", "a-", "a--b", "0-", uuid, &"x".repeat(128)]
        {
            assert_eq!(text.parse::<RequestId>().unwrap().as_str(), text);
        }
        for text in
            ["", "-", "-a", "a_b", "a\u{2010}b", "a b", "a/b", "abc:def", "a\0", "\u{e9}", &"x".repeat(129)]
        {
            assert_eq!(text.parse::<RequestId>(), Err(IdError::Request), "{text:?}");
        }
        assert!(serde_json::from_str::<RequestId>("\"-b\"").is_err());
    }
}
