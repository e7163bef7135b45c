//! The call that a connection is at, as its handler and its transport see it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, UPGRADE};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use futures_util::Stream;

use super::connection::Connection;
use super::transport::BodyLength;
use super::{Admitted, Holding};

/// Answers up to so many bytes do not count as held: connections have that much anyway.
const SMALL: usize = 16 * 1024;

/// What a call and its connection know of each other. Both are on one thread.
#[derive(Debug)]
pub(crate) struct CallState {
    connection: Arc<Connection>,
    /// How the body is framed, until the transport has heard of it.
    length: Cell<Option<BodyLength>>,
    is_in_hand: Cell<bool>,
    is_being_answered: Cell<bool>,
    wants_body: Cell<bool>,
    /// Whether there is more of the body to come.
    has_body_left: Cell<bool>,
    /// Whether the transport waits for a change.
    is_awaited: Cell<bool>,
}

impl CallState {
    pub(super) fn new(admitted: &Admitted) -> Self {
        Self {
            connection: Arc::clone(admitted.connection()),
            length: Cell::new(None),
            is_in_hand: Cell::new(false),
            is_being_answered: Cell::new(false),
            wants_body: Cell::new(false),
            has_body_left: Cell::new(false),
            is_awaited: Cell::new(false),
        }
    }

    pub(super) fn take_length(&self) -> Option<BodyLength> {
        self.length.take()
    }

    /// Whether a call is neither answered nor given up.
    pub(super) const fn is_in_hand(&self) -> bool {
        self.is_in_hand.get()
    }

    pub(super) const fn is_being_answered(&self) -> bool {
        self.is_being_answered.get()
    }

    /// Whether somebody reads the body, or nobody ever will.
    pub(super) const fn wants_body(&self) -> bool {
        self.wants_body.get() || !self.is_in_hand.get()
    }

    pub(super) fn body_has_ended(&self) {
        self.has_body_left.set(false);
        self.connection.set_awaits_body(false);
        self.connection.has_drained();
    }

    pub(super) fn wake_when_it_changes(&self) {
        self.is_awaited.set(true);
    }

    pub(super) fn has_changed(&self) {
        if self.is_awaited.replace(false) {
            self.connection.wake();
        }
    }
}

/// A call in hand. It is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Call(Option<Rc<CallState>>);

impl Call {
    /// Begins a call. Where its connection is not watched, as in tests of single handlers, this does nothing.
    pub(crate) fn begin(request: &mut ServiceRequest) -> Self {
        let Some(state) = request.conn_data::<Rc<CallState>>().cloned() else { return Self(None) };
        let length = length(request);
        state.length.set(Some(length));
        state.is_in_hand.set(true);
        state.wants_body.set(false);
        state.has_body_left.set(matches!(length, BodyLength::Bytes(_) | BodyLength::Chunks));
        state.connection.set_served(true);
        if length != BodyLength::None {
            let payload = request.take_payload();
            let body = RequestBody { payload, call: Rc::clone(&state) };
            request.set_payload(Payload::Stream { payload: Box::pin(body) });
        }
        Self(Some(state))
    }

    /// Goes on with the call's answer.
    pub(crate) fn answer(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<AnswerBody> {
        let is_shared = response.response().extensions().contains::<SharedBody>();
        let mut response = response.map_body(|_, body| AnswerBody::new(body, is_shared, self));
        let call = &response.response().body().call;
        if call.0.as_ref().is_some_and(|state| state.connection.is_draining()) {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            state.is_in_hand.set(false);
            state.is_being_answered.set(false);
            state.connection.set_served(false);
            state.connection.set_held(Holding::Answers, 0);
            if state.has_body_left.get() {
                state.connection.drains();
            }
            state.has_changed();
        }
    }
}

/// The middleware for applications that need nothing else around their calls.
pub(crate) async fn watch_call(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<AnswerBody>, actix_web::Error> {
    let call = Call::begin(&mut request);
    Ok(call.answer(next.call(request).await?.map_into_boxed_body()))
}

/// How the body of a request is framed, as the library sees it.
fn length(request: &ServiceRequest) -> BodyLength {
    let headers = request.headers();
    let is_websocket =
        headers.get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if is_websocket || request.method() == Method::CONNECT {
        return BodyLength::Stream;
    }
    if request.chunked().unwrap_or(false) {
        return BodyLength::Chunks;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match length.and_then(|length| length.trim().parse().ok()) {
        None | Some(0) => BodyLength::None,
        Some(length) => BodyLength::Bytes(length),
    }
}

/// The body of a request. It tells the transport when it is read, so that nothing of it is taken from the client before.
struct RequestBody {
    payload: Payload,
    call: Rc<CallState>,
}

impl RequestBody {
    fn let_come(&self) {
        if !self.call.wants_body.replace(true) {
            self.call.has_changed();
        }
    }
}

impl Stream for RequestBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.let_come();
        Pin::new(&mut this.payload).poll_next(cx)
    }
}

impl Drop for RequestBody {
    /// The library takes what is left and throws it away.
    fn drop(&mut self) {
        self.let_come();
    }
}

/// Marks an answer whose body is one for all, so that it takes up nothing for each connection.
pub(crate) struct SharedBody;

/// The body of an answer, handed over in small pieces and counted until they are.
pub(crate) struct AnswerBody {
    body: BoxBody,
    /// A piece of the body that is not handed over yet.
    rest: Bytes,
    /// What counts as held.
    held: usize,
    call: Call,
}

impl AnswerBody {
    fn new(body: BoxBody, is_shared: bool, call: Call) -> Self {
        let held = match body.size() {
            BodySize::Sized(size) => usize::try_from(size).unwrap_or(usize::MAX),
            BodySize::None | BodySize::Stream => 0,
        };
        let held = if held > SMALL && !is_shared { held } else { 0 };
        if let Some(state) = &call.0 {
            state.is_being_answered.set(true);
            if held > 0 {
                state.connection.offers();
                state.connection.set_held(Holding::Answers, held);
            }
        }
        Self { body, rest: Bytes::new(), held, call }
    }

    fn hand_over(&mut self) -> Bytes {
        let Some(state) = &self.call.0 else { return std::mem::take(&mut self.rest) };
        let piece = self.rest.split_to(self.rest.len().min(state.connection.buffer_share()));
        if self.held > 0 {
            self.held = self.held.saturating_sub(piece.len());
            state.connection.set_held(Holding::Answers, self.held);
        }
        piece
    }
}

impl MessageBody for AnswerBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(Ok(bytes)) => this.rest = bytes,
                ended => return Poll::Ready(ended),
            }
        }
        Poll::Ready(Some(Ok(this.hand_over())))
    }
}
