//! The JSON bodies of answers.

mod ingest;
mod pieces;

use std::io::Write;

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use gathering_domain::{ClusterId, ReportEntry, RequestId, RequestRecord, RequestState, Timestamp};
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

/// How far a request has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestStatus<'a> {
    /// The cluster, in lower case.
    #[schema(value_type = String, format = "uuid")]
    pub(crate) cluster: ClusterId,
    /// The request.
    #[serde(rename = "requestID")]
    #[schema(value_type = String)]
    pub(crate) request_id: &'a RequestId,
    /// Where it stands.
    #[schema(value_type = State)]
    pub(crate) status: RequestState,
}

/// `received`: the upload is known. `failed`: the pipeline published nothing usable. `processed`: the report is there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "the schema of RequestState, which does not know OpenAPI")]
pub(crate) enum State {
    Received,
    Failed,
    Processed,
}

impl Body for RequestStatus<'_> {}

/// The requests of a cluster.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestList<'a> {
    /// The cluster, in lower case.
    #[schema(value_type = String, format = "uuid")]
    pub(crate) cluster: ClusterId,
    /// One entry for each request.
    pub(crate) requests: Vec<RequestEntry<'a>>,
    /// Always `ok`.
    pub(crate) status: &'static str,
    /// True where the cluster has more requests, which are older than those of the list; left out otherwise.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) truncated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Body for RequestList<'_> {
    fn length(&self) -> usize {
        const ENTRY: usize = 160;
        FRAME + ENTRY * self.requests.len()
    }

    /// Piece by piece: nothing in a list has to be escaped, and looking for what has to be takes a fifth of the instructions
    /// of a long one.
    fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        write!(out, "{{\"cluster\":\"{}\",\"requests\":[", self.cluster)?;
        for (index, entry) in self.requests.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"requestID\":\"");
            out.extend_from_slice(entry.request_id.as_str().as_bytes());
            out.extend_from_slice(if entry.valid { b"\",\"valid\":true" } else { b"\",\"valid\":false" });
            write_time(out, b",\"received\":", entry.received)?;
            write_time(out, b",\"processed\":", entry.processed)?;
            out.push(b'}');
        }
        write!(out, "],\"status\":\"{}\"", self.status)?;
        out.extend_from_slice(if self.truncated { b",\"truncated\":true}" } else { b"}" });
        Ok(())
    }
}

fn write_time(out: &mut Vec<u8>, name: &[u8], time: Option<Timestamp>) -> std::io::Result<()> {
    out.extend_from_slice(name);
    let Some(time) = time else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    out.push(b'"');
    time.write_to(out).map_err(std::io::Error::other)?;
    out.push(b'"');
    Ok(())
}

/// One request of a cluster.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestEntry<'a> {
    /// The request.
    #[serde(rename = "requestID")]
    #[schema(value_type = String)]
    pub(crate) request_id: &'a RequestId,
    /// Whether it is recorded.
    pub(crate) valid: bool,
    /// When the cluster gathered the data; null if the request is not recorded.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub(crate) received: Option<Timestamp>,
    /// When the result was recorded; null until then.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub(crate) processed: Option<Timestamp>,
}

impl<'a> RequestEntry<'a> {
    pub(crate) const fn recorded(record: &'a RequestRecord) -> Self {
        Self {
            request_id: &record.request,
            valid: true,
            received: Some(record.received_at),
            processed: record.processed_at,
        }
    }

    pub(crate) const fn unknown(request_id: &'a RequestId) -> Self {
        Self { request_id, valid: false, received: None, processed: None }
    }
}

/// What the analysis found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestReport<'a> {
    /// The cluster, in lower case.
    #[schema(value_type = String, format = "uuid")]
    pub(crate) cluster: ClusterId,
    /// The request.
    #[serde(rename = "requestID")]
    #[schema(value_type = String)]
    pub(crate) request_id: &'a RequestId,
    /// Where the request stands.
    #[schema(value_type = State)]
    pub(crate) status: RequestState,
    /// The hits, the highest risk first; empty until the request is processed.
    pub(crate) report: Vec<RuleHit<'a>>,
}

impl Body for RequestReport<'_> {
    fn length(&self) -> usize {
        const NAMES: usize = 80;
        let hit = |hit: &RuleHit<'_>| {
            // Line ends become two characters.
            let description = hit.description.len() + hit.description.len() / 32;
            NAMES + hit.rule_fqdn.len() + hit.error_key.len() + description
        };
        FRAME + self.report.iter().map(hit).sum::<usize>()
    }
}

/// One rule that did hit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleHit<'a> {
    /// The rule's Python module.
    pub(crate) rule_fqdn: &'a str,
    /// Which finding of the rule.
    pub(crate) error_key: &'a str,
    /// What to tell the user, Markdown.
    pub(crate) description: &'a str,
    /// 1 (low) to 4 (critical).
    #[schema(minimum = 1, maximum = 4)]
    pub(crate) total_risk: u8,
}

impl<'a> From<&'a ReportEntry> for RuleHit<'a> {
    fn from(entry: &'a ReportEntry) -> Self {
        Self {
            rule_fqdn: entry.hit.module(),
            error_key: entry.hit.error_key(),
            description: &entry.description,
            total_risk: entry.total_risk,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_as_it_would_be_otherwise() {
        let time = |text: &str| text.parse::<Timestamp>().ok();
        let ids: [RequestId; 4] = ["a", "aB9", "unknown", "c"].map(|id| id.parse().unwrap());
        let [a, capital, unknown, c] = &ids;
        let entry = |request_id, received, processed: Option<Timestamp>| RequestEntry {
            request_id,
            valid: received != time(""),
            received,
            processed,
        };
        let (whole, split) = (time("2026-03-01T11:29:00Z"), time("2026-03-01T11:29:00.25Z"));
        for requests in [
            vec![],
            vec![entry(a, whole, split)],
            vec![entry(capital, whole, None), entry(unknown, None, None), entry(c, split, whole)],
        ] {
            let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
            let mut list = RequestList { cluster, requests, status: "ok", truncated: false };
            for truncated in [false, true] {
                list.truncated = truncated;
                let mut written = Vec::new();
                list.write(&mut written).unwrap();
                assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&list).unwrap());
                assert!(list.length() >= serde_json::to_string(&list).unwrap().len());
            }
        }
        let mut written = Vec::new();
        write_time(&mut written, b"at ", split).unwrap();
        write_time(&mut written, b" and ", None).unwrap();
        assert_eq!(written, b"at \"2026-03-01T11:29:00.25Z\" and null");
    }
}
