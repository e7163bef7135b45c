//! Asking the RBAC service.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use gathering_support::trace::TRACEPARENT;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::answer;
use super::questions::Subject;
use crate::credentials::AuthHeaderName;
use crate::rbac_url::RbacUrl;
use crate::remote::client::Client;
use crate::remote::error::FetchError;

/// How long an answer may take, to its last byte.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks one question after the other.
pub(super) struct RbacClient {
    url: RbacUrl,
    /// Made when it is needed, and anew after a failure: with the authorities that are trusted by then.
    client: Option<Client>,
}

/// Why there is no answer. The texts complete a sentence such as "the service gave no answer".
#[derive(Debug, thiserror::Error)]
pub(super) enum RbacError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("something that does not list permissions")]
    NoAnswer,
}

impl RbacClient {
    pub(super) const fn new(url: RbacUrl) -> Self {
        Self { url, client: None }
    }

    /// Whether the service knows a permission of this identity to read recommendations.
    pub(super) fn grants_reading(&mut self, subject: &Subject) -> Result<bool, RbacError> {
        // Libraries read what strangers send. If one panics, others are asked for all the same.
        let answer = catch_unwind(AssertUnwindSafe(|| self.ask(subject)));
        let answer = answer.unwrap_or(Err(FetchError::Panic.into()));
        if answer.is_err() {
            self.client = None;
        }
        answer
    }

    fn ask(&mut self, subject: &Subject) -> Result<bool, RbacError> {
        const IDENTITY: HeaderName = HeaderName::from_static(AuthHeaderName::Identity.name());
        const TRACE: HeaderName = HeaderName::from_static(TRACEPARENT);
        let client = match &self.client {
            Some(client) => client,
            None => self.client.insert(Client::new(None).map_err(FetchError::Setup)?),
        };
        let mut value = HeaderValue::from_bytes(&subject.identity).map_err(|_| RbacError::NoAnswer)?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([
            (IDENTITY, value),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            // One that is kept may have been closed by the time of the next question.
            (header::CONNECTION, HeaderValue::from_static("close")),
        ]);
        if let Some(value) =
            subject.traceparent.as_deref().and_then(|value| HeaderValue::from_str(value).ok())
        {
            headers.insert(TRACE, value);
        }
        let document = client.get(self.url.access(), headers, Instant::now() + TIMEOUT)?;
        answer::grants_reading(&document.body).ok_or(RbacError::NoAnswer)
    }
}
