//! What callers may ask for at once, and which requests they get to see. Handlers and extractors share it.

use std::num::NonZeroUsize;

use actix_web::http::header::HeaderMap;
use gathering_domain::request::RequestState;

use crate::operator::gives_up_on_pending;
use crate::wait::WaitSettings;

/// What a caller gets for a request that is recorded and not processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingStatus {
    /// 200 with the state.
    Ok,
    /// 404.
    NotFound,
    /// 404 for a request without a result if the caller is an operator that would give up on anything else, up to 4.20;
    /// otherwise 200 with the state.
    Auto,
}

pub(crate) struct Limits {
    /// The longest list of request IDs.
    pub(crate) max_request_ids: usize,
    /// The most entries in the list of a cluster's requests; `None` for any number.
    pub(crate) max_list: Option<NonZeroUsize>,
    pub(crate) pending_status: PendingStatus,
    pub(crate) wait: WaitSettings,
}

impl Limits {
    /// The record that was found, unless callers are to be told that there is none.
    pub(crate) fn visible<T>(
        &self,
        record: Option<T>,
        state: impl Fn(&T) -> RequestState,
        caller: &HeaderMap,
    ) -> Option<T> {
        record.filter(|record| match (state(record), self.pending_status) {
            (RequestState::Received | RequestState::Failed, PendingStatus::NotFound) => false,
            // Of a failed one nothing is waited for.
            (RequestState::Received, PendingStatus::Auto) => !gives_up_on_pending(caller),
            (RequestState::Received | RequestState::Failed | RequestState::Processed, _) => true,
        })
    }
}
