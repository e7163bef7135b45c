//! The paths under which the endpoints answer.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A prefix of all endpoints' paths: `/`, which is the default, or one such as `/api/insights-results-aggregator/v2`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

/// With a slash in front, and none at the end except for `/` itself.
impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

/// A single pattern for an endpoint under all of these paths, with or without a slash at the end: the router tries one
/// pattern after the other. At each character at most one way leads on: only such patterns can be matched in one pass, and others
/// take 7,000 instructions more a call, a sixth of a status poll.
pub(crate) fn pattern(base_paths: &[BasePath], endpoint: &str) -> String {
    // The router wants a slash in front of the pattern, so here a base path has its slash at the end instead.
    let bases = base_paths.iter().map(|BasePath(path)| match path.strip_prefix('/') {
        Some(path) => format!("{path}/"),
        None => String::new(),
    });
    let bases = bases.collect::<Vec<_>>();
    let bases = any_of(&bases.iter().map(String::as_str).collect::<Vec<_>>());
    let endpoint = endpoint.strip_prefix('/').unwrap_or(endpoint);
    format!("/{{base:{bases}}}{endpoint}{{slash:/?}}")
}

/// A pattern for each of these texts, in which what several begin with comes once.
fn any_of(texts: &[&str]) -> String {
    let mut by_first: BTreeMap<Option<char>, Vec<&str>> = BTreeMap::new();
    for text in texts {
        let mut rest = text.chars();
        let first = rest.next();
        by_first.entry(first).or_default().push(rest.as_str());
    }
    let ways = by_first.iter().map(|(first, rests)| match first {
        None => String::new(),
        Some('.') => format!(r"\.{}", any_of(rests)),
        Some(first) => format!("{first}{}", any_of(rests)),
    });
    let ways: Vec<_> = ways.collect();
    match ways.as_slice() {
        [only] => only.clone(),
        _ => format!("(?:{})", ways.join("|")),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::dev::ResourceDef;

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
    }

    #[test]
    fn what_paths_begin_with_comes_once() {
        let bases = ["/", "/api/insights-results-aggregator/v2", "/api/v2", "/api/v2.1"];
        let bases: Vec<BasePath> = bases.iter().map(|base| base.parse().unwrap()).collect();
        let expected = r"/{base:(?:|api/(?:insights-results-aggregator/v2/|v2(?:\.1/|/)))}x{slash:/?}";
        assert_eq!(pattern(&bases, "/x"), expected);
        assert_eq!(pattern(&bases[..1], "/x"), "/{base:}x{slash:/?}");
        assert_eq!(pattern(&bases[2..3], "/x"), "/{base:api/v2/}x{slash:/?}");
    }

    #[test]
    fn one_pattern_matches_under_every_path() {
        let matches = |bases: &[&str], path: &str| {
            let bases: Vec<BasePath> = bases.iter().map(|base| base.parse().unwrap()).collect();
            let resource = ResourceDef::new(pattern(&bases, "/cluster/{id}/x"));
            let mut path = actix_web::dev::Path::new(path);
            resource.capture_match_info(&mut path).then(|| path.get("id").unwrap().to_owned())
        };
        let both = ["/", "/a.b~c-d/v2"];
        for path in ["/cluster/7/x", "/cluster/7/x/", "/a.b~c-d/v2/cluster/7/x", "/a.b~c-d/v2/cluster/7/x/"] {
            assert_eq!(matches(&both, path).as_deref(), Some("7"), "{path}");
        }
        for path in [
            "cluster/7/x",
            "//cluster/7/x",
            "/cluster/7/x//",
            "/cluster/7/xy",
            "/cluster//x",
            "/cluster/7/8/x",
            "/aXb~c-d/v2/cluster/7/x",
            "/a.b~c-d/cluster/7/x",
            "/a.b~c-d/v2cluster/7/x",
        ] {
            assert_eq!(matches(&both, path), None, "{path}");
        }
        assert_eq!(matches(&["/v2"], "/v2/cluster/7/x").as_deref(), Some("7"));
        assert_eq!(matches(&["/v2"], "/cluster/7/x"), None);
    }
}
