//! The body of `GET /info`.

use std::borrow::Cow;

use gathering_domain::content::ContentRevision;
use gathering_domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Body;

/// What the program was built from.
#[derive(Debug, Clone, Copy)]
pub struct BuildInfo {
    /// The version, as in `Cargo.toml`.
    pub version: &'static str,
    /// The commit's full hash; `None` for a build that knows of no repository.
    pub commit: Option<&'static str>,
    /// When the commit was made.
    pub time: Option<Timestamp>,
}

/// What runs here
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InfoBody {
    info: Components,
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Each service that makes up the answer; here it is one. The form is that of the services before.
#[derive(Debug, Serialize, ToSchema)]
struct Components {
    #[serde(rename = "Gathering")]
    gathering: Component,
}

/// One service. What is not known is `*not set*`, as it was with the services before.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Component {
    /// The version.
    #[schema(example = "0.1.0")]
    build_version: &'static str,
    /// The time of the commit that was built, RFC 3339.
    #[schema(example = "2026-03-01T11:29:00Z")]
    build_time: Cow<'static, str>,
    /// The full hash of that commit.
    #[schema(example = "0123456789abcdef0123456789abcdef01234567")]
    build_commit: &'static str,
    /// Which replacement of the rule content reports are made with; 0 if none was ever imported.
    #[serde(rename = "OCPRulesVersion")]
    #[schema(example = "3")]
    ocp_rules_version: Cow<'static, str>,
    /// Always `ok`.
    #[serde(rename = "status")]
    #[schema(example = "ok")]
    status: &'static str,
}

/// What stands for a value that is not known.
const NOT_SET: &str = "*not set*";
const OK: &str = "ok";

impl InfoBody {
    pub(crate) fn new(build: &BuildInfo, content: Option<ContentRevision>) -> Self {
        let known = |value: Option<String>| value.map_or(Cow::Borrowed(NOT_SET), Cow::Owned);
        let gathering = Component {
            build_version: build.version,
            build_time: known(build.time.map(|time| time.to_string())),
            build_commit: build.commit.unwrap_or(NOT_SET),
            ocp_rules_version: known(content.map(|revision| revision.0.to_string())),
            status: OK,
        };
        Self { info: Components { gathering }, status: OK }
    }
}

impl Body for InfoBody {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_says_so() {
        let build = BuildInfo { version: "1.2.3", commit: None, time: None };
        let body = serde_json::to_value(InfoBody::new(&build, None)).unwrap();
        let gathering = json!({
            "BuildVersion": "1.2.3",
            "BuildTime": "*not set*",
            "BuildCommit": "*not set*",
            "OCPRulesVersion": "*not set*",
            "status": "ok"
        });
        assert_eq!(body, json!({"info": {"Gathering": gathering}, "status": "ok"}));
    }

    #[test]
    fn what_is_known_is_there() {
        let time = Some(Timestamp::from_micros(1_000_000));
        let build = BuildInfo { version: "1.2.3", commit: Some("abc"), time };
        let body = serde_json::to_value(InfoBody::new(&build, Some(ContentRevision(7)))).unwrap();
        let gathering = &body["info"]["Gathering"];
        assert_eq!(gathering["BuildTime"], "1970-01-01T00:00:01Z");
        assert_eq!(gathering["BuildCommit"], "abc");
        assert_eq!(gathering["OCPRulesVersion"], "7");
    }
}
