//! Cluster IDs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::error::IdError;

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
    /// use gathering_domain::ids::ClusterId;
    /// let plain: ClusterId = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse()?;
    /// assert_eq!(ClusterId::from_any_spelling("{5D5892D3-1F74-4CCF-91AF-548DFC9767AA}")?, plain);
    /// assert_eq!(ClusterId::from_any_spelling("5d5892d31f744ccf91af548dfc9767aa")?, plain);
    /// # Ok::<(), gathering_domain::ids::IdError>(())
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

impl TryFrom<&str> for ClusterId {
    type Error = IdError;

    fn try_from(text: &str) -> Result<Self, IdError> {
        text.parse()
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

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

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
    fn clusters_check_themselves_when_deserialized() {
        assert!(serde_json::from_str::<ClusterId>("\"aaaa\"").is_err());
        let cluster: ClusterId = serde_json::from_str(&format!("\"{}\"", PLAIN.to_uppercase())).unwrap();
        assert_eq!(serde_json::to_string(&cluster).unwrap(), format!("\"{PLAIN}\""));
    }
}
