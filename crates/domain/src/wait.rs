//! Waiting for results instead of polling for them, without a task, a thread, a timer or a connection for each who waits.
//!
//! A [`Waiter`] is a future that is a key and a waker. It ends when its request was recorded as processed or failed, when its
//! time is over, or when others need its place. Whoever records results of this process says so with [`Waiters::wake`]; what
//! other processes record is found by [`Waiters::recheck`]; and [`Waiters::expire`] ends those whose time is over. The latter
//! two are to be called now and then, by whatever runtime there is.

mod end;
mod registry;
mod stats;
mod wait_for;
mod waiters;

pub use end::WaitEnd;
pub use stats::WaitStats;
pub use wait_for::{Answer, wait_for};
pub use waiters::{WaitUntil, Waiter, Waiters};
