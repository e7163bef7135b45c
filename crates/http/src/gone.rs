//! Calls whose connection ends before they are answered.

use std::cell::RefCell;
use std::future::Future;

use actix_web::HttpRequest;

tokio::task_local! {
    /// The call that this task works on, once it has come to its endpoint.
    static ARRIVED: RefCell<Option<HttpRequest>>;
}

/// The status that is counted and logged for them, as is customary; nobody is sent it.
pub(crate) const STATUS: u16 = 499;

/// Runs what answers a call.
pub(crate) fn scope<F: Future>(work: F) -> impl Future<Output = F::Output> {
    ARRIVED.scope(RefCell::default(), work)
}

/// The call has come to its endpoint.
pub(crate) fn arrived(request: &HttpRequest) {
    let _ = ARRIVED.try_with(|arrived| arrived.replace(Some(request.clone())));
}

/// Reports a call, if this is dropped before it is answered. One that has not come to its endpoint is not worth a line.
pub(crate) struct Unanswered<F: Fn(&HttpRequest)> {
    report: F,
    is_answered: bool,
}

impl<F: Fn(&HttpRequest)> Unanswered<F> {
    pub(crate) const fn new(report: F) -> Self {
        Self { report, is_answered: false }
    }

    pub(crate) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl<F: Fn(&HttpRequest)> Drop for Unanswered<F> {
    fn drop(&mut self) {
        let request = ARRIVED.try_with(RefCell::take).ok().flatten();
        if let Some(request) = request.filter(|_| !self.is_answered && !std::thread::panicking()) {
            (self.report)(&request);
        }
    }
}
