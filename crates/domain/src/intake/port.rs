//! The port that transports hand messages to.

use std::future::Future;
use std::sync::Arc;

use super::body::{BodyBytes, MessageBody};
use super::grant::WriteGrant;
use super::summary::IntakeSummary;
use crate::store::StoreError;

/// Reads messages and records them.
pub trait MessageIntake: Send + Sync {
    /// Takes every message of a body in, in order, as far as `grant` allows, and returns what became of them. What is
    /// recorded is durable by then. If nobody waits for the answer any more, it ends soon.
    ///
    /// # Errors
    /// When the store does not take them. Some may be recorded then; sending all of them again is harmless.
    fn ingest<B: BodyBytes>(
        &self,
        body: MessageBody<B>,
        grant: WriteGrant,
    ) -> impl Future<Output = Result<IntakeSummary, StoreError>> + Send;
}

macro_rules! intake_behind {
    ($($pointer:ty),+) => { $(
        impl<I: MessageIntake> MessageIntake for $pointer {
            fn ingest<B: BodyBytes>(
                &self,
                body: MessageBody<B>,
                grant: WriteGrant,
            ) -> impl Future<Output = Result<IntakeSummary, StoreError>> + Send {
                (**self).ingest(body, grant)
            }
        }
    )+ };
}
intake_behind!(&I, Box<I>, Arc<I>);
