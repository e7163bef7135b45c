//! How replies get back to those who asked.
//!
//! Waking a task from another thread takes a system call. So of all replies of a kind for one thread only one is sent
//! there, and carries the others; whoever receives that one passes the others on, on the thread where they wait.

use std::thread::ThreadId;

use gathering_domain::store::StoreError;
use tokio::sync::oneshot;

/// Where the reply to a lookup goes, and the thread that asked.
#[derive(Debug)]
pub(super) struct ReplySender<T> {
    sender: oneshot::Sender<Reply<T>>,
    thread: ThreadId,
}

/// Where the reply arrives.
pub(super) type ReplyReceiver<T> = oneshot::Receiver<Reply<T>>;

/// A result, and others for the same thread.
#[derive(Debug)]
pub(super) struct Reply<T> {
    result: Result<T, StoreError>,
    passengers: Passengers<T>,
}

/// Results that travel with another one. They are passed on when this is dropped: taken out of a reply, or with one that
/// nobody waits for.
#[derive(Debug)]
struct Passengers<T>(Vec<Passenger<T>>);

type Passenger<T> = (oneshot::Sender<Reply<T>>, Result<T, StoreError>);

impl<T> Drop for Passengers<T> {
    fn drop(&mut self) {
        for (sender, result) in self.0.drain(..) {
            // Whoever gave up waiting is not there to be told.
            let _ = sender.send(Reply { result, passengers: Self(Vec::new()) });
        }
    }
}

impl<T> Reply<T> {
    /// The result; the others are passed on.
    pub(super) fn open(self) -> Result<T, StoreError> {
        let Self { result, passengers } = self;
        drop(passengers);
        result
    }
}

impl<T> ReplySender<T> {
    /// A channel to whoever calls this.
    pub(super) fn new() -> (Self, ReplyReceiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender, thread: std::thread::current().id() }, receiver)
    }

    /// Whether nobody waits any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }
}

/// Sends results, those for one thread together.
pub(super) fn send_all<T>(results: impl IntoIterator<Item = (ReplySender<T>, Result<T, StoreError>)>) {
    let mut threads: Vec<(ThreadId, Passengers<T>)> = Vec::new();
    for (ReplySender { sender, thread }, result) in results {
        match threads.iter_mut().find(|(of, _)| *of == thread) {
            Some((_, passengers)) => passengers.0.push((sender, result)),
            None => threads.push((thread, Passengers(vec![(sender, result)]))),
        }
    }
    for (_, mut passengers) in threads {
        if let Some((sender, result)) = passengers.0.pop() {
            let _ = sender.send(Reply { result, passengers });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received<T>(replies: &mut [ReplyReceiver<T>]) -> Vec<Option<T>> {
        let receive = |reply: &mut ReplyReceiver<T>| reply.try_recv().ok().map(|reply| reply.open().unwrap());
        replies.iter_mut().map(receive).collect()
    }

    #[test]
    fn one_reply_for_each_thread_brings_all_results() {
        let (here, mut replies): (Vec<_>, Vec<_>) = (0..3).map(|_| ReplySender::new()).unzip();
        let (there, elsewhere) = std::thread::spawn(ReplySender::new).join().unwrap();
        let sent = here.into_iter().chain([there]).enumerate().map(|(number, to)| (to, Ok(number)));
        send_all(sent);
        assert_eq!(received(&mut [elsewhere]), [Some(3)]);
        assert_eq!(received(&mut replies), [None, None, Some(2)]);
        assert_eq!(received(&mut replies[..2]), [Some(0), Some(1)]);
    }

    #[test]
    fn others_get_their_result_where_the_first_has_gone() {
        for is_sent in [false, true] {
            let (senders, mut replies): (Vec<_>, Vec<_>) = (0..2).map(|_| ReplySender::new()).unzip();
            let send = || send_all(senders.into_iter().zip([Ok("one"), Ok("two")]));
            let leave = |replies: &mut Vec<_>| drop(replies.pop());
            if is_sent {
                send();
                leave(&mut replies);
            } else {
                leave(&mut replies);
                send();
            }
            assert_eq!(received(&mut replies), [Some("one")]);
        }
    }
}
