//! The thread that sends spans.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gathering_support::trace::{Span, SpanSink};
use gathering_support::{ThrottledLog, http_client, one_line};
use log::Level;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use ureq::Agent;
use ureq::tls::RootCerts;

use crate::encoding::encode;
use crate::settings::{TelemetryError, TelemetrySettings};

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
    /// A collector may take every other body only.
    log: ThrottledLog,
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
            log: ThrottledLog::new(module_path!()),
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
                self.log.log(Level::Info, format_args!("traces are taken again"));
            }
            return;
        };
        self.failed.inc_by(count);
        if !std::mem::replace(&mut self.is_told, true) {
            let problem = one_line(&problem);
            let line = format_args!("traces cannot be sent, and are dropped until they can: {problem}");
            self.log.log(Level::Warn, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::SystemTime;

    use gathering_support::trace::{SpanContext, SpanKind};

    use super::*;

    fn span() -> Span {
        Span {
            context: SpanContext { trace: 1, span: 1 },
            parent: None,
            name: "call",
            kind: SpanKind::Server,
            began: SystemTime::UNIX_EPOCH,
            ended: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            is_failed: false,
        }
    }

    #[test]
    fn what_has_no_room_is_dropped_and_nobody_waits() {
        // It takes connections, and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        let exporter =
            Exporter::start(&TelemetrySettings { endpoint, version: "1" }, &Registry::new()).unwrap();
        let (sink, many) = (exporter.sink(), 100_000);
        for _ in 0..many {
            sink.take(span());
        }
        let held = many - usize::try_from(exporter.queue.dropped.get()).unwrap();
        // The thread has a batch in hand, and a few more if this took longer than the collector may.
        assert!((QUEUE..QUEUE + 10 * BATCH).contains(&held), "{held}");
        exporter.stop();
        let before = exporter.queue.dropped.get();
        sink.take(span());
        assert_eq!(exporter.queue.dropped.get(), before + 1, "after a stop there is no room");
    }
}
