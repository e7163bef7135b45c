//! Files of result messages: one JSON document, or many with white space between them (NDJSON is a case of it).

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde_json::de::IoRead;
use serde_json::value::RawValue;
use serde_json::{Deserializer, StreamDeserializer};

/// The longest document of a file, in bytes: what one body may hold over HTTP, and sixteen times what one Kafka
/// message may by default.
pub const MAX_DOCUMENT: u64 = 16 * 1024 * 1024;

/// Why a file could not be read to its end. Nothing after such a place can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, not UTF-8, or cut off.
    #[error("not a JSON document (line {line}, column {column}); the rest of the file is not read")]
    Syntax {
        /// Where reading stopped, from 1.
        line: usize,
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// A document that follows another without white space between them.
    #[error("no white space after the document before; the rest of the file is not read")]
    NotSeparated,
    /// A document longer than [`MAX_DOCUMENT`].
    #[error("a document of more than {MAX_DOCUMENT} bytes; the rest of the file is not read")]
    TooLong,
    /// The system could not read the file.
    #[error("the file cannot be read: {source}")]
    Io {
        /// What the system said.
        source: io::Error,
    },
}

/// The documents of a file, one after the other, with one of them in memory at a time. The first error is the last
/// item.
pub struct Documents<R: Read> {
    stream: StreamDeserializer<'static, IoRead<Limited<R>>, Box<RawValue>>,
    left: Rc<Cell<u64>>,
    /// Where the last document ended.
    end: usize,
    ended: bool,
}

impl<R: Read> std::fmt::Debug for Documents<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl<R: Read> Documents<R> {
    /// The documents that `reader` yields.
    pub fn new(reader: R) -> Self {
        let left = Rc::new(Cell::new(MAX_DOCUMENT));
        let limited = Limited { reader: BufReader::new(reader), left: Rc::clone(&left) };
        Self { stream: Deserializer::from_reader(limited).into_iter(), left, end: 0, ended: false }
    }
}

impl<R: Read> Iterator for Documents<R> {
    type Item = Result<Box<RawValue>, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.left.set(MAX_DOCUMENT);
        let item = self.stream.next()?.map_err(|error| {
            if !error.is_io() {
                DocumentError::Syntax { line: error.line(), column: error.column() }
            } else if self.left.get() == 0 {
                DocumentError::TooLong
            } else {
                DocumentError::Io { source: error.into() }
            }
        });
        let (last_end, end) = (self.end, self.stream.byte_offset());
        self.end = end;
        let item = match item {
            Ok(document) if last_end > 0 && end.saturating_sub(document.get().len()) == last_end => {
                Err(DocumentError::NotSeparated)
            }
            item => item,
        };
        self.ended = item.is_err();
        Some(item)
    }
}

/// Reads until so many bytes went into one document.
struct Limited<R> {
    reader: BufReader<R>,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.reader.by_ref().take(left).read(buffer)?;
        self.left.set(left.saturating_sub(u64::try_from(read).unwrap_or(left)));
        Ok(read)
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
