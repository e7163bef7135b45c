//! A call, from its head to the end of its answer, and the body of its request.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

use super::call_state::CallState;
use super::framing::BodyFraming;

/// A call that is neither answered nor given up. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Call(Option<Rc<CallState>>);

impl Call {
    /// Begins a call. Where its connection is not watched, as in tests of single handlers, this does nothing.
    pub(crate) fn begin(request: &mut ServiceRequest) -> Self {
        let Some(state) = request.conn_data::<Rc<CallState>>().cloned() else { return Self(None) };
        let framing = BodyFraming::of(request);
        state.begin(framing);
        if framing != BodyFraming::None {
            let payload = request.take_payload();
            let body = RequestBody { payload, call: Rc::clone(&state) };
            request.set_payload(Payload::Stream { payload: Box::pin(body) });
        }
        Self(Some(state))
    }

    pub(super) fn state(&self) -> Option<&CallState> {
        self.0.as_deref()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            state.end();
        }
    }
}

/// The body of a request. The transport takes nothing of it from the client before somebody reads it.
struct RequestBody {
    payload: Payload,
    call: Rc<CallState>,
}

impl Stream for RequestBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.call.request_body();
        Pin::new(&mut this.payload).poll_next(cx)
    }
}

impl Drop for RequestBody {
    /// The library takes what is left and throws it away.
    fn drop(&mut self) {
        self.call.request_body();
    }
}
