//! Bodies with messages: what their headers say they are, and their bytes, uncompressed.

use std::io::Read;
use std::sync::{Mutex, PoisonError};

use actix_web::http::header::{self, HeaderMap};
use actix_web::web;
use flate2::read::MultiGzDecoder;
use gathering_domain::ids::RequestKey;
use gathering_domain::intake::{BodyBytes, Framing, MessageOutcome, Tenant};

use super::body::{budget_error, declared_length, read};
use super::body_budget::{BodyBudget, BudgetGuard};
use super::decompression_queue::DecompressionQueue;
use crate::audit::AuditedCall;
use crate::error::{ApiError, BodyError};

/// What the headers say of a body with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageHeaders {
    pub(crate) framing: Framing,
    is_gzip: bool,
    length: Option<usize>,
}

const TYPES: &str =
    "it has to be application/json for one message, or application/x-ndjson for one on each line";
const ENCODINGS: &str = "it has to be gzip or none";

impl MessageHeaders {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let unsupported = |what, expected| ApiError::UnsupportedMedia { what, expected };
        let kind = headers.get(header::CONTENT_TYPE).ok_or(unsupported("no Content-Type", TYPES))?;
        let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let framing = if kind.eq_ignore_ascii_case("application/json") {
            Framing::One
        } else if kind.eq_ignore_ascii_case("application/x-ndjson") {
            Framing::Lines
        } else {
            return Err(unsupported("another Content-Type", TYPES));
        };
        let mut encodings = headers.get_all(header::CONTENT_ENCODING).map(|value| value.to_str());
        let is_gzip = match (encodings.next(), encodings.next()) {
            (None, _) => false,
            (Some(Ok(one)), None) if one.trim().eq_ignore_ascii_case("gzip") => true,
            (Some(Ok(one)), None) if one.trim().eq_ignore_ascii_case("identity") => false,
            _ => return Err(unsupported("another Content-Encoding", ENCODINGS)),
        };
        Ok(Self { framing, is_gzip, length: declared_length(headers) })
    }
}

/// The memory for all bodies with messages that are being read or recorded, and the turn to decompress them.
pub(crate) struct MessageBudget {
    budget: BodyBudget,
    decompression: DecompressionQueue,
}

impl MessageBudget {
    pub(crate) fn new(budget: BodyBudget) -> Self {
        Self { budget, decompression: DecompressionQueue::new() }
    }
}

/// A body with messages, uncompressed, and its part of the budget.
pub(crate) struct Messages {
    bytes: Vec<u8>,
    guard: Mutex<BudgetGuard>,
    audited: Option<AuditedCall>,
}

impl AsRef<[u8]> for Messages {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl BodyBytes for Messages {
    fn reserve(&self, beside: usize) -> bool {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        guard.reserve(self.bytes.len(), beside).is_ok()
    }

    fn is_audited(&self) -> bool {
        self.audited.is_some()
    }

    fn written(&self, key: &RequestKey, outcome: MessageOutcome) {
        if let Some(call) = &self.audited {
            call.written(key, outcome);
        }
    }
}

/// Reads a whole body, and decompresses it.
pub(crate) async fn read_messages(
    payload: web::Payload,
    headers: MessageHeaders,
    budget: &MessageBudget,
    tenant: Tenant,
    audited: Option<AuditedCall>,
) -> Result<Messages, ApiError> {
    let mut guard = budget.budget.guard(tenant);
    let body = read(payload, headers.length, &mut guard, || ApiError::IngestBusy).await?;
    if !headers.is_gzip {
        return Ok(Messages { bytes: body, guard: Mutex::new(guard), audited });
    }
    let permit = budget.decompression.acquire(tenant).await;
    let work = move || {
        let _permit = permit;
        let bytes = decompress(&body, &mut guard)?;
        drop(body);
        guard.shrink(bytes.len());
        Ok(Messages { bytes, guard: Mutex::new(guard), audited })
    };
    // The threads of the pool outlive every call, so this does not fail; if it did, the body would be as good as cut off.
    web::block(work).await.unwrap_or(Err(ApiError::Body(BodyError::CutOff)))
}

/// Decompresses all members of the body: senders may have concatenated several.
fn decompress(body: &[u8], guard: &mut BudgetGuard) -> Result<Vec<u8>, ApiError> {
    const STEP: usize = 64 * 1024;
    let mut decoder = MultiGzDecoder::new(body);
    let mut plain = Vec::new();
    loop {
        let read = decoder
            .by_ref()
            .take(STEP as u64)
            .read_to_end(&mut plain)
            .map_err(|_| ApiError::Body(BodyError::NotGzip))?;
        if read == 0 {
            return Ok(plain);
        }
        guard
            .reserve(plain.len(), body.len())
            .map_err(|error| budget_error(error, || ApiError::IngestBusy))?;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use actix_web::http::header::{HeaderName, HeaderValue};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> Result<MessageHeaders, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        MessageHeaders::of(&headers).map_err(|error| error.to_string())
    }

    #[test]
    fn headers_say_what_a_body_is() {
        use header::{CONTENT_ENCODING as ENCODING, CONTENT_TYPE as TYPE};
        let read = |framing, is_gzip| Ok(MessageHeaders { framing, is_gzip, length: None });
        assert_eq!(headers(&[(TYPE, "application/json")]), read(Framing::One, false));
        assert_eq!(headers(&[(TYPE, "Application/JSON; charset=utf-8")]), read(Framing::One, false));
        assert_eq!(headers(&[(TYPE, "application/x-ndjson")]), read(Framing::Lines, false));
        let ndjson = (TYPE, "application/x-ndjson");
        assert_eq!(headers(&[ndjson.clone(), (ENCODING, "GZIP")]), read(Framing::Lines, true));
        assert_eq!(headers(&[ndjson.clone(), (ENCODING, "identity")]), read(Framing::Lines, false));
        for pairs in [vec![], vec![(TYPE, "text/plain")], vec![(TYPE, "application/jsonx")], vec![(TYPE, "")]]
        {
            assert!(headers(&pairs).unwrap_err().contains("application/x-ndjson"), "{pairs:?}");
        }
        for encodings in [vec!["br"], vec!["gzip, gzip"], vec!["gzip", "gzip"], vec![""]] {
            let pairs: Vec<_> =
                encodings.iter().map(|encoding| (ENCODING, *encoding)).chain([ndjson.clone()]).collect();
            assert!(headers(&pairs).unwrap_err().contains("gzip or none"), "{encodings:?}");
        }
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_has_members_and_limits() {
        let budget =
            BodyBudget::new(200_000, 1_000_000, prometheus::IntGauge::new("bytes", "Bytes.").unwrap());
        let tenant = gathering_domain::ids::OrganizationId::try_from(1).unwrap().into();
        let unpacked =
            |body: &[u8]| decompress(body, &mut budget.guard(tenant)).map_err(|error| error.to_string());
        let plain = b"{}\n".repeat(60_000);
        assert_eq!(unpacked(&gzip(&plain)).unwrap(), plain);
        assert_eq!(unpacked(&[gzip(b"one"), gzip(b"two")].concat()).unwrap(), b"onetwo");
        assert_eq!(unpacked(&gzip(b"")).unwrap(), b"");
        let too_large = ApiError::BodyTooLarge { limit: 200_000 }.to_string();
        assert_eq!(unpacked(&gzip(&vec![b' '; 100_000_000])).unwrap_err(), too_large);
        for broken in [&b"plain"[..], b"", &gzip(b"cut off")[..12], &[gzip(b"x"), b"rest".to_vec()].concat()]
        {
            assert!(unpacked(broken).unwrap_err().contains("gzip and it is not"), "{broken:?}");
        }
    }
}
