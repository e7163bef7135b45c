//! What is measured of every call.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// The template of the endpoint that a resource belongs to, without the base path: a label of few values.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint(pub(crate) &'static str);

/// Counters and latencies of the API.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    duration: HistogramVec,
}

const LABELS: [&str; 3] = ["endpoint", "method", "status"];

/// In seconds: from what a lookup takes to what a caller waits at most.
const BUCKETS: [f64; 12] = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

impl HttpMetrics {
    /// Adds the metrics to a registry, once.
    ///
    /// # Errors
    /// When the registry has metrics of these names already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new("gathering_http_requests_total", "Calls answered, by endpoint, method and status."),
            &LABELS,
        )?;
        let duration = HistogramVec::new(
            HistogramOpts::new(
                "gathering_http_request_duration_seconds",
                "Time from the head of a call to the head of its answer.",
            )
            .buckets(BUCKETS.to_vec()),
            &LABELS,
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(duration.clone()))?;
        Ok(Self { requests, duration })
    }

    pub(crate) fn observe(
        &self,
        endpoint: Option<&Endpoint>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let endpoint = endpoint.map_or("none", |endpoint| endpoint.0);
        let labels = [endpoint, label(method), status.as_str()];
        self.requests.with_label_values(&labels).inc();
        self.duration.with_label_values(&labels).observe(took.as_secs_f64());
    }
}

/// A caller can make methods up; labels must stay few.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
