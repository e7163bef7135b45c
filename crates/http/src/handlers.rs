//! One endpoint a file: extract, call, respond. Each has its chapter of the OpenAPI document above it.

pub(crate) mod ingest;
pub(crate) mod list;
pub(crate) mod report;
pub(crate) mod select;
pub(crate) mod status;
