//! Where the parts of a request end in a stream of bytes: heads and bodies of HTTP/1.1 (RFC 9112).
//!
//! This finds ends and judges nothing: whether a request is in order is for the library that decodes it.

use memchr::memchr;

/// Looks for the end of a head: the first empty line after one that is not empty.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    line: Line,
    /// Empty lines before a head do not end it.
    has_text: bool,
    /// Bytes of the head so far.
    length: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Line {
    #[default]
    Start,
    /// Its first character is a carriage return.
    Return,
    Text,
}

impl HeadEnd {
    /// How many of these bytes, which follow those of the calls before, belong to the head; `None` if all do and more
    /// are to come.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.line == Line::Text {
                let Some(end) = memchr(b'\n', rest) else { break };
                self.line = Line::Start;
                at += end + 1;
                continue;
            }
            at += 1;
            match rest.first() {
                Some(b'\n') if self.has_text => {
                    self.length += at;
                    return Some(at);
                }
                Some(b'\n') => self.line = Line::Start,
                Some(b'\r') if self.line == Line::Start => self.line = Line::Return,
                _ => {
                    self.line = Line::Text;
                    self.has_text = true;
                }
            }
        }
        self.length += bytes.len();
        None
    }

    /// Bytes of the head that were seen.
    pub(super) const fn length(&self) -> usize {
        self.length
    }
}

/// Looks for the end of a body in chunks: the last chunk and the trailers after it.
#[derive(Debug)]
pub(super) struct ChunksEnd(Chunk);

#[derive(Debug, Clone, Copy)]
enum Chunk {
    /// In the digits of a size.
    Size(u64),
    /// After the digits, in the line of a size.
    Extension(u64),
    /// So many bytes are to come.
    Data(u64),
    /// After the data, up to the end of the line.
    DataEnd,
    /// In the trailers, whose lines end with a carriage return and a newline for the library.
    Trailer { has_text: bool, is_ending: bool },
}

/// The beginning of a line in the trailers.
const TRAILER: Chunk = Chunk::Trailer { has_text: false, is_ending: false };

impl ChunksEnd {
    pub(super) const fn new() -> Self {
        Self(Chunk::Size(0))
    }

    /// How many of these bytes, which follow those of the calls before, belong to the body; `None` if all do and more
    /// are to come.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if let Chunk::Data(left) = self.0 {
                let there = (bytes.len() - at) as u64;
                self.0 = if there < left { Chunk::Data(left - there) } else { Chunk::DataEnd };
                at += usize::try_from(there.min(left)).unwrap_or(bytes.len());
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
            let (mut head, mut before) = (HeadEnd::default(), 0);
            for part in parts {
                if let Some(end) = head.find(part) {
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
            let (mut chunks, mut before) = (ChunksEnd::new(), 0);
            for part in parts {
                if let Some(end) = chunks.find(part) {
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
