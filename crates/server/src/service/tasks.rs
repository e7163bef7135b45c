//! What runs beside the listeners, for as long as the service does.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use prometheus::{IntGaugeVec, Registry};
use tokio::task::JoinHandle;

use super::metrics;
use super::watch::{self, Schedule, Watch};
use crate::ServerError;

#[derive(Debug)]
pub(super) struct Tasks {
    unusable_files: IntGaugeVec,
    schedule: Schedule,
    handles: Vec<JoinHandle<()>>,
}

impl Tasks {
    /// `schedule` says when files are looked at.
    pub(super) fn new(registry: &Registry, schedule: Schedule) -> Result<Self, ServerError> {
        let unusable_files = metrics::unusable_files(registry).map_err(metrics::failed)?;
        Ok(Self { unusable_files, schedule, handles: Vec::new() })
    }

    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.handles.push(tokio::spawn(task));
    }

    /// Has files read again when they change.
    pub(super) fn reload_when_changed<E: Display + Send + 'static>(
        &mut self,
        what: &'static str,
        files: Watch,
        reload: impl Fn() -> Result<(), E> + Send + Sync + 'static,
    ) {
        let failing = self.unusable_files.with_label_values(&[what]);
        self.spawn(watch::reload_when_changed(what, files, self.schedule.clone(), failing, reload));
    }

    /// When to look at something else so often, and whenever files are to be read again.
    pub(super) fn schedule(&self, every: Duration) -> Schedule {
        Schedule { every, ..self.schedule.clone() }
    }

    pub(super) fn abort(&self) {
        for handle in &self.handles {
            handle.abort();
        }
    }
}
