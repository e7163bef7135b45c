//! Who gets HTML where there is JSON as well.

use actix_web::http::header::{self, Accept, Quality};
use actix_web::{HttpMessage, HttpRequest};

/// Whether the caller asks for HTML by name, and prefers it to JSON (RFC 9110, section 12.5.1). Who takes anything gets JSON, as
/// ever, unless it is a browser: Java's HTTP client names HTML first without being asked to, and takes anything.
pub(crate) fn prefers_html(request: &HttpRequest) -> bool {
    const HTML: &str = "text/html";
    // Nearly all callers are done here.
    let names_html =
        |value: &[u8]| value.windows(HTML.len()).any(|part| part.eq_ignore_ascii_case(HTML.as_bytes()));
    if !request.headers().get_all(header::ACCEPT).any(|value| names_html(value.as_bytes())) {
        return false;
    }
    let Some(accept) = request.get_header::<Accept>() else { return false };
    let html = quality(&accept, &["text/html"]);
    let is_browser = quality(&accept, &["application/xhtml+xml"]) > Quality::ZERO;
    // Of a range that is written in an odd way, such as Java's `*; q=.2`, nothing is left in what was parsed.
    let takes_anything =
        || request.headers().get_all(header::ACCEPT).any(|value| value.as_bytes().contains(&b'*'));
    html > Quality::ZERO
        && html > quality(&accept, &["application/json", "application/*", "*/*"])
        && (is_browser || !takes_anything())
}

/// How much the first of these ranges is wished for that is named at all.
fn quality(accept: &Accept, ranges: &[&str]) -> Quality {
    let named = |range: &&str| accept.iter().find(|accepted| accepted.item.essence_str() == *range);
    ranges.iter().find_map(named).map_or(Quality::ZERO, |accepted| accepted.quality)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn prefers(values: &[&str]) -> bool {
        let request = values
            .iter()
            .fold(TestRequest::default(), |request, value| request.append_header((header::ACCEPT, *value)));
        prefers_html(&request.to_http_request())
    }

    #[test]
    fn html_is_for_those_who_name_and_prefer_it() {
        for values in [
            vec!["text/html"],
            vec!["TEXT/HTML"],
            vec!["text/html;charset=utf-8"],
            // What browsers send.
            vec!["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"],
            vec!["text/html, application/json;q=0.9"],
            vec!["application/json;q=0.5", "text/html;q=0.6"],
            vec!["text/html, application/xhtml+xml;q=0.9", "*/*;q=0.8"],
            vec!["text/html, application/problem+json"],
        ] {
            assert!(prefers(&values), "{values:?}");
        }
    }

    #[test]
    fn everybody_else_gets_json() {
        for values in [
            vec![],
            vec![""],
            vec!["*/*"],
            vec!["text/*"],
            vec!["application/json"],
            vec!["application/json, text/html"],
            vec!["text/html, */*"],
            // What Java's `HttpURLConnection` sends, and what it sent before.
            vec!["text/html, image/gif, image/jpeg, */*; q=0.2"],
            vec!["text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"],
            vec!["text/html, *;q=0.1"],
            vec!["text/html;q=0.2, application/json;q=0.1, */*"],
            vec!["text/html;q=0.5, application/*"],
            vec!["text/html;q=0"],
            vec!["text/html;q=0, application/json;q=0"],
            vec!["text/htmlx"],
            vec!["x/text/html"],
            vec!["application/json;profile=\"text/html\""],
            vec!["text/html;q=2"],
            vec!["text/html;q=x"],
            vec!["\u{e9}text/html"],
        ] {
            assert!(!prefers(&values), "{values:?}");
        }
    }
}
