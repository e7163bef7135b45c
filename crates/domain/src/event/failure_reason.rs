//! Why a request failed.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Why a request failed, in words of ours: at most 500 characters, none of them a control character, so that every
/// database takes it whatever the input was.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct FailureReason(Box<str>);

impl FailureReason {
    /// The longest reason, in characters.
    pub const MAX_CHARS: usize = 500;

    /// Makes a reason of any text: control characters become spaces, and what is too long is cut.
    ///
    /// ```
    /// use gathering_domain::event::FailureReason;
    /// assert_eq!(FailureReason::new("line one\nline two\0").as_str(), "line one line two ");
    /// assert_eq!(FailureReason::new(&"x".repeat(900)).as_str().chars().count(), FailureReason::MAX_CHARS);
    /// ```
    pub fn new(text: &str) -> Self {
        // Nearly every text is one of which nothing is to be changed.
        if text.len() <= Self::MAX_CHARS && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Self(text.into());
        }
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        Self(text.chars().map(clean).take(Self::MAX_CHARS).collect::<String>().into())
    }

    /// The reason as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for FailureReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<&str> for FailureReason {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for FailureReason {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl AsRef<str> for FailureReason {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<FailureReason> for String {
    fn from(reason: FailureReason) -> Self {
        reason.0.into()
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cleaned_and_cut() {
        let long = "x".repeat(FailureReason::MAX_CHARS);
        for (text, expected) in [
            ("", ""),
            ("plain ~", "plain ~"),
            ("\u{7f}|\u{85}|\t|\u{e9}", " | | |\u{e9}"),
            (&*long, &*long),
            (&*format!("{long}y"), &*long),
        ] {
            assert_eq!(FailureReason::new(text).as_str(), expected);
            assert_eq!(String::from(FailureReason::new(text)), expected);
        }
    }
}
