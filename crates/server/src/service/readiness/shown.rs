//! What gauges and the log show of a service's parts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gathering_http::{PartState, ReadinessReport};
use gathering_support::ThrottledLog;
use log::Level;
use log::kv::Value;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

/// The parts that are a database's.
pub(super) const READS: &str = "database_reads";
pub(super) const WRITES: &str = "database_writes";

/// How long a part may take to become ready after the start before the log says that it is not.
const START: Duration = Duration::from_secs(10);

pub(super) struct Shown {
    ready: IntGauge,
    database: IntGaugeVec,
    parts: Mutex<HashMap<&'static str, Seen>>,
    log: ThrottledLog,
}

/// How a part was at the last look.
#[derive(Debug)]
struct Seen {
    is_ready: bool,
    since: Instant,
    was_ever_ready: bool,
    is_told: bool,
}

/// A line that the log is to have.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    Failed,
    Back { after: Duration },
}

impl Shown {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let ready =
            IntGauge::new("gathering_ready", "1 while /readyz says that the service is ready, else 0.")?;
        let opts =
            Opts::new("gathering_database_up", "1 while the database answers, by use: reads or writes.");
        let database = IntGaugeVec::new(opts, &["use"])?;
        registry.register(Box::new(ready.clone()))?;
        registry.register(Box::new(database.clone()))?;
        Ok(Self { ready, database, parts: Mutex::default(), log: ThrottledLog::new("gathering::health") })
    }

    pub(super) fn show(&self, report: &ReadinessReport) {
        self.ready.set(report.is_ready.into());
        for part in &report.parts {
            let kind = match part.name {
                READS => Some("reads"),
                WRITES => Some("writes"),
                _ => None,
            };
            if let Some(kind) = kind {
                self.database.with_label_values(&[kind]).set(part.ready.into());
            }
            self.tell(part);
        }
    }

    fn tell(&self, part: &PartState) {
        let now = Instant::now();
        let change = {
            let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.entry(part.name).or_insert_with(|| Seen::new(now)).see(part.ready, now)
        };
        let name = ("part", Value::from(part.name));
        match change {
            None => {}
            Some(Change::Failed) => {
                let reason = part.reason.as_deref().unwrap_or_default();
                self.log.log_with(Level::Error, &[name], format_args!("a part is not ready: {reason}"));
            }
            Some(Change::Back { after }) => {
                let seconds = ("seconds", Value::from(after.as_secs()));
                self.log.log_with(Level::Info, &[name, seconds], format_args!("a part is ready again"));
            }
        }
    }
}

impl Seen {
    const fn new(now: Instant) -> Self {
        Self { is_ready: false, since: now, was_ever_ready: false, is_told: false }
    }

    fn see(&mut self, is_ready: bool, now: Instant) -> Option<Change> {
        let before = now.saturating_duration_since(self.since);
        if is_ready != self.is_ready {
            (self.is_ready, self.since) = (is_ready, now);
        }
        if is_ready {
            self.was_ever_ready = true;
            return std::mem::take(&mut self.is_told).then_some(Change::Back { after: before });
        }
        if self.is_told || (!self.was_ever_ready && before < START) {
            return None;
        }
        self.is_told = true;
        Some(Change::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_fails_is_told_once_and_once_that_it_is_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut part = Seen::new(start);
        assert_eq!(part.see(true, at(0)), None);
        assert_eq!(part.see(false, at(5)), Some(Change::Failed));
        assert_eq!(part.see(false, at(10)), None);
        assert_eq!(part.see(true, at(15)), Some(Change::Back { after: Duration::from_secs(10) }));
        assert_eq!(part.see(true, at(20)), None);
    }

    #[test]
    fn a_start_takes_its_time() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut quick = Seen::new(start);
        assert_eq!((quick.see(false, at(3)), quick.see(true, at(6))), (None, None));
        let mut never = Seen::new(start);
        assert_eq!((never.see(false, at(3)), never.see(false, at(11))), (None, Some(Change::Failed)));
    }
}
