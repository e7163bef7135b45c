//! What the log is told of events that fail. Anybody's events can, so the lines are bounded.

use std::error::Error;
use std::fmt;

use gathering_domain::ids::RequestKey;
use gathering_domain::store::StoreError;

use crate::throttle::Throttle;

#[derive(Default)]
pub(super) struct Notices {
    away: Throttle,
    failing: Throttle,
    refused: Throttle,
}

impl Notices {
    pub(super) fn away(&self, error: &StoreError) {
        if let Some(held_back) = self.away.let_through() {
            log::error!(others = held_back; "the database takes no events: {}", Cause(error));
        }
    }

    pub(super) fn failing(&self, key: &RequestKey, error: &StoreError) {
        if let Some(held_back) = self.failing.let_through() {
            log::warn!(
                others = held_back, organization = key.organization.to_string().as_str(),
                cluster = key.cluster.to_string().as_str(), request = key.request.as_str();
                "the database takes other events, and this one not at the moment: {}", Cause(error)
            );
        }
    }

    pub(super) fn refused(&self, key: &RequestKey, error: &StoreError) {
        if let Some(held_back) = self.refused.let_through() {
            log::error!(
                others = held_back, organization = key.organization.to_string().as_str(),
                cluster = key.cluster.to_string().as_str(), request = key.request.as_str();
                "the database refuses an event: {}", Cause(error)
            );
        }
    }
}

/// What the driver said, or else the error.
struct Cause<'a>(&'a StoreError);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{}", self.0),
        }
    }
}
