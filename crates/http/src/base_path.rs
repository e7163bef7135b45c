//! The paths under which the endpoints answer.

use std::fmt;
use std::str::FromStr;

/// A prefix of all endpoints' paths: `/`, or one such as `/api/insights-results-aggregator/v2`.
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

/// With a slash in front, and none at the end except for `/` itself.
impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

/// A single pattern for an endpoint under all of these paths, with or without a slash at the end: the router tries one
/// pattern after the other.
pub(crate) fn pattern(base_paths: &[BasePath], endpoint: &str) -> String {
    // The router wants a slash in front of the pattern, so here a base path has its slash at the end instead.
    let bases = base_paths.iter().map(|BasePath(path)| match path.strip_prefix('/') {
        Some(path) => path.replace('.', r"\.") + "/",
        None => String::new(),
    });
    let bases = bases.collect::<Vec<_>>().join("|");
    let endpoint = endpoint.strip_prefix('/').unwrap_or(endpoint);
    format!("/{{base:(?:{bases})}}{endpoint}{{slash:/?}}")
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
