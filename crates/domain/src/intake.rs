//! The port for transports that bring messages: what they hand over, for whom it may be recorded, and what became of it.
//!
//! The framing of a body and the grant of a sender are part of the core because the web server and the reader of messages
//! both have to know them, and neither of the two knows the other.

mod body;
mod grant;
mod outcome;
mod port;
mod summary;

pub use body::{BodyBytes, Framing, MessageBody};
pub use grant::{NotGranted, Tenant, WriteGrant};
pub use outcome::{MessageKind, MessageOutcome, MessageOutcomeError, MessageRecord, OutcomeCounts};
pub use port::MessageIntake;
pub use summary::{IntakeSummary, Refusal};
