//! Bodies with one message a line.

use memchr::memchr;

/// The line that begins here, without its end; the last one needs none.
pub(crate) fn first_line(bytes: &[u8]) -> &[u8] {
    memchr(b'\n', bytes).and_then(|length| bytes.get(..length)).unwrap_or(bytes)
}
