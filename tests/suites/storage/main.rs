//! Every store against the suite of the domain: in memory, on SQLite, on PostgreSQL; then what only databases do.

mod away;
mod citus;
mod concurrency;
mod conformance;
mod content;
mod files;
mod fixture;
mod hanging;
mod lists;
mod migrations;
mod outages;
mod passing;
mod plans;
mod pooler;
mod purging;
mod remembering;
mod slow;
mod useless;
mod writer;
