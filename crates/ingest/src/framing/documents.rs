//! The JSON documents of a file: one, or many with white space between them, as in NDJSON.

use std::io::{self, Read};

use serde_json::Deserializer;
use serde_json::value::RawValue;

/// The longest document of a file, in bytes. It is also the default limit of a body over HTTP, and sixteen times that of a
/// Kafka message.
pub const MAX_DOCUMENT: u64 = 16 * 1024 * 1024;

/// Why a file could not be read to its end. Nothing after that place is read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("not a JSON document (line {line}, column {column}); the rest of the file is not read")]
    Syntax {
        /// The line where reading stopped, from 1.
        line: usize,
        /// The column where reading stopped, in bytes, from 1.
        column: usize,
    },
    #[error("no white space after the document before; the rest of the file is not read")]
    NotSeparated,
    #[error("a document of more than {MAX_DOCUMENT} bytes; the rest of the file is not read")]
    TooLong,
    #[error("the file cannot be read: {source}")]
    Io { source: io::Error },
}

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// An iterator over the documents of a file. It keeps one of them in memory at a time, or half as much again. An error is the
/// last item.
pub struct Documents<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where in the buffer the next document is looked for.
    start: usize,
    /// Whether the reader is at its end.
    is_exhausted: bool,
    /// Whether there was white space after the last document.
    is_separated: bool,
    position: Position,
    ended: bool,
}

impl<R> std::fmt::Debug for Documents<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl<R: Read> Documents<R> {
    /// The documents of this reader.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            start: 0,
            is_exhausted: false,
            is_separated: true,
            position: Position::default(),
            ended: false,
        }
    }

    fn document(&mut self) -> Result<Option<Box<RawValue>>, DocumentError> {
        loop {
            self.skip_white_space();
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            if self.is_exhausted && rest.is_empty() {
                return Ok(None);
            }
            let seen = if self.is_exhausted { rest } else { without_open_number(rest) };
            match Deserializer::from_slice(seen).into_iter::<&RawValue>().next() {
                Some(Ok(document))
                    if self.is_exhausted || is_closed(document) || document.get().len() < seen.len() =>
                {
                    if !self.is_separated {
                        return Err(DocumentError::NotSeparated);
                    }
                    if document.get().len() as u64 > MAX_DOCUMENT {
                        return Err(DocumentError::TooLong);
                    }
                    self.start += document.get().len();
                    self.is_separated = false;
                    return Ok(Some(document.to_owned()));
                }
                Some(Err(error)) if self.is_exhausted || !error.is_eof() => {
                    self.discard();
                    let (line, column) = self.position.place(&error);
                    return Err(DocumentError::Syntax { line, column });
                }
                _ => {}
            }
            if rest.len() as u64 > MAX_DOCUMENT {
                return Err(DocumentError::TooLong);
            }
            self.read().map_err(|source| DocumentError::Io { source })?;
        }
    }

    fn skip_white_space(&mut self) {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.start += count;
        self.is_separated |= count > 0;
    }

    /// Discards what was read of the buffer.
    fn discard(&mut self) {
        self.position.advance(self.buffer.get(..self.start).unwrap_or_default());
        self.buffer.drain(..self.start);
        self.start = 0;
    }

    /// Reads more. A document is parsed from its start each time, so a large one takes larger steps. A small one that is there
    /// does not wait for what follows.
    fn read(&mut self) -> io::Result<()> {
        self.discard();
        let before = self.buffer.len();
        let least = if before > CHUNK { before / 2 } else { 1 };
        while !self.is_exhausted && self.buffer.len() < before + least {
            let filled = self.buffer.len();
            self.buffer.resize(filled + CHUNK, 0);
            let read = self.reader.read(self.buffer.get_mut(filled..).unwrap_or_default());
            self.buffer.truncate(filled + read.as_ref().map_or(0, |count| *count));
            match read {
                Ok(count) => self.is_exhausted = count == 0,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<R: Read> Iterator for Documents<R> {
    type Item = Result<Box<RawValue>, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.document().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

/// The bytes without a number at their end, of which the rest may not be read yet: half a number can be a syntax error.
fn without_open_number(bytes: &[u8]) -> &[u8] {
    let is_of_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let end = bytes.iter().rposition(|byte| !is_of_number(byte)).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// Whether the end of a document shows without what follows it.
fn is_closed(document: &RawValue) -> bool {
    document.get().ends_with(['}', ']', '"'])
}

/// How far the buffer was discarded: whole lines, and bytes of the line after them.
#[derive(Debug, Default)]
struct Position {
    lines: usize,
    bytes: usize,
}

impl Position {
    fn advance(&mut self, bytes: &[u8]) {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let last = lines.next_back().unwrap_or_default().len();
        let ended = lines.count();
        self.lines += ended;
        self.bytes = if ended > 0 { last } else { self.bytes + last };
    }

    /// The line and column of an error in the rest.
    fn place(&self, error: &serde_json::Error) -> (usize, usize) {
        let column = if error.line() == 1 { self.bytes } else { 0 };
        (self.lines + error.line(), column + error.column())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(input: &[u8]) -> Vec<String> {
        Documents::new(input)
            .map(|item| match item {
                Ok(document) => document.get().to_owned(),
                Err(DocumentError::Syntax { .. }) => "syntax".to_owned(),
                Err(DocumentError::NotSeparated) => "not separated".to_owned(),
                Err(DocumentError::TooLong) => "too long".to_owned(),
                Err(DocumentError::Io { .. }) => "io".to_owned(),
            })
            .collect()
    }

    #[test]
    fn white_space_separates_documents() {
        assert!(texts(b"").is_empty());
        assert!(texts(b" \r\n\t ").is_empty());
        assert_eq!(texts(b"{\"a\":\n1}"), ["{\"a\":\n1}"]);
        assert_eq!(
            texts(b"\n{}\n{\"b\":[2]}  null\r\n\"x\" 12\n"),
            ["{}", "{\"b\":[2]}", "null", "\"x\"", "12"]
        );
    }

    #[test]
    fn a_document_that_cannot_be_read_is_the_last() {
        assert_eq!(texts(b"{} nonsense {}"), ["{}", "syntax"]);
        assert_eq!(texts(b"{} {\"cut\": "), ["{}", "syntax"]);
        assert_eq!(texts(b"\xef\xbb\xbf{}"), ["syntax"]);
        assert_eq!(texts(b"\x1f\x8b\x08\x00"), ["syntax"]);
        assert_eq!(texts(b"{\"a\":\"\xff\"} {}"), ["syntax"]);
    }

    #[test]
    fn documents_without_white_space_between_them_are_not_trusted() {
        assert_eq!(texts(b"{}{} {}"), ["{}", "not separated"]);
        assert_eq!(texts(b"\"a\"\"b\""), ["\"a\"", "not separated"]);
        assert_eq!(texts(b" [1] [2][3]"), ["[1]", "[2]", "not separated"]);
        assert_eq!(texts(b"1\n2\n"), ["1", "2"]);
    }

    #[test]
    fn where_it_stops_is_told() {
        let place = |input: &[u8]| match Documents::new(input).last() {
            Some(Err(DocumentError::Syntax { line, column })) => (line, column),
            other => panic!("{other:?}"),
        };
        assert_eq!(place(b"{} nonsense"), (1, 5));
        assert_eq!(place(b"{}\n{\"a\":\n 1x}"), (3, 3));
        let lines = "{}\n".repeat(100_000);
        assert_eq!(place(format!("{lines}{{}} [,]").as_bytes()), (100_001, 5));
    }

    #[test]
    fn it_does_not_matter_how_much_is_read_at_once() {
        struct Slowly<'a>(&'a [u8], usize);
        impl Read for Slowly<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let limit = self.1.min(buffer.len());
                self.0.read(&mut buffer[..limit])
            }
        }
        let check = |input: &str, sizes: &[usize]| {
            let expected = texts(input.as_bytes());
            assert_eq!(expected.len(), 5);
            for size in sizes {
                let documents = Documents::new(Slowly(input.as_bytes(), *size));
                let found: Vec<_> = documents.map(|item| item.unwrap().get().to_owned()).collect();
                assert_eq!(found, expected, "{size} bytes at once");
            }
        };
        let input = |long: &str| format!("  {{\"key\": \"\u{e4}\\\"}}{{\"}}\n-12.5e3 {long}\r\n\t4567 true");
        check(&input("[7, -0.25, 1E-3, {\"\\u00e4 1e5\": -1.5e+10}]"), &[1, 2, 3, 7]);
        check(&input(&format!("[{}7]", "7,".repeat(CHUNK))), &[5000, CHUNK]);
    }

    #[test]
    fn what_is_there_waits_for_nothing() {
        struct Once(Option<&'static [u8]>);
        impl Read for Once {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0.take().expect("nothing more is asked for").read(buffer)
            }
        }
        let mut documents = Documents::new(Once(Some(b"{\"a\":1}\n{\"b\":2}")));
        let two: Vec<_> = documents.by_ref().take(2).map(|item| item.unwrap().get().to_owned()).collect();
        assert_eq!(two, ["{\"a\":1}", "{\"b\":2}"]);
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = [vec![b'['; 500_000], vec![b']'; 500_000]].concat();
        assert_eq!(texts(&deep).len(), 1);
    }

    #[test]
    fn one_document_has_a_limit_and_a_file_has_none() {
        let limit = usize::try_from(MAX_DOCUMENT).unwrap();
        let document = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        let many = format!("{0}\n{0}\n", document(limit - 10));
        assert_eq!(texts(many.as_bytes()).len(), 2);
        let long = format!("{{}} {} {{}}", document(limit + 1));
        assert_eq!(texts(long.as_bytes()), ["{}", "too long"]);
    }

    #[test]
    fn trouble_with_the_file_is_told_apart() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
        let items: Vec<_> = Documents::new(Broken).collect();
        assert!(matches!(items[..], [Err(DocumentError::Io { .. })]));
    }
}
