//! A way to a server that can be cut, mended, lose what it carries, and be long.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Passes connections on to a server, until it is cut.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    ways: Arc<Mutex<Ways>>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How often everything that was open fell silent.
    silences: AtomicUsize,
    /// How long a packet takes, in microseconds.
    delay: AtomicU64,
}

#[derive(Debug, Default)]
struct Ways {
    is_cut: bool,
    open: Vec<TcpStream>,
}

impl Proxy {
    /// A proxy to this server, on a free port.
    ///
    /// # Panics
    /// If there is none.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let ways = Arc::new(Mutex::new(Ways::default()));
        let state = Arc::new(State::default());
        let (shared, common) = (Arc::clone(&ways), Arc::clone(&state));
        // Ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut ways = lock(&shared);
                if ways.is_cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(server) else { continue };
                for stream in [&client, &server] {
                    ways.open.push(stream.try_clone().expect("a stream"));
                }
                pass(&client, &server, &common);
                pass(&server, &client, &common);
            }
        });
        Self { address, ways, state }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        let mut ways = lock(&self.ways);
        ways.is_cut = true;
        for stream in ways.open.drain(..) {
            // The other side may have ended it.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Loses from now on what the connections of now carry, and ends none of them. New ones are passed on.
    pub fn silence(&self) {
        self.state.silences.fetch_add(1, Ordering::SeqCst);
    }

    /// Makes each packet, in either direction, take so long.
    ///
    /// # Panics
    /// If it is longer than anybody waits.
    pub fn delay(&self, delay: Duration) {
        let micros = delay.as_micros().try_into().expect("a delay");
        self.state.delay.store(micros, Ordering::SeqCst);
    }

    /// Passes connections on again.
    pub fn mend(&self) {
        lock(&self.ways).is_cut = false;
    }
}

fn lock(ways: &Mutex<Ways>) -> MutexGuard<'_, Ways> {
    ways.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pass(from: &TcpStream, to: &TcpStream, state: &Arc<State>) {
    let (state, born) = (Arc::clone(state), state.silences.load(Ordering::SeqCst));
    let (mut from, mut to) = (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"));
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read) = from.read(&mut buffer) {
            if read == 0 {
                break;
            }
            thread::sleep(Duration::from_micros(state.delay.load(Ordering::SeqCst)));
            let is_silent = state.silences.load(Ordering::SeqCst) > born;
            if !is_silent && to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
