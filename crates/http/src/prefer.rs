//! `Prefer: wait=N` (RFC 7240).

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How long the caller wishes to wait; `None` without such a wish, or with one that is no number of seconds. Of several the first
/// counts, as the RFC says.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).filter_map(|value| value.to_str().ok());
    for preference in values.flat_map(|value| split(value, ',')) {
        // What comes after a semicolon are parameters, and `wait` has none.
        let preference = split(preference, ';').next().unwrap_or_default();
        let (name, value) = preference.split_once('=').unwrap_or_default();
        if name.trim().eq_ignore_ascii_case("wait") {
            return seconds(value.trim());
        }
    }
    None
}

/// The parts between separators, but for those in quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |c| {
        let is_plain = !std::mem::take(&mut is_escaped);
        match c {
            '\\' if is_quoted => is_escaped = is_plain,
            '"' if is_plain => is_quoted = !is_quoted,
            _ => {}
        }
        c == separator && !is_quoted
    })
}

fn seconds(text: &str) -> Option<Duration> {
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_number = !unquoted.is_empty() && unquoted.bytes().all(|byte| byte.is_ascii_digit());
    // More than fits is more than is ever waited.
    is_number.then(|| Duration::from_secs(unquoted.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn wait_of(values: &[&str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PREFER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn the_first_wait_counts_wherever_it_is() {
        for (values, expected) in [
            (vec!["wait=10"], 10),
            (vec!["Wait = 10"], 10),
            (vec!["wait=\"10\""], 10),
            (vec!["respond-async, wait=007; foo=bar"], 7),
            (vec!["respond-async;wait=9", "handling=lenient,wait=3"], 3),
            (vec!["wait=3", "wait=5"], 3),
            (vec!["foo=\"a, wait=3, b\", wait=5"], 5),
            (vec!["foo=\"a \\\" , wait=3\";x=\"; wait=4\", wait=5"], 5),
            (vec!["wait=0"], 0),
            (vec!["wait=99999999999999999999999"], u64::MAX),
        ] {
            assert_eq!(wait_of(&values), Some(expected), "{values:?}");
        }
    }

    #[test]
    fn anything_else_is_no_wish_to_wait() {
        for values in [
            vec![],
            vec![""],
            vec!["wait"],
            vec!["wait="],
            vec!["wait=\"\""],
            vec!["wait=-1"],
            vec!["wait=+1"],
            vec!["wait=1.5"],
            vec!["wait=1s"],
            vec!["wait=\"1"],
            vec!["waits=1"],
            vec!["respond-async; wait=5"],
            vec!["wait=x, wait=5"],
            vec!["foo=\"a, wait=3, b\""],
            vec!["foo=\"a, wait=3"],
            vec!["wait=\u{661}"],
        ] {
            assert_eq!(wait_of(&values), None, "{values:?}");
        }
    }
}
