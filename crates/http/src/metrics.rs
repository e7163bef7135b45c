//! The metrics of calls, connections and bodies.

use std::cell::RefCell;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use gathering_support::trace::Tracer;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::clients::ClientCounters;
use crate::connections::{CloseReason, ConnectionMetrics};
use crate::gone;

/// The endpoint of a resource, with its time series, so that they need not be looked up at each call. Each worker has its
/// own.
pub(crate) struct Endpoint {
    /// The path without the base path: a label with few values.
    template: &'static str,
    series: RefCell<Vec<Series>>,
}

impl Endpoint {
    pub(crate) const fn new(template: &'static str) -> Self {
        Self { template, series: RefCell::new(Vec::new()) }
    }

    /// The path without the base path.
    pub(crate) const fn template(&self) -> &'static str {
        self.template
    }
}

/// The time series of one endpoint, method and status.
struct Series {
    method: &'static str,
    status: StatusCode,
    requests: IntCounter,
    duration: Histogram,
}

impl Series {
    fn observe(&self, duration: Duration) {
        self.requests.inc();
        self.duration.observe(duration.as_secs_f64());
    }
}

#[derive(Debug, Clone)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    connections: ConnectionMetrics,
    body_bytes: IntGaugeVec,
    clients: ClientCounters,
    tracer: Option<Tracer>,
}

const LABELS: [&str; 3] = ["endpoint", "method", "status"];

/// In seconds, from a fast lookup to the longest that a caller may wait for a result (`wait.max`).
const BUCKETS: [f64; 13] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

impl HttpMetrics {
    /// Adds the metrics to a registry, once.
    ///
    /// # Errors
    /// When the registry has metrics of these names already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new(
                "gathering_http_requests_total",
                "Calls, by endpoint, method and status; 499 for those whose connection ended before they were answered.",
            ),
            &LABELS,
        )?;
        let duration = HistogramVec::new(
            HistogramOpts::new(
                "gathering_http_request_duration_seconds",
                "Time from the head of a call to the head of its answer, with what it waited for a result.",
            )
            .buckets(BUCKETS.to_vec()),
            &LABELS,
        )?;
        let body_bytes = IntGaugeVec::new(
            Opts::new(
                "gathering_http_body_bytes",
                "Memory of bodies that are being read or worked on, by kind.",
            ),
            &["bodies"],
        )?;
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
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(duration.clone()))?;
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(closed.clone()))?;
        registry.register(Box::new(body_bytes.clone()))?;
        let connections = ConnectionMetrics { open, closed };
        let clients = ClientCounters::register(registry)?;
        Ok(Self { requests, duration, connections, body_bytes, clients, tracer: None })
    }

    /// The same, with a part of the calls traced.
    #[must_use]
    pub fn traced(self, tracer: Option<Tracer>) -> Self {
        Self { tracer, ..self }
    }

    pub(crate) const fn tracer(&self) -> Option<&Tracer> {
        self.tracer.as_ref()
    }

    pub(crate) fn connections(&self) -> ConnectionMetrics {
        self.connections.clone()
    }

    /// The gauge for bodies of one kind.
    pub(crate) fn body_bytes(&self, bodies: &str) -> IntGauge {
        self.body_bytes.with_label_values(&[bodies])
    }

    /// Counts a call, answered or not, by what calls.
    pub(crate) fn observe_client(&self, headers: &HeaderMap) {
        self.clients.count(headers);
    }

    pub(crate) fn observe(
        &self,
        endpoint: Option<&Endpoint>,
        method: &Method,
        status: StatusCode,
        duration: Duration,
    ) {
        let method = label(method);
        let Some(endpoint) = endpoint else {
            return self.series("none", method, status).observe(duration);
        };
        let mut known = endpoint.series.borrow_mut();
        if let Some(series) = known.iter().find(|series| series.method == method && series.status == status) {
            return series.observe(duration);
        }
        let series = self.series(endpoint.template, method, status);
        series.observe(duration);
        known.push(series);
    }

    /// Counts a call whose connection ended before it was answered. It has no duration: that says how long callers are served.
    pub(crate) fn observe_gone(&self, endpoint: Option<&Endpoint>, method: &Method) {
        let endpoint = endpoint.map_or("none", |endpoint| endpoint.template);
        let status = gone::STATUS.to_string();
        self.requests.with_label_values(&[endpoint, label(method), status.as_str()]).inc();
    }

    fn series(&self, endpoint: &str, method: &'static str, status: StatusCode) -> Series {
        let labels = [endpoint, method, status.as_str()];
        Series {
            method,
            status,
            requests: self.requests.with_label_values(&labels),
            duration: self.duration.with_label_values(&labels),
        }
    }
}

/// Callers can make up methods; a label must have few values.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
