//! Spans in the words of OpenTelemetry.

use std::time::{SystemTime, UNIX_EPOCH};

use gathering_support::trace::{Span, SpanKind};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as ProtocolKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as ProtocolSpan, Status};
use prost::Message;

/// The body of one export.
pub(crate) fn encode(spans: &[Span], version: &str) -> Vec<u8> {
    let resource = Resource {
        attributes: vec![text("service.name", "gathering"), text("service.version", version)],
        ..Resource::default()
    };
    let scope = InstrumentationScope { name: "gathering".to_owned(), ..InstrumentationScope::default() };
    let spans = spans.iter().map(span).collect();
    let scope_spans = ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}

fn span(span: &Span) -> ProtocolSpan {
    let kind = match span.kind {
        SpanKind::Server => ProtocolKind::Server,
        SpanKind::Consumer => ProtocolKind::Consumer,
        SpanKind::Internal => ProtocolKind::Internal,
    };
    let status = Status { code: StatusCode::Error.into(), ..Status::default() };
    ProtocolSpan {
        trace_id: span.context.trace.to_be_bytes().to_vec(),
        span_id: span.context.span.to_be_bytes().to_vec(),
        parent_span_id: span.parent.map(|parent| parent.to_be_bytes().to_vec()).unwrap_or_default(),
        // Sampled.
        flags: 1,
        name: span.name.to_owned(),
        kind: kind.into(),
        start_time_unix_nano: nanos(span.began),
        end_time_unix_nano: nanos(span.ended),
        attributes: span.attributes.iter().map(|(key, value)| text(key, value)).collect(),
        status: span.is_failed.then_some(status),
        ..ProtocolSpan::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
