//! The health of the consumer, for probes and the gauge.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::IntGauge;

/// How long brokers may be away before it counts. A connection that is only closed and opened anew does not.
const BLINK: Duration = Duration::from_secs(5);

/// The health of a consumer. Clones are of the same consumer.
#[derive(Debug, Clone)]
pub struct ConsumerHealth(Arc<Mutex<Health>>);

#[derive(Debug)]
struct Health {
    brokers: Brokers,
    stalled_by: Option<String>,
    stalled: IntGauge,
}

#[derive(Debug, Clone, Copy)]
enum Brokers {
    /// None was reached so far.
    Unknown {
        started: Instant,
    },
    Connected,
    /// All are away.
    Away {
        since: Instant,
    },
}

impl ConsumerHealth {
    pub(super) fn new(stalled: IntGauge) -> Self {
        let brokers = Brokers::Unknown { started: Instant::now() };
        Self(Arc::new(Mutex::new(Health { brokers, stalled_by: None, stalled })))
    }

    /// Ok if the consumer takes messages, otherwise one sentence that says why it does not.
    pub fn check(&self) -> Result<(), String> {
        self.with(|health| match (&health.stalled_by, health.brokers) {
            (Some(reason), _) => Err(format!("no messages are taken from Kafka: {reason}")),
            (None, Brokers::Connected) => Ok(()),
            (None, Brokers::Away { since }) if since.elapsed() < BLINK => Ok(()),
            (None, Brokers::Unknown { .. } | Brokers::Away { .. }) => {
                Err("no Kafka broker is connected".to_owned())
            }
        })
    }

    /// Says whether any broker can be reached.
    pub(super) fn set_connected(&self, is_connected: bool) {
        self.with(|health| {
            health.brokers = match (is_connected, health.brokers) {
                (true, _) => Brokers::Connected,
                (false, Brokers::Connected) => Brokers::Away { since: Instant::now() },
                (false, before) => before,
            };
        });
    }

    /// Says why nothing is taken although messages are there, or that they are taken.
    pub(super) fn set_stalled(&self, reason: Option<String>) {
        self.with(|health| health.stalled_by = reason);
        self.show();
    }

    /// Sets the gauge. Time alone can change it: the consumer does this whenever it polls.
    pub(super) fn show(&self) {
        self.with(|health| {
            let is_away = match health.brokers {
                Brokers::Connected => false,
                Brokers::Unknown { started: since } | Brokers::Away { since } => since.elapsed() >= BLINK,
            };
            health.stalled.set(i64::from(is_away || health.stalled_by.is_some()));
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Health) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> (ConsumerHealth, IntGauge) {
        let gauge = IntGauge::new("stalled", "1 while stalled").unwrap();
        (ConsumerHealth::new(gauge.clone()), gauge)
    }

    /// As if all of this had happened that long ago.
    fn later(health: &ConsumerHealth) {
        health.with(|health| match &mut health.brokers {
            Brokers::Connected => {}
            Brokers::Unknown { started: since } | Brokers::Away { since } => {
                *since = since.checked_sub(BLINK).unwrap();
            }
        });
        health.show();
    }

    #[test]
    fn it_is_well_when_connected_and_not_stalled() {
        let (health, gauge) = health();
        assert_eq!(health.check().unwrap_err(), "no Kafka broker is connected");
        health.set_connected(true);
        assert_eq!(health.check(), Ok(()));
        health.set_stalled(Some("the database cannot be reached".to_owned()));
        assert!(health.check().unwrap_err().ends_with("the database cannot be reached"));
        assert_eq!(gauge.get(), 1);
        health.set_stalled(None);
        assert_eq!((health.check(), gauge.get()), (Ok(()), 0));
    }

    #[test]
    fn brokers_that_are_away_count_after_a_while() {
        let (health, gauge) = health();
        health.show();
        assert_eq!(gauge.get(), 0, "it has just started");
        later(&health);
        assert_eq!(gauge.get(), 1, "none was ever reached");
        health.set_connected(true);
        health.show();
        assert_eq!(gauge.get(), 0);
        health.set_connected(false);
        health.show();
        assert_eq!((health.check(), gauge.get()), (Ok(()), 0), "a blink");
        later(&health);
        health.set_connected(false);
        assert_eq!((health.check().is_err(), gauge.get()), (true, 1));
        health.set_connected(true);
        health.show();
        assert_eq!((health.check(), gauge.get()), (Ok(()), 0));
    }
}
