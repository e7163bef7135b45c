//! Calls that no HTTP client would make.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ureq::http::{HeaderMap, HeaderName, HeaderValue};

use crate::call::Answer;

/// Sends these bytes as the head of a call, which has to end its connection, and reads what comes back.
///
/// # Errors
/// When the connection breaks before an answer came.
///
/// # Panics
/// If what comes back is no HTTP.
pub fn exchange(address: SocketAddr, head: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(head);
    let mut received = Vec::new();
    let end = stream.read_to_end(&mut received);
    if received.is_empty() {
        end?;
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let text = String::from_utf8_lossy(&received);
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name: HeaderName = name.parse().expect("a header");
        headers.append(name, HeaderValue::from_str(value).expect("a header"));
    }
    Ok(Answer { status: status.parse().expect("a status"), headers, body: body.to_owned() })
}
