//! How the consumer is doing, for probes.

use std::sync::{Arc, Mutex, PoisonError};

/// How a consumer is doing. Clones show the same consumer.
#[derive(Debug, Clone, Default)]
pub struct ConsumerHealth(Arc<Mutex<Health>>);

#[derive(Debug, Default)]
struct Health {
    is_connected: bool,
    stalled_by: Option<String>,
}

impl ConsumerHealth {
    /// That it takes messages, or in one sentence why it does not.
    pub fn check(&self) -> Result<(), String> {
        let health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &health.stalled_by {
            Some(reason) => Err(format!("no messages are taken from Kafka: {reason}")),
            None if !health.is_connected => Err("no Kafka broker is connected".to_owned()),
            None => Ok(()),
        }
    }

    pub(super) fn set_connected(&self, is_connected: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_connected = is_connected;
    }

    pub(super) fn set_stalled(&self, reason: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stalled_by = reason;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_well_when_connected_and_not_stalled() {
        let health = ConsumerHealth::default();
        assert_eq!(health.check().unwrap_err(), "no Kafka broker is connected");
        health.set_connected(true);
        assert_eq!(health.check(), Ok(()));
        health.set_stalled(Some("the database cannot be reached".to_owned()));
        assert!(health.check().unwrap_err().ends_with("the database cannot be reached"));
        health.set_stalled(None);
        assert_eq!(health.check(), Ok(()));
    }
}
