//! Ends that somebody asks of a command: Ctrl-C, SIGTERM as a container's end, and the end of standard input.

use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::ServerError;

/// SIGTERM and SIGINT, and the end of standard input for who asks for it. While this is there, no signal ends the process by
/// itself.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
    input: Option<oneshot::Receiver<()>>,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hangup: None, input: None })
    }

    /// The same; with `until_eof`, the end of standard input counts as one of them, once.
    pub(super) fn until(until_eof: bool) -> Result<Self, ServerError> {
        let begin = || {
            let signals = Self::new()?;
            let input = until_eof.then(end_of_input).transpose()?;
            Ok(Self { input, ..signals })
        };
        begin().map_err(ServerError::system::<io::Error>("signals cannot be handled"))
    }

    /// The same, and the end of the terminal counts as one of them too.
    pub(super) fn or_hangup(self) -> Result<Self, ServerError> {
        let hangup = signal(SignalKind::hangup());
        let hangup = hangup.map_err(ServerError::system::<io::Error>("signals cannot be handled"))?;
        Ok(Self { hangup: Some(hangup), ..self })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) {
        let Self { terminate, interrupt, hangup, input } = self;
        let ended = async {
            match input {
                // Whatever ended the thread that reads, nobody holds the other end any more.
                Some(end) => drop(end.await),
                None => pending().await,
            }
            *input = None;
        };
        let hung_up = async {
            match hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = hung_up => {}
            () = ended => {}
        }
    }
}

/// Reads standard input to its end on a thread: a read of it cannot be called off.
fn end_of_input() -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    let read = move || {
        // One that cannot be read has ended as well.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        // The command may be over.
        let _ = ended.send(());
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(read)?;
    Ok(end)
}
