//! What stands between a connection and the library: it hands over one request at a time.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::web::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::call_state::CallState;
use super::framing::{BodyFraming, ChunkedScanner, HeadScanner};
use super::registry::ConnectionGuard;
use super::scratch;
use super::stream::Stream;

/// How many bytes of a head are handed over before the library gets to decode it, or as many as there are already: it decodes
/// the whole head anew each time. Of bodies it is the connection's share of the buffers: the library keeps a buffer of the
/// size of the largest portion for each.
const HEAD_PORTION: usize = scratch::SIZE;

/// Most bytes to hold back of what is read while nothing may be handed over, only to notice that the client has gone.
const PEEK: usize = 1024;

/// A connection. Bytes after the present request stay here, a few KiB, or with the client, until it is answered: the library
/// would decode all of them, into many times their size.
pub(crate) struct Transport {
    io: Stream,
    call: Rc<CallState>,
    expected: Expected,
    /// What was read and is not handed over yet.
    held_back: BytesMut,
    /// Bytes handed over since the library was last made to decode.
    portion: usize,
    /// Whether the library waits for the client to take what was written.
    is_write_blocked: bool,
}

/// What the next bytes from the client are.
#[derive(Debug)]
enum Expected {
    Head(HeadScanner),
    /// The head was handed over, and perhaps the library has read again. What follows is known once it has made a call of it.
    Call {
        was_polled: bool,
    },
    Body {
        left: u64,
    },
    ChunkedBody(ChunkedScanner),
    /// Something else than HTTP. Nothing of it is handed over: no call of ours is about it.
    Upgraded,
}

impl Transport {
    pub(crate) fn new(io: Stream, guard: ConnectionGuard) -> Self {
        Self {
            io,
            call: Rc::new(CallState::new(guard)),
            expected: Expected::Head(HeadScanner::default()),
            held_back: BytesMut::new(),
            portion: 0,
            is_write_blocked: false,
        }
    }

    pub(crate) const fn io(&self) -> &Stream {
        &self.io
    }

    /// The state that calls on this connection share with it.
    pub(crate) const fn call_state(&self) -> &Rc<CallState> {
        &self.call
    }

    /// Whether the next bytes may be handed over now.
    fn may_hand_over(&mut self) -> bool {
        if let Expected::Call { was_polled } = &mut self.expected {
            match self.call.take_framing() {
                Some(BodyFraming::None) => self.expected = Expected::Head(HeadScanner::default()),
                Some(BodyFraming::Length(left)) => self.expected = Expected::Body { left },
                Some(BodyFraming::Chunked) => self.expected = Expected::ChunkedBody(ChunkedScanner::new()),
                Some(BodyFraming::Upgrade) => self.expected = Expected::Upgraded,
                // The library has looked at the head and wants more: it does not take the head to have ended.
                None if *was_polled => self.expected = Expected::Head(HeadScanner::default()),
                None => {
                    *was_polled = true;
                    return false;
                }
            }
        }
        match self.expected {
            Expected::Head(_) => !self.call.is_active() && !self.is_write_blocked,
            Expected::Call { .. } | Expected::Upgraded => false,
            Expected::Body { .. } | Expected::ChunkedBody(_) => self.call.wants_body(),
        }
    }

    /// How many bytes are handed over before the library gets to decode them.
    fn max_portion(&self) -> usize {
        let shared = self.call.connection().shared();
        match &self.expected {
            Expected::Body { .. } | Expected::ChunkedBody(_) => shared.buffer_share(),
            Expected::Head(head) => head.length().max(HEAD_PORTION),
            Expected::Call { .. } | Expected::Upgraded => HEAD_PORTION,
        }
    }

    /// How many of these bytes belong to what is expected. They count as handed over.
    fn consume(&mut self, bytes: &[u8]) -> usize {
        match &mut self.expected {
            Expected::Head(head) => {
                let Some(end) = head.find_end(bytes) else {
                    self.call.guard().head_arrives(head.length());
                    return bytes.len();
                };
                self.call.guard().head_ends(head.length());
                self.expected = Expected::Call { was_polled: false };
                end
            }
            Expected::Call { .. } | Expected::Upgraded => 0,
            Expected::Body { left } => {
                let available = bytes.len() as u64;
                let end = usize::try_from(available.min(*left)).unwrap_or(bytes.len());
                *left -= available.min(*left);
                if *left == 0 {
                    self.body_ends();
                }
                end
            }
            Expected::ChunkedBody(chunks) => {
                let Some(end) = chunks.find_end(bytes) else { return bytes.len() };
                self.body_ends();
                end
            }
        }
    }

    fn body_ends(&mut self) {
        self.call.body_ends();
        self.expected = Expected::Head(HeadScanner::default());
    }

    fn hand_over_held_back(&mut self, buffer: &mut ReadBuf<'_>) {
        let mut held_back = std::mem::take(&mut self.held_back);
        let offered = held_back.len().min(buffer.remaining());
        let end = self.consume(held_back.get(..offered).unwrap_or_default());
        buffer.put_slice(&held_back.split_to(end));
        // If nothing is left, its memory is given back.
        if !held_back.is_empty() {
            self.held_back = held_back;
        }
        self.portion += end;
    }

    /// Reads up to `most` bytes into the buffer, and returns them.
    fn read<'a>(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &'a mut ReadBuf<'_>,
        most: usize,
    ) -> Poll<io::Result<&'a [u8]>> {
        let before = buffer.filled().len();
        ready!(scratch::poll_read(Pin::new(&mut self.io), cx, buffer, most))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            self.call.connection().has_received();
        }
        Poll::Ready(Ok(read))
    }

    /// Reads, hands over what belongs to what is expected, and holds the rest back.
    fn read_and_hand_over(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let most = match self.expected {
            // What follows the body would have to be held back.
            Expected::Body { left } => usize::try_from(left).unwrap_or(usize::MAX).min(self.max_portion()),
            _ => self.max_portion(),
        };
        let read = ready!(self.read(cx, buffer, most))?;
        let end = self.consume(read);
        self.held_back.extend_from_slice(read.get(end..).unwrap_or_default());
        buffer.set_filled(before + end);
        self.portion += end;
        Poll::Ready(Ok(()))
    }

    /// Hands nothing over, and looks only whether the client has gone: whatever it sent before, nobody is to wait for it.
    fn pause(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.portion = 0;
        let before = buffer.filled().len();
        while self.held_back.len() < PEEK {
            let Poll::Ready(read) = self.read(cx, buffer, PEEK - self.held_back.len())? else { break };
            if read.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.held_back.extend_from_slice(read);
            buffer.set_filled(before);
        }
        // Its end may be behind bytes that stay with the client.
        if self.held_back.len() >= PEEK {
            if self.io.is_read_closed() {
                return Poll::Ready(Ok(()));
            }
            self.call.connection().look_again();
        }
        if !self.held_back.is_empty() {
            if matches!(self.expected, Expected::Call { .. }) {
                // If the library does not take the head to have ended, it has to read again.
                cx.waker().wake_by_ref();
            }
            self.call.await_change();
        }
        Poll::Pending
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.call.connection().register(cx.waker())?;
        if !this.may_hand_over() {
            return this.pause(cx, buffer);
        }
        if this.portion >= this.max_portion() {
            this.portion = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !this.held_back.is_empty() {
            this.hand_over_held_back(buffer);
            return Poll::Ready(Ok(()));
        }
        let is_body = matches!(this.expected, Expected::Body { .. } | Expected::ChunkedBody(_));
        let read = this.read_and_hand_over(cx, buffer);
        if read.is_pending() {
            this.portion = 0;
        }
        if is_body {
            this.call.connection().set_awaits_body(read.is_pending());
        }
        read
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let connection = this.call.connection();
        connection.write_begins();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        match &written {
            Poll::Ready(Ok(count)) => connection.has_written(*count),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                this.is_write_blocked = true;
                connection.register(cx.waker())?;
            }
        }
        written
    }

    /// The library calls this once all that there was to write is written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        if flushed.is_ready() {
            if std::mem::take(&mut this.is_write_blocked) {
                this.call.wake_transport();
            }
            if !this.call.is_being_answered() {
                this.call.connection().write_ends();
            }
        } else {
            this.is_write_blocked = true;
            this.call.connection().register(cx.waker())?;
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let connection = this.call.connection();
        connection.register(cx.waker())?;
        // The end of the connection has as much time as an answer.
        connection.write_begins();
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}
