//! Documents of pages, with places in them that are filled in.
//!
//! A place is a name in two braces, such as `{{version}}`:
//!
//! | place | what is there |
//! |---|---|
//! | `root` | the way from the page to the root, with a slash at the end |
//! | `api` | the way from the page to the API, with a slash at the end |
//! | `auth` | how callers say who they are: `token`, `identity-header`, `client-certificate` or `none` |
//! | `version`, `commit` | of the program |
//! | `retention` | how long requests are kept, in seconds |

use super::site::{PageSettings, Site};
use crate::openapi::AuthScheme;

/// How much of a commit's hash is shown, in characters.
const SHORT_COMMIT: usize = 12;

/// A document, and what is filled in.
pub(super) struct Document(String);

impl Document {
    pub(super) fn new(template: &str) -> Self {
        Self(template.to_owned())
    }

    /// Fills in what is known of the site, for a page from which `root` is the way to the root.
    pub(super) fn of_site(self, site: &Site, root: &str, settings: Option<PageSettings>) -> Self {
        let base = site.api.to_string();
        let base = base.trim_matches('/');
        let slash = if base.is_empty() { "" } else { "/" };
        let auth = match site.auth {
            AuthScheme::BearerToken => "token",
            AuthScheme::IdentityHeader => "identity-header",
            AuthScheme::ClientCertificate => "client-certificate",
            AuthScheme::None => "none",
        };
        let retention = settings.map(|settings| settings.retention.as_secs().to_string());
        let commit: String = site.build.commit.unwrap_or("unknown").chars().take(SHORT_COMMIT).collect();
        self.fill("root", root)
            .fill("api", &format!("{root}{base}{slash}"))
            .fill("auth", auth)
            .fill("version", site.build.version)
            .fill("commit", &commit)
            .fill("retention", &retention.unwrap_or_default())
    }

    /// Leaves out what stands between the lines `<!-- name -->` and `<!-- /name -->`.
    pub(super) fn without(self, name: &str) -> Self {
        let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
        let mut text = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once(&begin) {
            text.push_str(before);
            rest = after.split_once(&end).map_or("", |(_, after)| after);
        }
        text.push_str(rest);
        Self(text)
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Fills in a text, without what HTML gives a meaning. All of them are ours, or checked as paths: none should lose anything.
    fn fill(self, name: &str, value: &str) -> Self {
        let value: String = value.chars().filter(|c| !"<>&\"'{}".contains(*c)).collect();
        Self(self.0.replace(&format!("{{{{{name}}}}}"), &value))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wire::BuildInfo;

    const BUILD: BuildInfo =
        BuildInfo { version: "1.2.3", commit: Some("0123456789abcdef0123456789abcdef01234567"), time: None };

    fn filled(base_paths: &[&str], root: &str) -> String {
        let base_paths: Vec<_> = base_paths.iter().map(|path| path.parse().unwrap()).collect();
        let site = Site::new(&base_paths, AuthScheme::BearerToken, BUILD);
        let settings = PageSettings { retention: Duration::from_secs(86_400) };
        Document::new("{{root}} {{api}} {{auth}} {{version}} {{commit}} {{retention}} {{other}}")
            .of_site(&site, root, Some(settings))
            .into_text()
    }

    #[test]
    fn a_page_is_told_the_way_to_the_api() {
        assert_eq!(filled(&["/api/v2", "/"], "./"), "./ ./ token 1.2.3 0123456789ab 86400 {{other}}");
        assert_eq!(
            filled(&["/api/v2", "/b"], "../"),
            "../ ../api/v2/ token 1.2.3 0123456789ab 86400 {{other}}",
            "the first, where there is no root"
        );
    }

    #[test]
    fn a_page_is_told_how_callers_say_who_they_are() {
        for (scheme, name) in [
            (AuthScheme::BearerToken, "token"),
            (AuthScheme::IdentityHeader, "identity-header"),
            (AuthScheme::ClientCertificate, "client-certificate"),
            (AuthScheme::None, "none"),
        ] {
            let site = Site::new(&["/".parse().unwrap()], scheme, BUILD);
            assert_eq!(Document::new("{{auth}}").of_site(&site, "./", None).into_text(), name);
        }
    }

    #[test]
    fn what_is_filled_in_cannot_be_markup() {
        assert_eq!(Document::new("<a b=\"{{x}}\">").fill("x", "\"><i>'&{{y}}").into_text(), "<a b=\"iy\">");
    }

    #[test]
    fn parts_can_be_left_out() {
        let text = "a<!-- x -->b<!-- /x -->c<!-- y -->d<!-- /y -->e<!-- x -->f<!-- /x -->g";
        assert_eq!(Document::new(text).without("x").into_text(), "ac<!-- y -->d<!-- /y -->eg");
    }
}
