//! What callers may ask for at once, and which requests they get to see. Handlers and extractors share it.

use std::num::NonZeroUsize;

use gathering_domain::request::RequestState;

use crate::error::ApiError;

/// What a caller gets for a request that is recorded and not processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingStatus {
    /// 200 with the state.
    Ok,
    /// 404, for operators up to 4.20, which give up at once on any other 200.
    NotFound,
}

pub(crate) struct Limits {
    /// The longest list of request IDs.
    pub(crate) max_request_ids: usize,
    /// The most entries in the list of a cluster's requests; `None` for any number.
    pub(crate) max_list: Option<NonZeroUsize>,
    pub(crate) pending_status: PendingStatus,
}

impl Limits {
    /// The record that was found, unless callers are to be told that there is none.
    pub(crate) fn visible<T>(
        &self,
        record: Option<T>,
        state: impl Fn(&T) -> RequestState,
    ) -> Result<T, ApiError> {
        let shows_pending = self.pending_status == PendingStatus::Ok;
        record
            .filter(|record| shows_pending || state(record) == RequestState::Processed)
            .ok_or(ApiError::RequestNotFound)
    }
}
