//! The JSON bodies of answers.

mod ingest;
mod pieces;

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use gathering_domain::answer::{ListBody, ReportBody, StatusBody};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::ingest::IngestSummary;
use self::pieces::{PIECE, Pieces};

/// What is answered with.
pub(crate) trait Body: Serialize {
    /// About how many bytes it has as JSON: a text that outgrows its memory is copied again and again.
    fn length(&self) -> usize {
        FRAME
    }

    /// Writes it as JSON.
    fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        Ok(serde_json::to_writer(out, self)?)
    }
}

/// What a body has beside its entries, in bytes.
const FRAME: usize = 256;

/// Finishes an answer with a JSON body, and with a newline for those who read it in a terminal.
pub(crate) fn json(response: HttpResponseBuilder, body: &impl Body) -> HttpResponse {
    written(body).map_or_else(
        || HttpResponse::InternalServerError().body("{\"status\":\"Internal Server Error\"}\n"),
        |bytes| answer(response, bytes),
    )
}

/// A body as it goes over the wire.
pub(crate) fn written(body: &impl Body) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(body.length());
    body.write(&mut bytes).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}

/// Finishes an answer with JSON that is written already.
pub(crate) fn answer(mut response: HttpResponseBuilder, bytes: Vec<u8>) -> HttpResponse {
    let response = response.insert_header((header::CONTENT_TYPE, header::ContentType::json()));
    if bytes.len() > PIECE { response.body(Pieces(bytes.into())) } else { response.body(bytes) }
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

/// Why there is no answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// One sentence.
    pub(crate) status: String,
}

/// Why there is no answer, as RFC 9457 words it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    pub(crate) r#type: &'static str,
    /// The name of the status.
    pub(crate) title: &'static str,
    /// The status.
    pub(crate) status: u16,
    /// One sentence.
    pub(crate) detail: String,
}

impl Body for Failure {}
impl Body for Problem {}
