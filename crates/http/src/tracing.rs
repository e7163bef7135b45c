//! The spans of calls and of what they ask the store.

use std::future::Future;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderValue};
use gathering_support::trace::{self, ActiveSpan, SpanKind, TRACEPARENT, Tracer};

use crate::call_id;
use crate::metrics::Endpoint;

/// Begins the span of a call, if it is sampled.
pub(crate) fn begin(tracer: Option<&Tracer>, headers: &HeaderMap) -> Option<ActiveSpan> {
    tracer?.begin(headers.get(TRACEPARENT).map(HeaderValue::as_bytes))
}

/// Ends the span of a call that was answered so.
pub(crate) fn end(span: ActiveSpan, request: &HttpRequest, status: u16) {
    let endpoint = request.app_data::<Endpoint>().map_or("none", Endpoint::template);
    let mut attributes = vec![
        // Callers can make up methods.
        ("http.request.method", request.method().as_str().chars().take(16).collect()),
        ("http.route", endpoint.to_owned()),
        ("http.response.status_code", status.to_string()),
    ];
    if let Some(id) = call_id::current_call_id() {
        attributes.push(("gathering.call_id", id));
    }
    span.end("call", SpanKind::Server, attributes, status >= 500);
}

/// Does this as a part of the call, with a span of its own if the call is sampled.
pub(crate) async fn lookup<T, E>(
    what: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(span) = trace::current().map(|span| span.child()) else { return work.await };
    let result = work.await;
    span.end("lookup", SpanKind::Internal, vec![("gathering.lookup", what.to_owned())], result.is_err());
    result
}
