//! Async work of the harness itself, whatever runtime its caller is on.

use std::future::Future;

use tokio::runtime::Builder;

/// Does the work that `make` describes on a thread and a runtime of its own, and waits for it. On the thread of an async test
/// no other runtime may be entered or dropped.
pub(crate) fn block_on<T: Send, F: Future<Output = T>>(make: impl FnOnce() -> F + Send) -> T {
    let work = || {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let result = runtime.block_on(make());
        runtime.shutdown_background();
        result
    };
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
