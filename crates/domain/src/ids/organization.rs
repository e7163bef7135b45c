//! Organizations, which are the tenants.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::IdError;

/// The organization (tenant) that a cluster belongs to: 1 to 4294967295.
///
/// The wire type is an unsigned 32-bit integer; 0 stands for "no organization" there and is refused here. As text it is
/// decimal digits without a sign, as JSON a number.
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

impl TryFrom<&str> for OrganizationId {
    type Error = IdError;

    fn try_from(text: &str) -> Result<Self, IdError> {
        text.parse()
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organization_takes_its_whole_range_and_nothing_else() {
        for (text, number) in [("1", 1), ("0042", 42), ("4294967295", u32::MAX)] {
            assert_eq!(text.parse::<OrganizationId>().map(OrganizationId::get), Ok(number));
        }
        for text in ["", "0", "-1", "+1", " 1", "1 ", "1.0", "1e3", "4294967296", "abc", "\u{0661}"] {
            assert_eq!(text.parse::<OrganizationId>(), Err(IdError::Organization), "{text:?}");
        }
        assert!(serde_json::from_str::<OrganizationId>("0").is_err());
    }
}
