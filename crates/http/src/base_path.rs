//! Under which paths the endpoints answer.

use std::fmt;
use std::str::FromStr;

/// A path that goes before those of the endpoints: `/`, or one such as `/api/insights-results-aggregator/v2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(String);

/// A text that is no base path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a base path starts with / and has only ASCII letters, digits, '-', '_', '.', '~' and single slashes"
)]
pub struct BasePathError;

impl FromStr for BasePath {
    type Err = BasePathError;

    fn from_str(text: &str) -> Result<Self, BasePathError> {
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "-_.~/".contains(c);
        if text.starts_with('/') && text.chars().all(is_legal) && !text.contains("//") {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(BasePathError)
        }
    }
}

/// With the slash in front and without one at the end, except for `/` itself.
impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

impl BasePath {
    /// The patterns of an endpoint under this path, without and with a slash at the end.
    pub(crate) fn patterns(&self, endpoint: &str) -> [String; 2] {
        let pattern = format!("{}{endpoint}", self.0);
        let with_slash = format!("{pattern}/");
        [pattern, with_slash]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_where_they_belong() {
        for (text, shown) in
            [("/", "/"), ("/api", "/api"), ("/api/v2/", "/api/v2"), ("/a-b_c.d~e", "/a-b_c.d~e")]
        {
            assert_eq!(text.parse::<BasePath>().unwrap().to_string(), shown);
        }
        for text in ["", "api", "//", "/a//b", "/a{b}", "/a b", "/a?b", "/a%20b", "http://x/"] {
            assert_eq!(text.parse::<BasePath>(), Err(BasePathError), "{text}");
        }
        assert_eq!("/".parse::<BasePath>().unwrap().patterns("/x"), ["/x", "/x/"]);
        assert_eq!("/v2".parse::<BasePath>().unwrap().patterns("/x"), ["/v2/x", "/v2/x/"]);
    }
}
