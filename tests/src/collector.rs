//! A collector of traces, which keeps what it gets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

use crate::stand_in;

/// A collector that takes traces by OTLP over HTTP.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<CollectedSpan>>>,
}

/// A span as a collector gets it. IDs are hexadecimal.
#[derive(Debug, Clone)]
pub struct CollectedSpan {
    /// `call`, `lookup`, `batch` or `message`.
    pub name: String,
    /// The ID of its trace.
    pub trace: String,
    /// Its own ID.
    pub id: String,
    /// Empty without a parent.
    pub parent: String,
    /// Names and values.
    pub attributes: Vec<(String, String)>,
    /// In nanoseconds.
    pub duration: u64,
}

impl CollectedSpan {
    /// The value of an attribute; empty if it is missing.
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

impl Collector {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let spans: Arc<Mutex<Vec<CollectedSpan>>> = Arc::default();
        let kept = Arc::clone(&spans);
        let address = stand_in::serve(move |stream| {
            let mut reader = BufReader::new(stream);
            while let Some(body) = read_call(&mut reader) {
                let new = decoded(&body);
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
                if answer(stream).is_err() {
                    break;
                }
            }
        });
        Self { address, spans }
    }

    /// Starts one that does this with each connection instead, and keeps nothing.
    pub fn that(serve: impl Fn(&TcpStream) + Send + Sync + 'static) -> Self {
        Self { address: stand_in::serve(serve), spans: Arc::default() }
    }

    /// The setting that has a service send its traces here.
    pub fn setting(&self) -> String {
        format!("telemetry.otlp_endpoint=http://{}", self.address)
    }

    /// What it got so far.
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The body of the next call to the path of traces.
fn read_call(reader: &mut BufReader<&TcpStream>) -> Option<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok()?;
    if !line.starts_with("POST /v1/traces HTTP/1.1") {
        return None;
    }
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
}

fn decoded(body: &[u8]) -> Vec<CollectedSpan> {
    let request = ExportTraceServiceRequest::decode(body).expect("a request of OTLP");
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?}"),
    };
    spans
        .map(|span| CollectedSpan {
            name: span.name,
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            attributes: span
                .attributes
                .into_iter()
                .map(|attribute| (attribute.key, text(attribute.value.and_then(|value| value.value))))
                .collect(),
            duration: span.end_time_unix_nano - span.start_time_unix_nano,
        })
        .collect()
}
