//! The body of an answer, as it goes from the handler to the library.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::web::Bytes;

use super::call::Call;
use super::shared::Held;

/// Shorter answers do not count as held, in bytes: every connection needs that much anyway.
const SMALL: usize = 16 * 1024;

/// Marks an answer whose body is shared by all connections, so that no connection holds memory for it.
pub(crate) struct SharedBody;

/// The body of an answer, handed over in small pieces, which the library copies. What is left of it counts as held.
pub(crate) struct ResponseBody {
    body: BoxBody,
    /// What was taken from the body and is not handed over yet.
    rest: Bytes,
    /// How much of the body counts as held, in bytes.
    held: usize,
    call: Call,
}

impl ResponseBody {
    /// Answers a call.
    pub(crate) fn answer(call: Call, response: ServiceResponse<BoxBody>) -> ServiceResponse<Self> {
        let is_shared = response.response().extensions().contains::<SharedBody>();
        let is_draining = call.state().is_some_and(|state| state.connection().shared().is_draining());
        let mut response = response.map_body(|_, body| Self::new(body, is_shared, call));
        if is_draining {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }

    fn new(body: BoxBody, is_shared: bool, call: Call) -> Self {
        let size = match body.size() {
            BodySize::Sized(size) => usize::try_from(size).unwrap_or(usize::MAX),
            BodySize::None | BodySize::Stream => 0,
        };
        let held = if size > SMALL && !is_shared { size } else { 0 };
        if let Some(state) = call.state() {
            state.answer_begins(held);
        }
        Self { body, rest: Bytes::new(), held, call }
    }

    fn next_piece(&mut self) -> Bytes {
        let Some(state) = self.call.state() else { return std::mem::take(&mut self.rest) };
        let most = state.connection().shared().buffer_share();
        let piece = self.rest.split_to(self.rest.len().min(most));
        if self.held > 0 {
            self.held = self.held.saturating_sub(piece.len());
            state.guard().hold(Held::Answers, self.held);
        }
        piece
    }
}

impl MessageBody for ResponseBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(Ok(bytes)) => this.rest = bytes,
                ended => return Poll::Ready(ended),
            }
        }
        Poll::Ready(Some(Ok(this.next_piece())))
    }
}

/// The middleware of applications that need nothing else around their calls.
pub(crate) async fn track_call(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<ResponseBody>, actix_web::Error> {
    let call = Call::begin(&mut request);
    Ok(ResponseBody::answer(call, next.call(request).await?.map_into_boxed_body()))
}
