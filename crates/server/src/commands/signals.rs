//! Ends that somebody asks of a command: Ctrl-C, SIGTERM as a container's end, and the end of standard input.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::time::Duration;

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

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Terminate,
    Interrupt,
    Hangup,
    Input,
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

    /// The same, and the end of the terminal counts as one of them too, unless `nohup` or its like has it ignored.
    pub(super) fn or_hangup(self) -> Result<Self, ServerError> {
        if is_hangup_ignored() {
            return Ok(self);
        }
        let hangup = signal(SignalKind::hangup());
        let hangup = hangup.map_err(ServerError::system::<io::Error>("signals cannot be handled"))?;
        Ok(Self { hangup: Some(hangup), ..self })
    }

    /// Waits until somebody insists on an end that has begun: until one comes a second time. An end may come two ways at once,
    /// from a terminal and from the program that started this one, or with the end of the input and a signal.
    pub(super) async fn insisted(&mut self, first: End) {
        let mut seen = vec![first];
        loop {
            let end = self.next().await;
            if seen.contains(&end) {
                return;
            }
            seen.push(end);
        }
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) -> End {
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
            _ = terminate.recv() => End::Terminate,
            _ = interrupt.recv() => End::Interrupt,
            () = hung_up => End::Hangup,
            () = ended => End::Input,
        }
    }
}

/// Whether this process was started with hangups ignored. `SigIgn` is a mask in hexadecimal, and SIGHUP its first bit (proc(5),
/// signal(7)).
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// How often a standard input is read that does not wait.
const NON_BLOCKING: Duration = Duration::from_millis(50);

/// Reads standard input to its end on a thread: a read of it cannot be called off.
fn end_of_input() -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    let read = move || {
        let mut input = io::stdin().lock();
        // One that cannot be read has ended as well, but not one that others made not wait: they hold it yet.
        while let Err(error) = io::copy(&mut input, &mut io::sink()) {
            if error.kind() != ErrorKind::WouldBlock {
                break;
            }
            std::thread::sleep(NON_BLOCKING);
        }
        // The command may be over.
        let _ = ended.send(());
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(read)?;
    Ok(end)
}
