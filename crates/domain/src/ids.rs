//! Identifiers as validated newtypes: once one exists, it is well formed, and the rest of the code need not look again.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// A text or number that is not the identifier it was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a decimal number from 1 to 4294967295.
    #[error("an organization is a whole number from 1 to 4294967295")]
    Organization,
    /// Not a UUID in an accepted spelling.
    #[error("a cluster ID is a UUID such as 5d5892d3-1f74-4ccf-91af-548dfc9767aa")]
    Cluster,
    /// Empty, longer than [`RequestId::MAX_LEN`], or with a character other than an ASCII letter or digit.
    #[error("a request ID is 1 to 128 ASCII letters or digits")]
    Request,
}

/// The organization (tenant) that a cluster belongs to: 1 to 4294967295.
///
/// The wire type is an unsigned 32-bit integer; 0 stands for "no organization" there and is refused here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct OrganizationId(NonZeroU32);

impl OrganizationId {
    /// The organization as a number, never 0.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<u32> for OrganizationId {
    type Error = IdError;

    fn try_from(value: u32) -> Result<Self, IdError> {
        NonZeroU32::new(value).map(Self).ok_or(IdError::Organization)
    }
}

impl From<OrganizationId> for u32 {
    fn from(value: OrganizationId) -> Self {
        value.get()
    }
}

impl FromStr for OrganizationId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // `u32::from_str` takes a leading `+`, which no token or message means.
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(IdError::Organization);
        }
        text.parse::<u32>().map_err(|_| IdError::Organization)?.try_into()
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A cluster's UUID, shown in lower case with hyphens. Version and variant are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ClusterId(Uuid);

impl ClusterId {
    const HYPHENATED: usize = 36;
    const SIMPLE: usize = 32;
    const ENCLOSED: usize = Self::HYPHENATED + 2;
    const URN_PREFIX: &str = "urn:uuid:";
    const URN: usize = Self::HYPHENATED + Self::URN_PREFIX.len();

    /// Reads every spelling that publishers of result messages use, so that all of them name one cluster.
    ///
    /// These are what Go's `google/uuid` takes: 36 characters with hyphens, 32 hexadecimal digits, the `urn:uuid:`
    /// form, and 38 characters whose first and last are not looked at (braces, as a rule).
    ///
    /// ```
    /// use gathering_domain::ClusterId;
    /// let plain: ClusterId = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse()?;
    /// assert_eq!(ClusterId::from_any_spelling("{5D5892D3-1F74-4CCF-91AF-548DFC9767AA}")?, plain);
    /// assert_eq!(ClusterId::from_any_spelling("5d5892d31f744ccf91af548dfc9767aa")?, plain);
    /// # Ok::<(), gathering_domain::IdError>(())
    /// ```
    pub fn from_any_spelling(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        let digits = match bytes.len() {
            Self::HYPHENATED | Self::SIMPLE => Some(bytes),
            Self::ENCLOSED => bytes.get(1..=Self::HYPHENATED),
            Self::URN => bytes
                .split_at_checked(Self::URN_PREFIX.len())
                .filter(|(prefix, _)| prefix.eq_ignore_ascii_case(Self::URN_PREFIX.as_bytes()))
                .map(|(_, rest)| rest),
            _ => None,
        };
        digits.and_then(|digits| Uuid::try_parse_ascii(digits).ok()).map(Self).ok_or(IdError::Cluster)
    }

    /// The 16 bytes of the UUID, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The cluster with these 16 bytes, most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

/// Reads the hyphenated form of 36 characters, in any letter case, and no other.
impl FromStr for ClusterId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != Self::HYPHENATED {
            return Err(IdError::Cluster);
        }
        Uuid::try_parse_ascii(text.as_bytes()).map(Self).map_err(|_| IdError::Cluster)
    }
}

impl TryFrom<String> for ClusterId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ClusterId> for String {
    fn from(value: ClusterId) -> Self {
        value.to_string()
    }
}

impl Serialize for ClusterId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// The ID that an upload was answered with: 1 to 128 ASCII letters or digits, case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The longest request ID, in characters. Gateways make 26 or 32; the rest is room.
    pub const MAX_LEN: usize = 128;

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_valid(text: &str) -> bool {
        // `fold` does not stop at the first that is wrong, and so takes many at once.
        (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().fold(true, |valid, byte| valid & byte.is_ascii_alphanumeric())
    }
}

impl FromStr for RequestId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(IdError::Request) }
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

/// What a request is recorded under. The organization is part of it, so one tenant's IDs never meet another's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey {
    /// The tenant.
    pub organization: OrganizationId,
    /// The cluster of that tenant.
    pub cluster: ClusterId,
    /// The request of that cluster.
    pub request: RequestId,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

    #[test]
    fn organization_takes_its_whole_range_and_nothing_else() {
        for (text, number) in [("1", 1), ("0042", 42), ("4294967295", u32::MAX)] {
            assert_eq!(text.parse::<OrganizationId>().map(OrganizationId::get), Ok(number));
        }
        for text in ["", "0", "-1", "+1", " 1", "1 ", "1.0", "1e3", "4294967296", "abc", "\u{0661}"] {
            assert_eq!(text.parse::<OrganizationId>(), Err(IdError::Organization), "{text:?}");
        }
    }

    #[test]
    fn cluster_in_a_path_is_hyphenated_in_any_letter_case() {
        assert_eq!(PLAIN.to_uppercase().parse::<ClusterId>().unwrap().to_string(), PLAIN);
        for text in [
            "",
            "aaaa",
            "5d5892d31f744ccf91af548dfc9767aa",
            "{5d5892d3-1f74-4ccf-91af-548dfc9767aa}",
            "urn:uuid:5d5892d3-1f74-4ccf-91af-548dfc9767aa",
            "5d5892d3-1f74-4ccf-91af-548dfc9767ag",
            "5d5892d3_1f74_4ccf_91af_548dfc9767aa",
            "5d5892d31-f74-4ccf-91af-548dfc9767aa",
            "5d5892d3-1f74-4ccf-91af-548dfc9767\u{e9}",
        ] {
            assert_eq!(text.parse::<ClusterId>(), Err(IdError::Cluster), "{text:?}");
        }
    }

    #[test]
    fn cluster_in_a_message_has_more_spellings() {
        let cluster: ClusterId = PLAIN.parse().unwrap();
        for text in [
            PLAIN.to_owned(),
            PLAIN.to_uppercase(),
            PLAIN.replace('-', ""),
            format!("{{{PLAIN}}}"),
            format!("*{PLAIN}?"),
            format!("urn:uuid:{PLAIN}"),
            format!("URN:UUID:{PLAIN}"),
        ] {
            assert_eq!(ClusterId::from_any_spelling(&text), Ok(cluster), "{text:?}");
        }
        for text in [
            String::new(),
            format!("urn:uuie:{PLAIN}"),
            format!(" {PLAIN}"),
            format!("{{{}}}", PLAIN.replace('-', "")),
            format!("\u{e9}{PLAIN}"),
            format!("\u{e9}{}", &PLAIN[1..]),
            "\u{e9}".repeat(19),
        ] {
            // Two bytes before the digits shift the middle 36, which then is no UUID.
            assert_eq!(ClusterId::from_any_spelling(&text), Err(IdError::Cluster), "{text:?}");
        }
    }

    #[test]
    fn request_id_is_letters_and_digits() {
        for text in ["a", "6d2eede257644308a8949c4ec251c5c4", "Z9", &"x".repeat(128)] {
            assert_eq!(text.parse::<RequestId>().unwrap().as_str(), text);
        }
        for text in ["", "a-b", "a b", "a/b", "abc:def", "a\0", "\u{e9}", &"x".repeat(129)] {
            assert_eq!(text.parse::<RequestId>(), Err(IdError::Request), "{text:?}");
        }
    }

    #[test]
    fn identifiers_check_themselves_when_deserialized() {
        assert!(serde_json::from_str::<OrganizationId>("0").is_err());
        assert!(serde_json::from_str::<ClusterId>("\"aaaa\"").is_err());
        assert!(serde_json::from_str::<RequestId>("\"a-b\"").is_err());
        let cluster: ClusterId = serde_json::from_str(&format!("\"{}\"", PLAIN.to_uppercase())).unwrap();
        assert_eq!(serde_json::to_string(&cluster).unwrap(), format!("\"{PLAIN}\""));
    }
}
