//! One endpoint a file: extract, call, respond. Above each stands its part of the OpenAPI document.

pub(crate) mod info;
pub(crate) mod ingest;
pub(crate) mod list;
pub(crate) mod openapi;
pub(crate) mod report;
pub(crate) mod select;
pub(crate) mod status;
