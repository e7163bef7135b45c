//! What stands between a connection and the library: it hands over one request at a time.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::web::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::boundaries::{ChunksEnd, HeadEnd};
use super::{Admitted, CallState};

/// How many bytes of a head are handed over before the library gets to decode it, or as many as there are already: it decodes
/// the whole head anew each time. Of bodies it may be more, where there are few connections: the library keeps a buffer of
/// the size of the largest portion for each.
const PORTION: usize = 4 * 1024;

/// Most bytes that are read while nothing may be handed over, only to notice that the client has gone.
const AHEAD: usize = 1024;

/// A connection. Bytes after the request in hand stay here, a few KiB, or with the client, until it is answered: the library
/// would decode all of them, into many times their size.
pub(crate) struct Transport<T> {
    io: T,
    admitted: Admitted,
    call: Rc<CallState>,
    expects: Expected,
    /// What was read and belongs to what comes later.
    held_back: BytesMut,
    /// Bytes handed over since the library was last made to decode.
    portion: usize,
    /// Whether the library waits for the connection to take what was written.
    is_blocked: bool,
}

/// What the next bytes are.
#[derive(Debug)]
enum Expected {
    Head(HeadEnd),
    /// A head was handed over. The call that it makes says what follows.
    Call {
        was_asked: bool,
    },
    Body {
        left: u64,
    },
    Chunks(ChunksEnd),
    /// What is no HTTP any more. Nothing of it is handed over: no call of ours is about it.
    Stream,
}

/// How a body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyLength {
    None,
    Bytes(u64),
    Chunks,
    /// Everything that follows belongs to it.
    Stream,
}

impl<T> Transport<T> {
    pub(crate) fn new(io: T, admitted: Admitted) -> Self {
        let call = Rc::new(CallState::new(&admitted));
        Self {
            io,
            admitted,
            call,
            expects: Expected::Head(HeadEnd::default()),
            held_back: BytesMut::new(),
            portion: 0,
            is_blocked: false,
        }
    }

    /// What calls on this connection share with it.
    pub(crate) const fn call_state(&self) -> &Rc<CallState> {
        &self.call
    }

    /// Whether the next bytes may be handed over now.
    fn may_go_on(&mut self) -> bool {
        if let Expected::Call { was_asked } = &mut self.expects {
            match self.call.take_length() {
                Some(BodyLength::None) => self.expects = Expected::Head(HeadEnd::default()),
                Some(BodyLength::Bytes(left)) => self.expects = Expected::Body { left },
                Some(BodyLength::Chunks) => self.expects = Expected::Chunks(ChunksEnd::new()),
                Some(BodyLength::Stream) => self.expects = Expected::Stream,
                // The library has looked at it and wants more: for it, the head goes on.
                None if *was_asked => self.expects = Expected::Head(HeadEnd::default()),
                None => {
                    *was_asked = true;
                    return false;
                }
            }
        }
        match self.expects {
            Expected::Head(_) => !self.call.is_in_hand() && !self.is_blocked,
            Expected::Call { .. } | Expected::Stream => false,
            Expected::Body { .. } | Expected::Chunks(_) => self.call.wants_body(),
        }
    }

    /// How many bytes are handed over before the library gets to decode them.
    fn most_at_once(&self) -> usize {
        match &self.expects {
            Expected::Body { .. } | Expected::Chunks(_) => self.admitted.connection().buffer_share(),
            Expected::Head(head) => head.length().max(PORTION),
            Expected::Call { .. } | Expected::Stream => PORTION,
        }
    }

    /// How many of these bytes belong to what is expected. They count as handed over.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let connection = self.admitted.connection();
        match &mut self.expects {
            Expected::Head(head) => {
                let Some(end) = head.find(bytes) else {
                    connection.head_has(head.length());
                    return bytes.len();
                };
                connection.head_is_there(head.length());
                self.expects = Expected::Call { was_asked: false };
                end
            }
            Expected::Call { .. } | Expected::Stream => 0,
            Expected::Body { left } => {
                let there = bytes.len() as u64;
                let end = usize::try_from(there.min(*left)).unwrap_or(bytes.len());
                *left -= there.min(*left);
                if *left == 0 {
                    self.call.body_has_ended();
                    self.expects = Expected::Head(HeadEnd::default());
                }
                end
            }
            Expected::Chunks(chunks) => {
                let Some(end) = chunks.find(bytes) else { return bytes.len() };
                self.call.body_has_ended();
                self.expects = Expected::Head(HeadEnd::default());
                end
            }
        }
    }
}

impl<T: AsyncRead + Unpin> Transport<T> {
    /// Hands over what was read before.
    fn go_on_with_held_back(&mut self, buffer: &mut ReadBuf<'_>) {
        let mut held_back = std::mem::take(&mut self.held_back);
        let offered = held_back.len().min(buffer.remaining());
        let end = self.take(held_back.get(..offered).unwrap_or_default());
        buffer.put_slice(&held_back.split_to(end));
        // An empty one gives its memory back.
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
        if buffer.remaining() <= most {
            ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        } else {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
            let read = part.filled().len();
            buffer.advance(read);
        }
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            self.admitted.connection().has_sent();
        }
        Poll::Ready(Ok(read))
    }

    /// Reads, and hands over what belongs to what is expected.
    fn go_on(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let most = match self.expects {
            // What comes behind it would have to be held back.
            Expected::Body { left } => usize::try_from(left).unwrap_or(usize::MAX).min(self.most_at_once()),
            _ => self.most_at_once(),
        };
        let read = ready!(self.read(cx, buffer, most))?;
        let end = self.take(read);
        self.held_back.extend_from_slice(read.get(end..).unwrap_or_default());
        buffer.set_filled(before + end);
        self.portion += end;
        Poll::Ready(Ok(()))
    }

    /// Reads nothing but what tells that the client has gone.
    fn hold(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.portion = 0;
        if self.held_back.is_empty() {
            let before = buffer.filled().len();
            let read = ready!(self.read(cx, buffer, AHEAD))?;
            if read.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.held_back.extend_from_slice(read);
            buffer.set_filled(before);
        }
        if matches!(self.expects, Expected::Call { .. }) {
            // If the library does not take the head for a whole one, it has to ask again.
            cx.waker().wake_by_ref();
        }
        self.call.wake_when_it_changes();
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Transport<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.admitted.connection().register(cx.waker())?;
        if !this.may_go_on() {
            return this.hold(cx, buffer);
        }
        if this.portion >= this.most_at_once() {
            this.portion = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !this.held_back.is_empty() {
            this.go_on_with_held_back(buffer);
            return Poll::Ready(Ok(()));
        }
        let is_body = matches!(this.expects, Expected::Body { .. } | Expected::Chunks(_));
        let read = this.go_on(cx, buffer);
        if read.is_pending() {
            this.portion = 0;
        }
        if is_body {
            this.admitted.connection().set_awaits_body(read.is_pending());
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Transport<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let connection = this.admitted.connection();
        connection.offers();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        match &written {
            Poll::Ready(Ok(count)) => connection.has_taken(*count),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                this.is_blocked = true;
                connection.register(cx.waker())?;
            }
        }
        written
    }

    /// Called once all that there was to write is written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        if flushed.is_ready() {
            if std::mem::take(&mut this.is_blocked) {
                this.call.has_changed();
            }
            if !this.call.is_being_answered() {
                this.admitted.connection().has_taken_all();
            }
        } else {
            this.is_blocked = true;
            this.admitted.connection().register(cx.waker())?;
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let connection = this.admitted.connection();
        connection.register(cx.waker())?;
        // Saying goodbye may take as long as an answer.
        connection.offers();
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}
