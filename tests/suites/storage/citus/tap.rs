//! What a service sends to its PostgreSQL server, statement by statement.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes connections on to a server, and keeps every statement that comes by, each once and with single spaces.
pub(super) struct Tap {
    address: SocketAddr,
    statements: Arc<Mutex<BTreeSet<String>>>,
}

impl Tap {
    pub(super) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let statements = Arc::<Mutex<BTreeSet<String>>>::default();
        let kept = Arc::clone(&statements);
        // Ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(server).unwrap();
                let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = io::copy(&mut answers, &mut back);
                    let _ = back.shutdown(std::net::Shutdown::Both);
                });
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    let _ = listen(client, &server, &kept);
                    let _ = server.shutdown(std::net::Shutdown::Both);
                });
            }
        });
        Self { address, statements }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn statements(&self) -> BTreeSet<String> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// Passes messages on and keeps the statements in them.
fn listen(mut client: TcpStream, mut server: &TcpStream, kept: &Mutex<BTreeSet<String>>) -> io::Result<()> {
    // The first ones have no type. After a request for encryption, which the server says no to, there comes another.
    loop {
        let body = pass(&mut client, &mut server, None)?;
        let code = u32::from_be_bytes(body[..4].try_into().unwrap());
        if code != SSL_REQUEST && code != GSS_REQUEST {
            break;
        }
    }
    loop {
        let mut kind = [0];
        client.read_exact(&mut kind)?;
        let body = pass(&mut client, &mut server, Some(kind[0]))?;
        // Texts end with a zero. A statement that is parsed has a name before it.
        let mut texts = body.split(|byte| *byte == 0);
        let statement = match kind[0] {
            b'Q' => texts.next(),
            b'P' => texts.nth(1),
            _ => None,
        };
        if let Some(statement) = statement {
            let words: Vec<_> = std::str::from_utf8(statement).unwrap().split_whitespace().collect();
            kept.lock().unwrap_or_else(PoisonError::into_inner).insert(words.join(" "));
        }
    }
}

/// Passes one message on, and returns what is in it.
fn pass(client: &mut TcpStream, server: &mut &TcpStream, kind: Option<u8>) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut body)?;
    let message: Vec<u8> = kind.into_iter().chain(length).chain(body.iter().copied()).collect();
    server.write_all(&message)?;
    Ok(body)
}
