//! Calls of `gathering watch`.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use gathering_support::{BaseUrl, ProxySettings, http_client, visible};
use serde::Deserialize;
use ureq::Proxy;
use ureq::http::{HeaderMap, HeaderValue, Request, Uri, header};
use ureq::tls::RootCerts;

use crate::ServerError;

/// The largest answer, in bytes. A report has 100 entries with 2048 characters each.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;

/// The longest part of a server's sentence that is repeated, in characters.
const SENTENCE: usize = 300;

/// The longest time that a server is left alone because it asks for that, in seconds. What is absurd must not end the wait.
const MAX_RETRY_AFTER: u64 = 60;

/// Asks about one request. It follows no redirect: it may have a token to show.
pub(super) struct Client {
    agent: ureq::Agent,
    server: BaseUrl,
    request: String,
    authorization: Option<HeaderValue>,
}

/// What a server answered.
pub(super) struct Answer {
    pub(super) status: u16,
    retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
    /// Whether a report was asked for.
    pub(super) is_report: bool,
    /// Whether the server took its time, as it was asked to.
    has_waited: bool,
}

/// Why there is no answer, and whether there may be one later.
pub(super) enum NoAnswer {
    ForNow(String),
    ForEver(String),
}

impl Client {
    /// `path` is that of the request, with a slash at its end.
    pub(super) fn new(server: &BaseUrl, path: &str, token: Option<&str>) -> Result<Self, ServerError> {
        let authorization = token.map(|token| HeaderValue::from_str(&format!("Bearer {token}"))).transpose();
        let mut authorization = authorization.map_err(|_| {
            ServerError::Usage("the token holds characters that no token has; it is not shown here")
        })?;
        if authorization.is_some() && !server.is_encrypted() && !server.is_local() {
            return Err(ServerError::Usage(
                "whoever is on the way to another machine can read a token that is sent by http: give a --server with https, or \
                 no token",
            ));
        }
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        // Of its own accord, the library would read other variables, and ask this very machine through a proxy.
        let proxy = proxy(server)?;
        let agent = http_client::client(RootCerts::PlatformVerifier).proxy(proxy).build().into();
        Ok(Self { agent, server: server.clone(), request: format!("{server}{path}"), authorization })
    }

    pub(super) const fn server(&self) -> &BaseUrl {
        &self.server
    }

    /// The status, for which the server may take its time: so many seconds, 0 for none (`Prefer: wait`, RFC 7240).
    pub(super) fn status(&self, wait: u64, limit: Duration) -> Result<Answer, NoAnswer> {
        let mut headers = HeaderMap::new();
        if wait > 0
            && let Ok(value) = HeaderValue::from_str(&format!("wait={wait}"))
        {
            headers.insert("prefer", value);
        }
        self.get("status", headers, limit)
    }

    /// The report.
    pub(super) fn report(&self, limit: Duration) -> Result<Answer, NoAnswer> {
        self.get("report", HeaderMap::new(), limit)
    }

    fn get(&self, what: &str, mut headers: HeaderMap, limit: Duration) -> Result<Answer, NoAnswer> {
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend(self.authorization.clone().map(|value| (header::AUTHORIZATION, value)));
        let mut request = Request::get(format!("{}{what}", self.request))
            .body(())
            .map_err(|error| NoAnswer::ForEver(error.to_string()))?;
        *request.headers_mut() = headers;
        let request = self.agent.configure_request(request).timeout_global(Some(limit)).build();
        let began = Instant::now();
        let response = self.agent.run(request)?;
        let has_waited = response.headers().contains_key("preference-applied")
            && began.elapsed() >= Duration::from_secs(1);
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        let body = response.into_body().into_with_config().limit(MAX_ANSWER).read_to_vec()?;
        Ok(Answer { status, retry_after, body, is_report: what == "report", has_waited })
    }
}

/// The proxy of the environment, for `https` elsewhere.
fn proxy(server: &BaseUrl) -> Result<Option<Proxy>, ServerError> {
    if !server.is_encrypted() || server.is_local() {
        return Ok(None);
    }
    let uri: Uri = server.to_string().parse().map_err(|_| ServerError::Usage("--server is no URL"))?;
    let Some(authority) = uri.authority() else { return Ok(None) };
    ProxySettings::from_environment().proxy_for(authority).map_err(ServerError::from)
}

/// In seconds; the other form, a time, depends on clocks that agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER)))
}

impl From<ureq::Error> for NoAnswer {
    /// A server that restarts, and a network that is away, come back. Certificates and URLs do not become better.
    fn from(error: ureq::Error) -> Self {
        let problem = visible(&error.to_string()).chars().take(SENTENCE).collect();
        let is_for_now = match &error {
            // Of TLS these say what is wrong with a certificate.
            ureq::Error::Io(error) => {
                !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput)
            }
            ureq::Error::Timeout(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::Protocol(_)
            | ureq::Error::BodyStalled => true,
            _ => false,
        };
        if is_for_now { Self::ForNow(problem) } else { Self::ForEver(problem) }
    }
}

impl Answer {
    /// How long to wait before asking again, as far as the server says so.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.retry_after.or_else(|| self.has_waited.then_some(Duration::ZERO))
    }

    /// The status and what the server says to it, fit for a terminal.
    pub(super) fn sentence(&self) -> String {
        #[derive(Deserialize)]
        struct Sentence {
            #[serde(default)]
            status: Option<serde_json::Value>,
            #[serde(default)]
            detail: Option<String>,
        }
        let sentence = serde_json::from_slice::<Sentence>(&self.body).ok();
        let sentence = sentence.and_then(|sentence| {
            let status = sentence.status.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned);
            status.or(sentence.detail)
        });
        let status = ureq::http::StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
        let sentence: String = visible(&sentence.unwrap_or_default()).chars().take(SENTENCE).collect();
        match (reason, sentence.as_str()) {
            ("", "") => self.status.to_string(),
            (reason, "") => format!("{} {reason}", self.status),
            (_, sentence) => format!("{}: {sentence}", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> String {
        Answer { status, retry_after: None, body: body.into(), is_report: false, has_waited: false }
            .sentence()
    }

    #[test]
    fn the_servers_sentence_is_found_and_tamed() {
        assert_eq!(answer(404, r#"{"status":"not there"}"#), "404: not there");
        assert_eq!(
            answer(403, r#"{"title":"Forbidden","status":403,"detail":"not yours"}"#),
            "403: not yours"
        );
        assert_eq!(answer(502, "<html>\u{1b}[31m</html>"), "502 Bad Gateway");
        assert_eq!(answer(599, ""), "599");
        assert_eq!(answer(401, "{\"status\":\"a\\u001b[31mb\\nc\u{202e}d\"}"), "401: a [31mb cd");
        assert_eq!(answer(400, &format!("{{\"status\":\"{}\"}}", "x".repeat(10_000))).len(), 305);
    }

    #[test]
    fn a_token_goes_by_https_or_stays_on_this_machine() {
        let may = |url: &str, token| Client::new(&url.parse().unwrap(), "path/", token).is_ok();
        for url in [
            "https://host/",
            "http://127.0.0.1:1/",
            "http://127.9.9.9/",
            "http://[::1]:1/",
            "http://localhost/",
        ] {
            assert!(may(url, Some("token")) && may(url, None), "{url}");
        }
        for url in [
            "http://host/",
            "http://10.0.0.1/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
        ] {
            assert!(!may(url, Some("token")) && may(url, None), "{url}");
        }
    }

    #[test]
    fn seconds_are_understood_and_nothing_else() {
        for (text, expected) in [
            ("0", Some(0)),
            (" 5 ", Some(5)),
            ("61", Some(60)),
            ("18446744073709551615", Some(MAX_RETRY_AFTER)),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("Fri, 27 Nov 2026 00:00:00 GMT", None),
        ] {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{text}");
        }
    }
}
