//! Points in time, where the present comes from, and how long records are kept.

mod clock;
mod retention;
mod rfc3339;
mod timestamp;

pub use clock::{Clock, ManualClock, SystemClock};
pub use retention::Retention;
pub use timestamp::{Timestamp, TimestampError};
