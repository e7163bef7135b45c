//! Where in a token something stands.

use std::fmt;
use std::str::FromStr;

/// Where in the claims of a token something stands: a claim's name, or a JSON pointer (RFC 6901). A text that begins with `/`
/// is a pointer, such as `/organization/id`, in which `~1` stands for `/` and `~0` for `~`. Any other text is a name as it
/// is, with whatever dots, colons and slashes it has. Parsed with [`FromStr`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    text: String,
    claim: String,
    inner: Vec<String>,
}

/// Why a text is no [`ClaimPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimPathError {
    /// A name is empty. That of a variable that was not filled in would find nothing, and so bind to no cluster.
    #[error("it has to name a claim, or be a pointer such as /organization/id, and no name may be empty")]
    Empty,
    /// There is a space around it, or a control character in it.
    #[error("it has to have neither spaces around it nor control characters")]
    Unprintable,
    /// A `~` of a pointer is followed by neither 0 nor 1.
    #[error("in a pointer, ~ is written as ~0 and a / within a name as ~1")]
    Escape,
    /// The pointer has too many parts.
    #[error("a pointer has at most {MAX_DEPTH} parts")]
    Deep,
}

/// The most names of a pointer. Tokens nest a few objects.
const MAX_DEPTH: usize = 16;

impl FromStr for ClaimPath {
    type Err = ClaimPathError;

    fn from_str(text: &str) -> Result<Self, ClaimPathError> {
        if text.trim() != text || text.contains(char::is_control) {
            return Err(ClaimPathError::Unprintable);
        }
        let names = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescaped).collect::<Result<Vec<_>, _>>()?,
            None => vec![text.to_owned()],
        };
        if names.len() > MAX_DEPTH {
            return Err(ClaimPathError::Deep);
        }
        let mut names = names.into_iter();
        let (claim, inner) = (names.next().unwrap_or_default(), names.collect::<Vec<_>>());
        if claim.is_empty() || inner.iter().any(String::is_empty) {
            return Err(ClaimPathError::Empty);
        }
        Ok(Self { text: text.to_owned(), claim, inner })
    }
}

fn unescaped(name: &str) -> Result<String, ClaimPathError> {
    if name.split('~').skip(1).all(|after| after.starts_with(['0', '1'])) {
        Ok(name.replace("~1", "/").replace("~0", "~"))
    } else {
        Err(ClaimPathError::Escape)
    }
}

impl ClaimPath {
    /// The claim of this name, which is not empty.
    pub(crate) fn named(name: &str) -> Self {
        Self { text: name.to_owned(), claim: name.to_owned(), inner: Vec::new() }
    }

    /// The name of the claim.
    pub(crate) fn claim(&self) -> &str {
        &self.claim
    }

    /// The way within the claim, from outside in: names of members, or indices of lists.
    pub(crate) fn inner(&self) -> &[String] {
        &self.inner
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_name_unless_it_begins_with_a_slash() {
        for (text, claim, inner) in [
            ("org_id", "org_id", &[][..]),
            ("custom:org_id", "custom:org_id", &[]),
            ("https://example.com/org_id", "https://example.com/org_id", &[]),
            ("kubernetes.io", "kubernetes.io", &[]),
            ("a~b", "a~b", &[]),
            ("org id", "org id", &[]),
            ("/org_id", "org_id", &[]),
            ("/organization/id", "organization", &["id"]),
            ("/kubernetes.io/serviceaccount/name", "kubernetes.io", &["serviceaccount", "name"]),
            ("/https:~1~1example.com~1org/0", "https://example.com/org", &["0"]),
            ("/~01/~10", "~1", &["/0"]),
        ] {
            let path: ClaimPath = text.parse().unwrap();
            assert_eq!(
                (path.claim(), path.inner()),
                (claim, inner.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
                "{text}"
            );
            assert_eq!(path.to_string(), text);
        }
        assert_eq!("sub".parse(), Ok(ClaimPath::named("sub")));
    }

    #[test]
    fn what_would_find_nothing_is_refused() {
        for text in ["", "/", "//", "/a/", "//a", "/a//b"] {
            assert_eq!(text.parse::<ClaimPath>(), Err(ClaimPathError::Empty), "{text:?}");
        }
        for text in [" ", " org_id", "org_id\n", "\u{a0}org_id", "/a/b ", "a\tb", "a\0", "/a/\u{7f}"] {
            assert_eq!(text.parse::<ClaimPath>(), Err(ClaimPathError::Unprintable), "{text:?}");
        }
        for text in ["/~", "/a~", "/a~2", "/~~0", "/a/b~/c"] {
            assert_eq!(text.parse::<ClaimPath>(), Err(ClaimPathError::Escape), "{text:?}");
        }
        assert!("/a".repeat(16).parse::<ClaimPath>().is_ok());
        assert_eq!("/a".repeat(17).parse::<ClaimPath>(), Err(ClaimPathError::Deep));
    }
}
