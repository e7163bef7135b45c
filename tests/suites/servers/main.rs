//! Two real PostgreSQL servers of its own for each test, one following the other: what fails over, and what a standby answers.

mod failover;
mod pair;
#[cfg(feature = "pgbouncer")]
mod pgbouncer;
mod standby;
