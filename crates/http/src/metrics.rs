//! What is measured of every call.

use std::cell::RefCell;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::connections::{CloseReason, ConnectionMetrics};

/// The endpoint that a resource belongs to, and its metrics, so that they need not be looked up at each call. Each worker
/// has its own.
pub(crate) struct Endpoint {
    /// The path without the base path: a label of few values.
    template: &'static str,
    used: RefCell<Vec<Used>>,
}

impl Endpoint {
    pub(crate) const fn new(template: &'static str) -> Self {
        Self { template, used: RefCell::new(Vec::new()) }
    }
}

/// The metrics of one method and status.
struct Used {
    method: &'static str,
    status: StatusCode,
    requests: IntCounter,
    duration: Histogram,
}

impl Used {
    fn count(&self, took: Duration) {
        self.requests.inc();
        self.duration.observe(took.as_secs_f64());
    }
}

/// Counters and latencies of the API.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    connections: ConnectionMetrics,
    body_bytes: IntGaugeVec,
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
        let body_bytes = IntGaugeVec::new(
            Opts::new(
                "gathering_http_body_bytes",
                "Memory of bodies that are being read or worked on, by kind.",
            ),
            &["bodies"],
        )?;
        registry.register(Box::new(duration.clone()))?;
        let open = IntGauge::new("gathering_http_connections", "Open connections to the API.")?;
        let closed = IntCounterVec::new(
            Opts::new(
                "gathering_http_connections_closed_total",
                "Connections that were closed to protect the service, by reason.",
            ),
            &["reason"],
        )?;
        for reason in CloseReason::ALL {
            closed.with_label_values(&[reason.as_str()]);
        }
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(closed.clone()))?;
        registry.register(Box::new(body_bytes.clone()))?;
        let connections = ConnectionMetrics { open, closed };
        Ok(Self { requests, duration, connections, body_bytes })
    }

    pub(crate) fn connections(&self) -> ConnectionMetrics {
        self.connections.clone()
    }

    /// How many bytes bodies of this kind take up.
    pub(crate) fn body_bytes(&self, bodies: &str) -> IntGauge {
        self.body_bytes.with_label_values(&[bodies])
    }

    pub(crate) fn observe(
        &self,
        endpoint: Option<&Endpoint>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let method = label(method);
        let Some(endpoint) = endpoint else {
            return self.find("none", method, status).count(took);
        };
        let mut used = endpoint.used.borrow_mut();
        if let Some(used) = used.iter().find(|used| used.method == method && used.status == status) {
            return used.count(took);
        }
        let found = self.find(endpoint.template, method, status);
        found.count(took);
        used.push(found);
    }

    fn find(&self, endpoint: &str, method: &'static str, status: StatusCode) -> Used {
        let labels = [endpoint, method, status.as_str()];
        Used {
            method,
            status,
            requests: self.requests.with_label_values(&labels),
            duration: self.duration.with_label_values(&labels),
        }
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
