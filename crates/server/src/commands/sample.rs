//! `gathering sample`

use gathering_domain::ids::{RequestId, RequestKey};
use gathering_domain::time::{Clock, SystemClock, Timestamp};
use gathering_ingest::{SampleAnnouncement, SampleResult};

use super::console::print;
use crate::ServerError;
use crate::cli;

pub(super) fn result(arguments: cli::SampleResult) -> Result<(), ServerError> {
    let cli::SampleResult { request, hits, failed } = arguments;
    let (key, gathered_at) = request_of(request)?;
    let hits = (!failed).then_some(hits);
    let message = SampleResult { key, gathered_at, checked_at: gathered_at, hits };
    print(format!("{message}\n"))
}

pub(super) fn announcement(arguments: cli::SampleRequest) -> Result<(), ServerError> {
    let (key, gathered_at) = request_of(arguments)?;
    print(format!("{}\n", SampleAnnouncement { key, gathered_at }))
}

fn request_of(arguments: cli::SampleRequest) -> Result<(RequestKey, Timestamp), ServerError> {
    let cli::SampleRequest { org, cluster, request, at } = arguments;
    let request = request.map_or_else(new_request, Ok)?;
    Ok((RequestKey::new(org, cluster, request), at.unwrap_or_else(|| SystemClock.now())))
}

/// A request ID as the platform's ingress makes them.
fn new_request() -> Result<RequestId, ServerError> {
    let made = format!("{:032x}", rand::random::<u128>());
    made.parse().map_err(ServerError::system("no request ID can be made"))
}
