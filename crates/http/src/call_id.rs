//! The ID of a call, which its answer and all its log lines carry: the caller's own, or a new one.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// The platform's header, in calls and answers.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-rh-insights-request-id");

/// The longest ID that is echoed, in characters.
const MAX_LEN: usize = 128;

tokio::task_local! {
    /// The ID of the call that this task works on.
    pub(crate) static CURRENT: HeaderValue;
}

/// The ID of the call that this task works on, for log lines; `None` outside of calls.
pub fn current_call_id() -> Option<String> {
    CURRENT.try_with(|id| id.to_str().map(str::to_owned).ok()).ok().flatten()
}

/// The caller's ID if it is 1 to 128 ASCII letters, digits, `-` or `_`, else a new one of 32 hexadecimal digits.
pub(crate) fn of(headers: &HeaderMap) -> HeaderValue {
    match headers.get(HEADER) {
        Some(id) if is_valid(id.as_bytes()) => id.clone(),
        _ => fresh(),
    }
}

fn is_valid(id: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn fresh() -> HeaderValue {
    let id = format!("{:032x}", rand::random::<u128>());
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_value(value: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(value).unwrap());
        of(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_usable_id_is_echoed_and_any_other_replaced() {
        for id in ["a", "6d2eede2-5764_43", &"x".repeat(128)] {
            assert_eq!(of_value(id.as_bytes()), id);
        }
        for id in [b"".as_slice(), b"a b", b"a/b", b"a\xff", "x".repeat(129).as_bytes()] {
            let fresh = of_value(id);
            assert!(fresh.len() == 32 && fresh.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fresh}");
        }
        assert_ne!(of(&HeaderMap::new()), of(&HeaderMap::new()));
    }
}
