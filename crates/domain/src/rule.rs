//! A rule hit: which rule found something, and which of its findings it was.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not `module|ERROR_KEY` with both parts made of ASCII letters, digits, `_` and `.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rule hit is module|ERROR_KEY, each of ASCII letters, digits, underscores and dots")]
pub struct RuleHitError;

/// What the analysis found: the rule's Python module (without `.report`) and the error key.
///
/// ```
/// use gathering_domain::rule::RuleHit;
/// let hit: RuleHit = "ccx_rules_ocp.external.tutorial_rule|TUTORIAL_ERROR".parse()?;
/// assert_eq!(hit.module(), "ccx_rules_ocp.external.tutorial_rule");
/// assert_eq!(hit.error_key(), "TUTORIAL_ERROR");
/// # Ok::<(), gathering_domain::rule::RuleHitError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleHit {
    composite: Box<str>,
    bar: usize,
}

impl RuleHit {
    /// The hit of this module and error key.
    pub fn new(module: &str, error_key: &str) -> Result<Self, RuleHitError> {
        if !is_part(module) || !is_part(error_key) {
            return Err(RuleHitError);
        }
        let mut composite = String::with_capacity(module.len() + 1 + error_key.len());
        composite.push_str(module);
        composite.push('|');
        composite.push_str(error_key);
        Ok(Self { composite: composite.into(), bar: module.len() })
    }

    /// The rule's Python module without `.report`: `rule_fqdn` in a report.
    pub fn module(&self) -> &str {
        self.composite.get(..self.bar).unwrap_or_default()
    }

    /// Which finding of the rule it is.
    pub fn error_key(&self) -> &str {
        self.composite.get(self.bar + 1..).unwrap_or_default()
    }

    /// Both, as `module|ERROR_KEY`.
    pub fn as_str(&self) -> &str {
        &self.composite
    }
}

fn is_part(part: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    // To the end, whatever comes: without a way out, many bytes are looked at in one step.
    !part.is_empty() && part.bytes().fold(true, |all, byte| all & is_legal(byte))
}

impl FromStr for RuleHit {
    type Err = RuleHitError;

    fn from_str(text: &str) -> Result<Self, RuleHitError> {
        match text.split_once('|') {
            Some((module, error_key)) if is_part(module) && is_part(error_key) => {
                Ok(Self { composite: text.into(), bar: module.len() })
            }
            _ => Err(RuleHitError),
        }
    }
}

impl TryFrom<&str> for RuleHit {
    type Error = RuleHitError;

    fn try_from(text: &str) -> Result<Self, RuleHitError> {
        text.parse()
    }
}

impl AsRef<str> for RuleHit {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Ord for RuleHit {
    /// By module, then by error key.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.module(), self.error_key()).cmp(&(other.module(), other.error_key()))
    }
}

impl PartialOrd for RuleHit {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RuleHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.composite)
    }
}

impl Serialize for RuleHit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.composite)
    }
}

impl<'de> Deserialize<'de> for RuleHit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_legal_characters_around_one_bar() {
        for text in ["a|B", "ccx_rules_ocp.external.rules.nodes|NODES_9", ".|_"] {
            let hit: RuleHit = text.parse().unwrap();
            assert_eq!(hit.to_string(), text);
            assert_eq!(serde_json::from_str::<RuleHit>(&serde_json::to_string(&hit).unwrap()).unwrap(), hit);
        }
        for text in ["", "|", "a|", "|B", "a", "a|B|C", "a|B-C", "a b|C", "a,b|C", "a|B\0", "\u{e9}|B"] {
            assert_eq!(text.parse::<RuleHit>(), Err(RuleHitError), "{text:?}");
            assert!(serde_json::from_value::<RuleHit>(text.into()).is_err());
        }
    }

    #[test]
    fn of_two_parts_comes_what_comes_of_their_text() {
        for (module, key) in [("a", "B"), ("a.b_c", "D9"), ("", "B"), ("a", ""), ("a|b", "C"), ("a", "B|C")] {
            assert_eq!(RuleHit::new(module, key), format!("{module}|{key}").parse(), "{module} {key}");
        }
    }

    #[test]
    fn module_comes_before_error_key_in_order() {
        // As plain text `a.b|A` would come before `a|Z`, since `.` sorts before `|`.
        let (short, long) = (RuleHit::new("a", "Z").unwrap(), RuleHit::new("a.b", "A").unwrap());
        assert!(short < long);
    }
}
