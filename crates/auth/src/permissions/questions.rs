//! The questions that have no answer yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gathering_domain::ids::OrganizationId;
use gathering_support::trace;
use tokio::sync::watch;

use super::shares::Shares;

/// The most questions at once. Each holds an identity, which may have 32 KiB.
const MAX_QUESTIONS: usize = 256;

/// The SHA-256 of an identity as the gateway sent it.
pub(super) type Key = [u8; 32];

/// Questions in hand and those that wait for their turn, each about another identity.
#[derive(Debug)]
pub(super) struct Questions {
    open: HashMap<Key, Question>,
    places: Shares,
    next_number: u64,
    is_closed: bool,
}

/// What the RBAC service is sent.
#[derive(Debug)]
pub(super) struct Subject {
    /// As the gateway sent it.
    pub(super) identity: Box<[u8]>,
    /// The call that was the first to ask, if it is sampled.
    pub(super) traceparent: Option<String>,
}

#[derive(Debug)]
pub(super) struct Question {
    subject: Arc<Subject>,
    organization: OrganizationId,
    /// The order in which questions came.
    number: u64,
    came_at: Instant,
    is_in_hand: bool,
    /// Calls that were let in without waiting for the answer.
    pub(super) unheard: u64,
    /// Those who wait see the end of the question as the end of this.
    end: watch::Sender<()>,
}

impl Question {
    /// How long it has been open.
    pub(super) fn age(&self) -> Duration {
        self.came_at.elapsed()
    }

    /// Whose identity it is about.
    pub(super) const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// Changes when the question is no longer open.
    pub(super) fn end(&self) -> watch::Receiver<()> {
        self.end.subscribe()
    }
}

impl Default for Questions {
    fn default() -> Self {
        Self { open: HashMap::new(), places: Shares::of(MAX_QUESTIONS), next_number: 0, is_closed: false }
    }
}

impl Questions {
    /// The open question about this identity, and whether it is new; `None` if there is no place for it.
    pub(super) fn join(
        &mut self,
        key: Key,
        identity: &[u8],
        organization: OrganizationId,
    ) -> Option<(&mut Question, bool)> {
        let is_new = !self.open.contains_key(&key);
        if is_new && (self.is_closed || !self.places.take(organization)) {
            return None;
        }
        let number = self.next_number;
        self.next_number += u64::from(is_new);
        let question = self.open.entry(key).or_insert_with(|| Question {
            subject: Arc::new(Subject {
                identity: identity.into(),
                traceparent: trace::current().map(|span| span.traceparent()),
            }),
            organization,
            number,
            came_at: Instant::now(),
            is_in_hand: false,
            unheard: 0,
            end: watch::Sender::new(()),
        });
        Some((question, is_new))
    }

    /// Takes the next question in hand: the oldest one of the organization that has the fewest in hand, and fewer than `most`.
    pub(super) fn take_next(&mut self, most: usize) -> Option<(Key, Arc<Subject>)> {
        let mut in_hand: HashMap<OrganizationId, usize> = HashMap::new();
        for question in self.open.values().filter(|question| question.is_in_hand) {
            *in_hand.entry(question.organization).or_default() += 1;
        }
        let of = |organization| in_hand.get(&organization).copied().unwrap_or_default();
        let waiting = self.open.iter_mut().filter(|(_, question)| !question.is_in_hand);
        let (key, question) = waiting
            .filter(|(_, question)| of(question.organization) < most)
            .min_by_key(|(_, question)| (of(question.organization), question.number))?;
        question.is_in_hand = true;
        Some((*key, Arc::clone(&question.subject)))
    }

    /// Ends a question, so that those who wait for it go on.
    pub(super) fn end(&mut self, key: &Key) -> Option<Question> {
        let question = self.open.remove(key)?;
        self.places.give_back(question.organization);
        Some(question)
    }

    /// Ends all questions, and takes no more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.open.clear();
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.is_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(questions: &mut Questions, organization: u32, number: u8) -> Option<bool> {
        let key = [number; 32];
        let asked = questions.join(key, &[number], organization.try_into().unwrap());
        asked.map(|(_, is_new)| is_new)
    }

    fn taken(questions: &mut Questions) -> Option<u8> {
        questions.take_next(usize::MAX).map(|(_, subject)| subject.identity[0])
    }

    #[test]
    fn organizations_take_turns_and_the_same_is_asked_once() {
        let mut questions = Questions::default();
        for number in 1..=5 {
            assert_eq!(ask(&mut questions, 1, number), Some(true));
        }
        assert_eq!((ask(&mut questions, 2, 6), ask(&mut questions, 2, 6)), (Some(true), Some(false)));
        let order: Vec<_> = (0..4).map(|_| taken(&mut questions)).collect();
        assert_eq!(order, [Some(1), Some(6), Some(2), Some(3)]);
        assert_eq!(ask(&mut questions, 3, 7), Some(true));
        assert_eq!(taken(&mut questions), Some(7), "nothing of it is in hand");
        let mut end = questions.open[&[6; 32]].end();
        assert!(!end.has_changed().unwrap());
        assert!(questions.end(&[6; 32]).is_some() && questions.end(&[6; 32]).is_none());
        assert!(end.has_changed().is_err(), "who waits goes on");
        assert_eq!(
            [taken(&mut questions), taken(&mut questions), taken(&mut questions)],
            [Some(4), Some(5), None]
        );
        drop(end.borrow_and_update());
    }

    #[test]
    fn one_organization_has_only_so_many_in_hand() {
        let mut questions = Questions::default();
        for number in 1..=5 {
            assert_eq!(ask(&mut questions, 1, number), Some(true));
        }
        let take = |questions: &mut Questions| questions.take_next(2).map(|(_, subject)| subject.identity[0]);
        assert_eq!(
            [take(&mut questions), take(&mut questions), take(&mut questions)],
            [Some(1), Some(2), None]
        );
        assert_eq!(ask(&mut questions, 2, 6), Some(true));
        assert_eq!(
            [take(&mut questions), take(&mut questions)],
            [Some(6), None],
            "another has its turn at once"
        );
        questions.end(&[1; 32]);
        assert_eq!([take(&mut questions), take(&mut questions)], [Some(3), None]);
    }

    #[test]
    fn there_are_only_so_many() {
        let mut questions = Questions::default();
        let asked = (0..=u8::MAX).filter(|number| ask(&mut questions, 1, *number).is_some()).count();
        assert_eq!(asked, MAX_QUESTIONS / 4 * 3);
        assert_eq!(ask(&mut questions, 1, 0), Some(false), "one that is open");
        assert_eq!(ask(&mut questions, 2, u8::MAX), Some(true), "another organization");
        questions.end(&[0; 32]);
        questions.end(&[u8::MAX; 32]);
        assert_eq!(ask(&mut questions, 1, 0), Some(true));
        questions.close();
        assert!(
            questions.is_closed() && ask(&mut questions, 3, 1).is_none() && taken(&mut questions).is_none()
        );
    }
}
