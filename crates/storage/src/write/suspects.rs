//! Events that could not be recorded although the database took others: which ones to keep apart from everybody else's, and
//! since when.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use gathering_domain::event::RequestEvent;
use gathering_domain::ids::RequestKey;

/// How many are remembered. Each takes up some 300 bytes.
const LIMIT: usize = 4096;

/// Requests whose events failed and are expected to come again, for their senders were told so.
#[derive(Debug)]
pub(crate) struct Suspects {
    known: HashMap<RequestKey, Suspect>,
    refuse_after: Duration,
}

#[derive(Debug)]
struct Suspect {
    /// With how many others, itself included, it may be tried next.
    group_limit: usize,
    /// How it failed alone, if it did.
    alone: Option<Failures>,
    /// When it was last tried.
    tried: Duration,
    /// When it last failed alone, or came and had to wait for others that did.
    came: Duration,
}

/// Failures of one that was alone, while the database took others.
#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Duration,
    count: u32,
}

/// In which order to write a batch that holds suspects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Positions in the batch: first those of events that nothing is held against.
    pub(crate) order: Vec<usize>,
    /// How many those are.
    pub(crate) clean: usize,
    /// The others, as ranges of `order`, each to be written apart.
    pub(crate) groups: Vec<Range<usize>>,
    /// Whether the first of these is to have more time than others.
    pub(crate) is_first_patient: bool,
}

/// What is held against an event that failed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoneFailure {
    /// It is the first time.
    First,
    /// It did so before.
    Again,
    /// It has done so for long enough to be refused.
    Overdue,
}

impl Suspects {
    /// Events that have failed alone for `refuse_after` are to be refused.
    pub(crate) fn new(refuse_after: Duration) -> Self {
        Self { known: HashMap::new(), refuse_after }
    }

    /// How to write these; `None` if there is no suspect among them. Times are those of one clock that never goes back.
    pub(crate) fn plan(&self, events: &[RequestEvent], now: Duration) -> Option<Plan> {
        if self.known.is_empty() {
            return None;
        }
        let suspect = |event: &RequestEvent| {
            self.known.get(&event.key).filter(|suspect| !self.is_outdated(suspect, now))
        };
        let (mut order, mut suspects) = (Vec::with_capacity(events.len()), Vec::new());
        for (index, event) in events.iter().enumerate() {
            match suspect(event) {
                // Whoever has waited longest comes first, so that each has its turn; events of one request stay together.
                Some(suspect) => suspects.push((suspect.tried, &event.key, suspect.group_limit, index)),
                None => order.push(index),
            }
        }
        if suspects.is_empty() {
            return None;
        }
        suspects.sort_by(|a, b| (a.0, a.1, a.3).cmp(&(b.0, b.1, b.3)));
        let clean = order.len();
        let (mut groups, mut keys, mut group_limit) = (Vec::<Range<usize>>::new(), 0, 0);
        let (mut last, mut patient) = (None, None);
        for (_, key, own, index) in suspects {
            let position = order.len();
            order.push(index);
            let is_same = last == Some(key);
            let group = groups.last_mut().filter(|_| is_same || (keys < group_limit && own >= group_limit));
            if let Some(group) = group {
                group.end = position + 1;
                keys += usize::from(!is_same);
            } else {
                if patient.is_none() && self.is_due(key, now) {
                    patient = Some(groups.len());
                }
                groups.push(position..position + 1);
                (keys, group_limit) = (1, own);
            }
            last = Some(key);
        }
        if let Some(first) = groups.get_mut(..=patient.unwrap_or_default()) {
            first.rotate_right(1);
        }
        Some(Plan { order, clean, groups, is_first_patient: patient.is_some() })
    }

    /// Whether this one is to have more time than it had: every now and then, and before it is refused.
    fn is_due(&self, key: &RequestKey, now: Duration) -> bool {
        let failures = self.known.get(key).and_then(|suspect| suspect.alone);
        failures.is_some_and(|Failures { since, count }| {
            let is_last = count + 1 >= LEAST_FAILURES && now.saturating_sub(since) >= self.refuse_after;
            is_last || count % PATIENT == PATIENT - 1
        })
    }

    /// These failed together, and may be tried again in smaller groups.
    pub(crate) fn failed_together(&mut self, events: &[RequestEvent], group_limit: usize, now: Duration) {
        for event in events {
            if let Some(suspect) = self.entry(&event.key, now) {
                suspect.group_limit = suspect.group_limit.min(group_limit.max(1));
            }
        }
    }

    /// These had to wait for others that failed, and there was no time left to try them.
    pub(crate) fn left_untried(&mut self, events: &[RequestEvent], now: Duration) {
        for event in events {
            // Whoever was not tried stays ahead of those that were.
            let tried = self.known.get(&event.key).map_or(now, |suspect| suspect.tried);
            if let Some(suspect) = self.entry(&event.key, now) {
                suspect.group_limit = suspect.group_limit.min(events.len());
                (suspect.tried, suspect.came) = (tried, now);
            }
        }
    }

    /// This one failed alone, and the database takes others. `had_time` says whether it is certain that more time would not
    /// have helped: else it is not refused yet.
    pub(crate) fn failed_alone(&mut self, key: &RequestKey, now: Duration, had_time: bool) -> LoneFailure {
        let refuse_after = self.refuse_after;
        let Some(suspect) = self.entry(key, now) else { return LoneFailure::Again };
        suspect.group_limit = 1;
        let gap = now.saturating_sub(suspect.came);
        suspect.came = now;
        let before = suspect.alone.filter(|_| gap <= (refuse_after / 4).max(LEAST_GAP));
        let Failures { since, count } = before.unwrap_or(Failures { since: now, count: 0 });
        let count = count.saturating_add(1);
        suspect.alone = Some(Failures { since, count });
        if had_time && count >= LEAST_FAILURES && now.saturating_sub(since) >= refuse_after {
            self.known.remove(key);
            LoneFailure::Overdue
        } else if count == 1 {
            LoneFailure::First
        } else {
            LoneFailure::Again
        }
    }

    /// The database takes nobody's events: the time that they have failed alone for starts anew.
    pub(crate) fn reset_lone_failures(&mut self) {
        for suspect in self.known.values_mut() {
            suspect.alone = None;
        }
    }

    /// This one is done with.
    pub(crate) fn clear(&mut self, key: &RequestKey) {
        self.known.remove(key);
    }

    /// These are done with.
    pub(crate) fn clear_all(&mut self, events: &[RequestEvent]) {
        if !self.known.is_empty() {
            for event in events {
                self.known.remove(&event.key);
            }
        }
    }

    /// Forgets those that did not come for long.
    pub(crate) fn sweep(&mut self, now: Duration) {
        let refuse_after = self.refuse_after;
        self.known.retain(|_, suspect| !is_outdated(suspect, now, refuse_after));
    }

    /// How many have failed alone, while the database took others.
    pub(crate) fn failing(&self, now: Duration) -> usize {
        let is_failing = |suspect: &&Suspect| suspect.alone.is_some() && !self.is_outdated(suspect, now);
        self.known.values().filter(is_failing).count()
    }

    fn entry(&mut self, key: &RequestKey, now: Duration) -> Option<&mut Suspect> {
        if self.known.len() >= LIMIT && !self.known.contains_key(key) {
            self.sweep(now);
        }
        if self.known.get(key).is_some_and(|suspect| self.is_outdated(suspect, now)) {
            self.known.remove(key);
        }
        if self.known.len() >= LIMIT && !self.known.contains_key(key) {
            // One that finds no room is found out anew each time, until others are done with.
            return None;
        }
        let fresh = || Suspect { group_limit: usize::MAX, alone: None, tried: now, came: now };
        let suspect = self.known.entry(key.clone()).or_insert_with(fresh);
        suspect.tried = now;
        Some(suspect)
    }

    fn is_outdated(&self, suspect: &Suspect, now: Duration) -> bool {
        is_outdated(suspect, now, self.refuse_after)
    }
}

/// One that has not come for long is a stranger again: it would else be refused at its second failure.
fn is_outdated(suspect: &Suspect, now: Duration, refuse_after: Duration) -> bool {
    now.saturating_sub(suspect.tried.max(suspect.came)) > refuse_after.saturating_mul(2).max(LEAST_MEMORY)
}

/// Senders may wait some minutes between two attempts.
const LEAST_MEMORY: Duration = Duration::from_secs(10 * 60);

/// One that fails alone again after a longer gap than this, or than a quarter of the time after which it is refused, has not
/// failed all the while. A partition is tried again after ten seconds at the latest.
const LEAST_GAP: Duration = Duration::from_secs(60);

/// One that failed alone less often is not refused, however long it took.
const LEAST_FAILURES: u32 = 3;

/// Every so many attempts, one that failed alone has more time.
const PATIENT: u32 = 4;

#[cfg(test)]
mod tests;
