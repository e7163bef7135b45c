//! Answers that a client need not be sent again (RFC 9110, sections 8.8.3 and 13.1.2).

use actix_web::http::header::{self, EntityTag, HeaderValue, IfNoneMatch};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use twox_hash::XxHash3_128;

use crate::wire;

/// For `Cache-Control`: kept by the client alone, which asks each time whether it is still so.
pub(crate) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The tag of an answer, made of its bytes alone, so that it is the same on every replica.
pub(crate) struct Tag(EntityTag);

impl Tag {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(EntityTag::new_strong(format!("{:032x}", XxHash3_128::oneshot(bytes))))
    }
}

/// Answers with JSON of the caller's own under its tag; or, where the client has it already, with 304.
pub(crate) fn answer(request: &HttpRequest, json: Vec<u8>) -> HttpResponse {
    tagged(request, &Tag::of(&json), PRIVATE, |response| wire::respond(response, json))
}

/// Answers under a tag with what is made of a 200; or, where the client has it already, with 304.
pub(crate) fn tagged(
    request: &HttpRequest,
    Tag(tag): &Tag,
    cache_control: HeaderValue,
    answer: impl FnOnce(HttpResponseBuilder) -> HttpResponse,
) -> HttpResponse {
    let mut response = if is_known(request, tag) {
        HttpResponse::NotModified().finish()
    } else {
        answer(HttpResponse::Ok())
    };
    if let Ok(tag) = HeaderValue::try_from(tag.to_string()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, cache_control);
    response
}

/// Whether the client has an answer with this tag. One that writes tags in another way has none.
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    if !request.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    match request.get_header::<IfNoneMatch>() {
        None => false,
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
    }
}
