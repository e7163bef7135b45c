//! The way of answers back to those who asked.
//!
//! Waking a task from another thread takes a system call. So of all answers of a kind for one thread only one is sent to
//! it, with the others on board; whoever receives that one hands out the others, on the thread where they wait.

use std::thread::ThreadId;

use gathering_domain::StoreError;
use tokio::sync::oneshot;

/// Where an answer goes, and the thread that asked.
#[derive(Debug)]
pub(super) struct Answer<T> {
    sender: oneshot::Sender<Delivery<T>>,
    thread: ThreadId,
}

/// What comes of a question.
pub(super) type Answered<T> = oneshot::Receiver<Delivery<T>>;

/// An answer, and others for the same thread.
#[derive(Debug)]
pub(super) struct Delivery<T> {
    answer: Result<T, StoreError>,
    others: Others<T>,
}

/// Hands out what it holds when it is dropped: taken out of a delivery, or with one that found nobody.
#[derive(Debug)]
struct Others<T>(Vec<Parcel<T>>);

type Parcel<T> = (oneshot::Sender<Delivery<T>>, Result<T, StoreError>);

impl<T> Drop for Others<T> {
    fn drop(&mut self) {
        for (sender, answer) in self.0.drain(..) {
            // Whoever gave up waiting is not there to be told.
            let _ = sender.send(Delivery { answer, others: Self(Vec::new()) });
        }
    }
}

impl<T> Delivery<T> {
    /// The answer; the others go where they belong.
    pub(super) fn open(self) -> Result<T, StoreError> {
        let Self { answer, others } = self;
        drop(others);
        answer
    }
}

impl<T> Answer<T> {
    /// The way to whoever calls this.
    pub(super) fn new() -> (Self, Answered<T>) {
        let (sender, answered) = oneshot::channel();
        (Self { sender, thread: std::thread::current().id() }, answered)
    }

    /// Whether nobody waits any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }
}

/// Sends answers, those for one thread together.
pub(super) fn send_all<T>(answers: impl IntoIterator<Item = (Answer<T>, Result<T, StoreError>)>) {
    let mut threads: Vec<(ThreadId, Others<T>)> = Vec::new();
    for (Answer { sender, thread }, answer) in answers {
        match threads.iter_mut().find(|(of, _)| *of == thread) {
            Some((_, others)) => others.0.push((sender, answer)),
            None => threads.push((thread, Others(vec![(sender, answer)]))),
        }
    }
    for (_, mut others) in threads {
        if let Some((sender, answer)) = others.0.pop() {
            let _ = sender.send(Delivery { answer, others });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received<T>(answers: &mut [Answered<T>]) -> Vec<Option<T>> {
        let receive =
            |answer: &mut Answered<T>| answer.try_recv().ok().map(|delivery| delivery.open().unwrap());
        answers.iter_mut().map(receive).collect()
    }

    #[test]
    fn one_delivery_for_each_thread_brings_all_answers() {
        let (here, mut answers): (Vec<_>, Vec<_>) = (0..3).map(|_| Answer::new()).unzip();
        let (there, elsewhere) = std::thread::spawn(Answer::new).join().unwrap();
        let sent = here.into_iter().chain([there]).enumerate().map(|(number, to)| (to, Ok(number)));
        send_all(sent);
        assert_eq!(received(&mut [elsewhere]), [Some(3)]);
        assert_eq!(received(&mut answers), [None, None, Some(2)]);
        assert_eq!(received(&mut answers[..2]), [Some(0), Some(1)]);
    }

    #[test]
    fn others_get_their_answer_where_the_first_has_gone() {
        for is_sent in [false, true] {
            let (ways, mut answers): (Vec<_>, Vec<_>) = (0..2).map(|_| Answer::new()).unzip();
            let send = || send_all(ways.into_iter().zip([Ok("one"), Ok("two")]));
            let leave = |answers: &mut Vec<_>| drop(answers.pop());
            if is_sent {
                send();
                leave(&mut answers);
            } else {
                leave(&mut answers);
                send();
            }
            assert_eq!(received(&mut answers), [Some("one")]);
        }
    }
}
