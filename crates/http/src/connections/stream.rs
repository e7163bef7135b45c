//! The bytes of a connection, encrypted or not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::tls::{Acceptor, CertificateCheck};

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);

/// How many bytes of an answer TLS keeps while the client does not take them. The library's default is four times as much.
const TLS_BUFFER: usize = 16 * 1024;

/// A connection to a client.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<Encrypted>),
}

/// An encrypted connection, and the check of its client's certificate.
pub(crate) struct Encrypted {
    stream: TlsStream<TcpStream>,
    check: Option<CertificateCheck>,
}

impl Encrypted {
    /// Reads, unless the client is not trusted any longer.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        // Only what comes after a change is refused: calls that were taken before are answered.
        if buffer.filled().len() > before
            && let Some(check) = &mut self.check
            && check.renew(client_certificates(&self.stream)).is_err()
        {
            buffer.set_filled(before);
            return Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()));
        }
        read
    }
}

/// The client's certificate, and those between it and its authority.
fn client_certificates(stream: &TlsStream<TcpStream>) -> &[CertificateDer<'static>] {
    stream.get_ref().1.peer_certificates().unwrap_or_default()
}

impl Stream {
    /// A plain connection, or an encrypted one after its handshake.
    pub(crate) async fn open(socket: TcpStream, acceptor: Option<Acceptor>) -> io::Result<Self> {
        let Some(acceptor) = acceptor else { return Ok(Self::Plain(socket)) };
        let check = acceptor.certificate_check();
        let mut stream = timeout(HANDSHAKE_TIMEOUT, acceptor.handshake.accept(socket)).await??;
        stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
        Ok(Self::Tls(Box::new(Encrypted { stream, check })))
    }

    /// The client's own certificate, which was checked.
    pub(crate) fn client_certificate(&self) -> Option<&CertificateDer<'static>> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(encrypted) => client_certificates(&encrypted.stream).first(),
        }
    }

    /// Whether the system knows that the client has closed its side, or the connection has broken, also if there are bytes to
    /// read before that.
    pub(super) fn is_read_closed(&self) -> bool {
        let socket = match self {
            Self::Plain(stream) => stream,
            Self::Tls(encrypted) => encrypted.stream.get_ref().0,
        };
        let ready = socket.ready(Interest::READABLE).now_or_never();
        ready.is_some_and(|ready| ready.map_or(true, Ready::is_read_closed))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(encrypted) => encrypted.poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(encrypted) => Pin::new(&mut encrypted.stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(encrypted) => Pin::new(&mut encrypted.stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(encrypted) => Pin::new(&mut encrypted.stream).poll_shutdown(cx),
        }
    }
}
