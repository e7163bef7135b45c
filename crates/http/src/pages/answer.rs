//! What all answers with pages have in common.

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{self, HeaderName, HeaderValue};

/// For `Cache-Control`: browsers ask each time whether what they have is still so, since the next release has the same addresses.
pub(super) const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// For `Cache-Control` of documents that hold a token while they are open: browsers keep none of them alive to come back to, with what
/// the user has had forgotten meanwhile.
pub(super) const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// Adds what keeps a page to itself: what it may do (its Content-Security-Policy), and that nobody is to guess what it is, to be
/// told where a link was followed, to show it within a page of another site, or to keep hold of the window that shows it.
pub(super) fn harden(response: &mut HttpResponseBuilder, policy: &'static str) {
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "same-origin"));
}
