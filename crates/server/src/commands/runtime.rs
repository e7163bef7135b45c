//! Where commands run async work.

use std::future::Future;

use crate::ServerError;

/// Runs async work on this thread. What is stuck in a blocking call when the work is done is left behind: waiting for
/// it could take for ever.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, ServerError>>) -> Result<T, ServerError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ServerError::system("the runtime cannot start"))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}
