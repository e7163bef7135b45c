//! Memory that all connections of a thread read into.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Its size, in bytes: that of a portion of a head.
pub(super) const SIZE: usize = 4 * 1024;

thread_local! {
    static SCRATCH: RefCell<[u8; SIZE]> = const { RefCell::new([0; SIZE]) };
}

/// Reads up to `most` bytes and appends them to the buffer. A part of the buffer would have to be filled with zeros first, which
/// takes longer than copying the little that comes of a head, and less long than copying a large portion of a body.
pub(super) fn poll_read(
    io: Pin<&mut impl AsyncRead>,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
    most: usize,
) -> Poll<io::Result<()>> {
    if buffer.remaining() <= most {
        return io.poll_read(cx, buffer);
    }
    SCRATCH.with_borrow_mut(|scratch| {
        if let Some(scratch) = scratch.get_mut(..most) {
            let mut part = ReadBuf::new(scratch);
            ready!(io.poll_read(cx, &mut part))?;
            buffer.put_slice(part.filled());
        } else {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
            ready!(io.poll_read(cx, &mut part))?;
            let read = part.filled().len();
            buffer.advance(read);
        }
        Poll::Ready(Ok(()))
    })
}
