//! Bodies with messages: what their headers say they are, and their bytes within the limits.

use std::io::Read;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};
use actix_web::web;
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use gathering_domain::Framing;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::body::BODY_TIMEOUT;
use crate::error::{ApiError, BodyProblem};

/// What the headers say of a body with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageHeaders {
    pub(crate) framing: Framing,
    is_gzip: bool,
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
        Ok(Self { framing, is_gzip })
    }
}

/// What bodies with messages may take up, each and together.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    max_body: usize,
    pages: Arc<Semaphore>,
}

/// The unit in which memory is taken: small enough for small messages, and large enough that the largest of limits has
/// fewer of them than a semaphore counts.
const PAGE: usize = 4096;

/// Memory that a body takes up, given back when this is dropped.
pub(crate) struct Taken {
    room: Room,
    pages: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// `max_body` for each body and `together` for all of them, in bytes.
    pub(crate) fn new(max_body: usize, together: usize) -> Self {
        let pages = together.max(max_body).div_ceil(PAGE).min(Semaphore::MAX_PERMITS);
        Self { max_body, pages: Arc::new(Semaphore::new(pages)) }
    }

    fn enter(&self) -> Taken {
        Taken { room: self.clone(), pages: None }
    }
}

impl Taken {
    /// Makes sure that there is room for so many bytes in all.
    fn cover(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes > self.room.max_body {
            return Err(ApiError::BodyTooLarge { limit: self.room.max_body });
        }
        let held = self.pages.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(bytes.div_ceil(PAGE).saturating_sub(held)).unwrap_or(u32::MAX);
        if more > 0 {
            let more =
                Arc::clone(&self.room.pages).try_acquire_many_owned(more).map_err(|_| ApiError::Busy)?;
            match &mut self.pages {
                Some(pages) => pages.merge(more),
                None => self.pages = Some(more),
            }
        }
        Ok(())
    }
}

/// Reads a whole body, uncompressed. The room that it takes is held by the second value.
pub(crate) async fn read_messages(
    payload: web::Payload,
    headers: MessageHeaders,
    room: &Room,
) -> Result<(Vec<u8>, Taken), ApiError> {
    let mut taken = room.enter();
    let body = tokio::time::timeout(BODY_TIMEOUT, read(payload, &mut taken))
        .await
        .map_err(|_| ApiError::BodyTimeout { limit: BODY_TIMEOUT })??;
    if !headers.is_gzip {
        return Ok((body, taken));
    }
    let work = move || {
        let mut inner = taken.room.enter();
        let plain = decompress(&body, &mut inner)?;
        Ok((plain, inner))
    };
    // The pool's threads outlive every call; that one is gone is as good as a body that broke off.
    web::block(work).await.unwrap_or(Err(ApiError::Body(BodyProblem::CutOff)))
}

async fn read(mut payload: web::Payload, taken: &mut Taken) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::Body(BodyProblem::CutOff))?;
        taken.cover(body.len() + chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Decompresses all members, which senders may just have put one after the other.
fn decompress(body: &[u8], taken: &mut Taken) -> Result<Vec<u8>, ApiError> {
    const STEP: usize = 64 * 1024;
    let mut decoder = MultiGzDecoder::new(body);
    let mut plain = Vec::new();
    loop {
        let read = decoder
            .by_ref()
            .take(STEP as u64)
            .read_to_end(&mut plain)
            .map_err(|_| ApiError::Body(BodyProblem::NotGzip))?;
        if read == 0 {
            return Ok(plain);
        }
        taken.cover(plain.len())?;
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
        let read = |framing, is_gzip| Ok(MessageHeaders { framing, is_gzip });
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
        let room = Room::new(200_000, 400_000);
        let unpacked = |body: &[u8]| decompress(body, &mut room.enter()).map_err(|error| error.to_string());
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

    #[test]
    fn bodies_share_what_room_there_is() {
        let room = Room::new(8192, 3 * PAGE);
        let (mut first, mut second) = (room.enter(), room.enter());
        assert!(first.cover(1).is_ok());
        assert!(first.cover(4096).is_ok());
        assert!(first.cover(4097).is_ok());
        assert!(matches!(first.cover(8193), Err(ApiError::BodyTooLarge { limit: 8192 })));
        assert!(second.cover(4096).is_ok());
        assert!(matches!(second.cover(4097), Err(ApiError::Busy)));
        drop(first);
        assert!(second.cover(8192).is_ok());
    }
}
