//! Large bodies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

/// The most bytes that are handed over at once.
pub(super) const PIECE: usize = 64 * 1024;

/// A body that is handed over piece by piece. A whole one would be copied as one, which holds up the others on the thread, and
/// would be in memory twice until the caller has read it.
pub(super) struct Pieces(pub(super) Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let most = self.0.len().min(PIECE);
        Poll::Ready((most > 0).then(|| Ok(self.0.split_to(most))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_body_comes_in_pieces() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(2 * PIECE + 7).collect();
        let mut body = Pieces(bytes.clone().into());
        assert_eq!(body.size(), BodySize::Sized(bytes.len() as u64));
        let (mut sizes, mut whole) = (Vec::new(), Vec::new());
        let mut context = Context::from_waker(std::task::Waker::noop());
        while let Poll::Ready(Some(Ok(piece))) = Pin::new(&mut body).poll_next(&mut context) {
            sizes.push(piece.len());
            whole.extend_from_slice(&piece);
        }
        assert_eq!(sizes, [PIECE, PIECE, 7]);
        assert_eq!(whole, bytes);
    }
}
