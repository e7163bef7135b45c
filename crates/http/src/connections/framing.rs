//! The framing of HTTP/1.1 requests (RFC 9112): where heads and bodies end in a stream of bytes.
//!
//! Nothing is validated here: whether a request is well formed is for the library that decodes it.

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, UPGRADE};
use memchr::memchr;

/// How the body of a request is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFraming {
    None,
    /// So many bytes.
    Length(u64),
    Chunked,
    /// Everything that follows belongs to another protocol.
    Upgrade,
}

impl BodyFraming {
    /// The framing that the library finds in the head of this request.
    pub(super) fn of(request: &ServiceRequest) -> Self {
        let headers = request.headers();
        let is_websocket =
            headers.get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
        if is_websocket || request.method() == Method::CONNECT {
            return Self::Upgrade;
        }
        if request.chunked().unwrap_or(false) {
            return Self::Chunked;
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        match length.and_then(|length| length.trim().parse().ok()) {
            None | Some(0) => Self::None,
            Some(length) => Self::Length(length),
        }
    }
}

/// Looks for the end of a head: the first empty line after one that is not empty.
#[derive(Debug, Default)]
pub(super) struct HeadScanner {
    line: Line,
    /// Whether there was a line that is not empty.
    has_text: bool,
    /// Bytes of the head so far.
    length: usize,
}

/// What there is of the present line.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Line {
    #[default]
    Empty,
    /// The line has a carriage return and nothing else.
    CarriageReturn,
    Text,
}

impl HeadScanner {
    /// How many of these bytes belong to the head; `None` if all do and it goes on. They follow those of earlier calls.
    pub(super) fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.line == Line::Text {
                let Some(end) = memchr(b'\n', rest) else { break };
                self.line = Line::Empty;
                at += end + 1;
                continue;
            }
            at += 1;
            match rest.first() {
                Some(b'\n') if self.has_text => {
                    self.length += at;
                    return Some(at);
                }
                Some(b'\n') => self.line = Line::Empty,
                Some(b'\r') if self.line == Line::Empty => self.line = Line::CarriageReturn,
                _ => {
                    self.line = Line::Text;
                    self.has_text = true;
                }
            }
        }
        self.length += bytes.len();
        None
    }

    /// Bytes of the head so far.
    pub(super) const fn length(&self) -> usize {
        self.length
    }
}

/// Looks for the end of a chunked body: that of the trailers after the last chunk.
#[derive(Debug)]
pub(super) struct ChunkedScanner(Chunk);

#[derive(Debug, Clone, Copy)]
enum Chunk {
    /// In the digits of a chunk's size, with the size so far.
    Size(u64),
    /// Between these digits and the end of their line.
    Extension(u64),
    /// In the data, of which so many bytes are to come.
    Data(u64),
    /// Between the data and the end of its line.
    DataEnd,
    /// In a line of the trailers. The library takes it to end with a carriage return and a newline.
    Trailer { has_text: bool, is_ending: bool },
}

/// At the start of a line of the trailers.
const TRAILER: Chunk = Chunk::Trailer { has_text: false, is_ending: false };

impl ChunkedScanner {
    pub(super) const fn new() -> Self {
        Self(Chunk::Size(0))
    }

    /// How many of these bytes belong to the body; `None` if all do and it goes on. They follow those of earlier calls.
    pub(super) fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if let Chunk::Data(left) = self.0 {
                let available = (bytes.len() - at) as u64;
                self.0 = if available < left { Chunk::Data(left - available) } else { Chunk::DataEnd };
                at += usize::try_from(available.min(left)).unwrap_or(bytes.len());
                continue;
            }
            at += 1;
            match (self.0, byte) {
                (Chunk::Size(size) | Chunk::Extension(size), b'\n') => {
                    self.0 = if size > 0 { Chunk::Data(size) } else { TRAILER };
                }
                (Chunk::Size(size), digit) => {
                    let value = char::from(*digit).to_digit(16);
                    self.0 = value.map_or(Chunk::Extension(size), |value| {
                        Chunk::Size(size.saturating_mul(16).saturating_add(value.into()))
                    });
                }
                (Chunk::DataEnd, b'\n') => self.0 = Chunk::Size(0),
                (Chunk::Trailer { has_text: false, is_ending: true }, b'\n') => return Some(at),
                (Chunk::Trailer { is_ending: true, .. }, b'\n') => self.0 = TRAILER,
                (Chunk::Trailer { has_text, .. }, b'\r') => {
                    self.0 = Chunk::Trailer { has_text, is_ending: true }
                }
                (Chunk::Trailer { .. }, _) => self.0 = Chunk::Trailer { has_text: true, is_ending: false },
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the end is found, however the bytes are cut in two.
    fn end(bytes: &[u8], find: impl Fn(&[&[u8]]) -> Option<usize>) -> Option<usize> {
        let whole = find(&[bytes]);
        for cut in 0..bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(find(&[first, second]), whole, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(find(&single), whole, "byte by byte");
        whole
    }

    fn head(bytes: &[u8]) -> Option<usize> {
        end(bytes, |parts| {
            let (mut head, mut before) = (HeadScanner::default(), 0);
            for part in parts {
                if let Some(end) = head.find_end(part) {
                    return Some(before + end);
                }
                before += part.len();
                assert_eq!(head.length(), before);
            }
            None
        })
    }

    fn chunks(bytes: &[u8]) -> Option<usize> {
        end(bytes, |parts| {
            let (mut chunks, mut before) = (ChunkedScanner::new(), 0);
            for part in parts {
                if let Some(end) = chunks.find_end(part) {
                    return Some(before + end);
                }
                before += part.len();
            }
            None
        })
    }

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        for (before, after) in [
            ("GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "body\r\n\r\n"),
            ("GET / HTTP/1.1\nHost: a\n\n", "\n\n"),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", ""),
            ("\r\n\n\r\nGET / HTTP/1.1\r\n\r\n", "x"),
            ("GET / HTTP/1.1\r\nA: \r\r\nB: b\r\n\r\n", "x"),
        ] {
            let bytes = [before, after].concat();
            assert_eq!(head(bytes.as_bytes()), Some(before.len()), "{bytes:?}");
        }
        for open in ["", "\r\n", "\n\n", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r"] {
            assert_eq!(head(open.as_bytes()), None, "{open:?}");
        }
    }

    #[test]
    fn a_body_in_chunks_ends_after_the_last_of_them() {
        for (before, after) in [
            ("0\r\n\r\n", "GET"),
            ("3\r\nabc\r\n0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
            ("A;name=\"0\"\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "x"),
            ("00\r\nTrailer: a\r\nB: c\r\n\r\n", "0\r\n\r\n"),
            ("1\nx\n0\n\r\n", "\n"),
            ("0\r\na\n\nb: c\r\n\r\n", "x"),
        ] {
            let bytes = [before, after].concat();
            assert_eq!(chunks(bytes.as_bytes()), Some(before.len()), "{bytes:?}");
        }
        for open in
            ["", "3\r\nab", "3\r\nabc\r\n", "0\r\n", "0\r\nTrailer: a\r\n", "FFFFFFFFFFFFFFFFFF\r\n0\r\n\r\n"]
        {
            assert_eq!(chunks(open.as_bytes()), None, "{open:?}");
        }
    }
}
