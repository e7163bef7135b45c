//! The JSON bodies of answers.

mod info;
mod ingest;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use gathering_domain::answer::{ListBody, ReportBody, StatusBody};
use serde::Serialize;

pub use self::info::BuildInfo;
pub(crate) use self::info::InfoBody;
pub(crate) use self::ingest::IngestSummary;

/// With the charset, although JSON has no other: today's services send it, and tests of their clients compare it letter by letter.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// What can be the body of an answer.
pub(crate) trait Body: Serialize {
    /// About how long the JSON is, in bytes: a buffer that it outgrows would be copied again and again.
    fn length(&self) -> usize {
        FRAME
    }

    /// Writes the JSON.
    fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        Ok(serde_json::to_writer(out, self)?)
    }
}

/// About how long the JSON of a body is without its entries, in bytes.
const FRAME: usize = 256;

/// Answers with JSON.
pub(crate) fn json(response: HttpResponseBuilder, body: &impl Body) -> HttpResponse {
    to_json(body).map_or_else(cannot_be_written, |bytes| respond(response, bytes))
}

/// The answer where a body cannot be written as JSON, which none of ours leads to.
pub(crate) fn cannot_be_written() -> HttpResponse {
    respond(HttpResponse::InternalServerError(), b"{\"status\":\"Internal Server Error\"}\n".to_vec())
}

/// A body as JSON, with a newline at the end for terminals.
pub(crate) fn to_json(body: &impl Body) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(body.length());
    body.write(&mut bytes).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}

/// Answers with JSON that is written already.
pub(crate) fn respond(mut response: HttpResponseBuilder, bytes: Vec<u8>) -> HttpResponse {
    response.insert_header((header::CONTENT_TYPE, JSON)).body(bytes)
}

impl Body for StatusBody<'_> {}

impl Body for ListBody<'_> {
    fn length(&self) -> usize {
        self.json_len()
    }

    fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        self.write_json(out)
    }
}

impl Body for ReportBody<'_> {
    fn length(&self) -> usize {
        self.json_len()
    }
}
