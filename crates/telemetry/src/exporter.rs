//! The thread that sends spans.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gathering_support::trace::{Span, SpanSink};
use gathering_support::{BaseUrl, http_client};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use ureq::Agent;
use ureq::tls::RootCerts;

use crate::encoding::encode;

/// Spans that may wait: some 600 KiB.
const QUEUE: usize = 2048;

/// Spans that are sent together.
const BATCH: usize = 512;

/// How long spans wait for others.
const GATHER: Duration = Duration::from_secs(2);

/// How long the collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a stop waits for what is left to be sent.
const STOP: Duration = Duration::from_secs(2);

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the thread that sends traces cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the metrics of traces cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Where spans are sent.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// `/v1/traces` comes after it.
    pub endpoint: BaseUrl,
    /// The version of the program, as the collector is told.
    pub version: &'static str,
}

/// Sends spans on a thread of its own until it is stopped.
#[derive(Debug)]
pub struct Exporter {
    queue: Arc<Queue>,
    ended: Receiver<()>,
}

#[derive(Debug)]
struct Queue {
    /// `None` once it is stopped.
    sender: Mutex<Option<SyncSender<Span>>>,
    dropped: IntCounter,
}

/// What the thread works with.
struct Worker {
    spans: Receiver<Span>,
    agent: Agent,
    url: String,
    version: &'static str,
    exported: IntCounter,
    failed: IntCounter,
    /// Whether the log was told that the collector does not answer.
    is_told: bool,
}

impl Exporter {
    /// Starts the thread.
    pub fn start(settings: &TelemetrySettings, registry: &Registry) -> Result<Self, TelemetryError> {
        let opts = Opts::new("gathering_trace_spans_total", "Spans of traces, by what became of them.");
        let spans = IntCounterVec::new(opts, &["outcome"])?;
        let counter = |outcome: &str| spans.with_label_values(&[outcome]);
        let (exported, failed, dropped) = (counter("exported"), counter("failed"), counter("dropped"));
        registry.register(Box::new(spans.clone()))?;
        let (sender, received) = sync_channel(QUEUE);
        let (tell, ended) = sync_channel(1);
        let agent = http_client::client(RootCerts::PlatformVerifier)
            .timeout_global(Some(TIMEOUT))
            .max_response_header_size(16 * 1024)
            .proxy(None)
            .build()
            .into();
        let mut worker = Worker {
            spans: received,
            agent,
            url: format!("{}v1/traces", settings.endpoint),
            version: settings.version,
            exported,
            failed,
            is_told: false,
        };
        std::thread::Builder::new().name("telemetry".to_owned()).spawn(move || {
            worker.run();
            // Nobody may wait any more.
            let _ = tell.send(());
        })?;
        Ok(Self { queue: Arc::new(Queue { sender: Mutex::new(Some(sender)), dropped }), ended })
    }

    /// Where spans go to be sent.
    pub fn sink(&self) -> Arc<dyn SpanSink> {
        Arc::clone(&self.queue) as Arc<dyn SpanSink>
    }

    /// Takes no more spans, and waits a moment for what is left to be sent.
    pub fn stop(&self) {
        self.queue.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.ended.recv_timeout(STOP).is_err() {
            log::warn!("the last spans of traces were not sent: the collector takes too long");
        }
    }
}

impl SpanSink for Queue {
    fn take(&self, span: Span) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if sender.as_ref().is_none_or(|sender| sender.try_send(span).is_err()) {
            self.dropped.inc();
        }
    }
}

impl Worker {
    fn run(&mut self) {
        while let Ok(first) = self.spans.recv() {
            let end = Instant::now() + GATHER;
            let mut batch = vec![first];
            while batch.len() < BATCH {
                match self.spans.recv_timeout(end.saturating_duration_since(Instant::now())) {
                    Ok(span) => batch.push(span),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
                }
            }
            self.send(&batch);
        }
    }

    fn send(&mut self, batch: &[Span]) {
        let count = batch.len() as u64;
        let body = encode(batch, self.version);
        let call = self.agent.post(&self.url).header("content-type", "application/x-protobuf").send(&body);
        let problem = match call {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        let Some(problem) = problem else {
            self.exported.inc_by(count);
            if std::mem::take(&mut self.is_told) {
                log::info!("traces are taken again");
            }
            return;
        };
        self.failed.inc_by(count);
        if !std::mem::replace(&mut self.is_told, true) {
            log::warn!("traces cannot be sent, and are dropped until they can: {problem}");
        }
    }
}
