//! Pauses after failures, so that reports do not wait in vain again and again.

use std::collections::HashMap;
use std::time::Duration;

use gathering_domain::ids::OrganizationId;

/// The first pause. Each further one is twice as long, up to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Organizations whose failures are remembered, at most.
const ORGANIZATIONS: usize = 4096;

/// Says who may be asked about. A failure makes its organization pause; a second one, of another organization and with no
/// success since, makes all of them pause. After a pause, one question goes first. So an aggregator that is away costs all
/// organizations together little.
///
/// For the pause of all, only the first failure of an organization since its last success counts. Organizations with lists that
/// the aggregator fails on, however many and however often, cannot prolong it, nor is theirs the question that goes first.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    all: Pause,
    each: HashMap<OrganizationId, Pause>,
    /// Whose question failed last so that it may be the aggregator's fault, if none has succeeded since.
    last_failed: Option<OrganizationId>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Pause {
    /// How many pauses there were since the last success.
    number: u32,
    /// When the present one ends, on the monotonic clock.
    until: Duration,
}

/// The right to ask one question, and how many pauses there were before it. Of questions that were asked at once and fail
/// together, only the first makes a pause longer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission {
    organization: OrganizationId,
    of_all: u32,
    of_one: u32,
}

/// Whom a failure says something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The aggregator answered, and this organization's lists cannot be used.
    Organization,
    /// The aggregator may be away for all.
    Aggregator,
}

impl Pauses {
    /// The right to ask a question about this organization now, unless there is a pause.
    pub(crate) fn admit(&mut self, organization: OrganizationId, now: Duration) -> Option<Admission> {
        let mut own = self.each.get(&organization).copied().unwrap_or_default();
        if self.all.until > now || own.until > now {
            return None;
        }
        // One that failed by itself says nothing of how the others fare, so they need not wait for it.
        if own.number == 0 {
            self.all.hold_back_others(now);
        }
        own.hold_back_others(now);
        if let Some(pause) = self.each.get_mut(&organization) {
            *pause = own;
        }
        Some(Admission { organization, of_all: self.all.number, of_one: own.number })
    }

    /// The question failed. `reach` says whose fault that may be.
    pub(crate) fn fail(&mut self, admission: Admission, reach: Reach, now: Duration) {
        let Admission { organization, of_all, of_one } = admission;
        if self.each.len() >= ORGANIZATIONS && !self.each.contains_key(&organization) {
            self.each.clear();
        }
        self.each.entry(organization).or_default().prolong(of_one, now);
        if reach == Reach::Organization || of_one > 0 {
            return;
        }
        if self.last_failed.is_some_and(|other| other != organization) {
            self.all.prolong(of_all, now);
        }
        self.last_failed = Some(organization);
    }

    /// The question was answered. Tells whether the aggregator seemed to be away since the last answer.
    pub(crate) fn succeed(&mut self, admission: Admission) -> bool {
        self.each.remove(&admission.organization);
        self.all = Pause::default();
        self.last_failed.take().is_some()
    }
}

impl Pause {
    /// Until the question that goes first is answered, others count as too early.
    fn hold_back_others(&mut self, now: Duration) {
        if self.number > 0 {
            self.until = now.saturating_add(self.length());
        }
    }

    fn prolong(&mut self, number: u32, now: Duration) {
        if self.number == number {
            self.number = self.number.saturating_add(1);
            self.until = now.saturating_add(self.length());
        }
    }

    fn length(self) -> Duration {
        FIRST.saturating_mul(1 << self.number.saturating_sub(1).min(5)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn organization(number: u32) -> OrganizationId {
        number.try_into().unwrap()
    }

    #[test]
    fn pauses_grow_from_one_second_to_thirty_and_end_with_a_success() {
        let (mut pauses, one, mut now) = (Pauses::default(), organization(1), at(100));
        for expected in [1, 2, 4, 8, 16, 30, 30] {
            let admission = pauses.admit(one, now).expect("the pause is over");
            now += at(5);
            pauses.fail(admission, Reach::Aggregator, now);
            now += at(expected);
            let just_before = now.saturating_sub(Duration::from_micros(1));
            assert!(pauses.admit(one, just_before).is_none(), "{expected}");
        }
        let admission = pauses.admit(one, now).unwrap();
        assert!(pauses.succeed(admission));
        let admission = pauses.admit(one, now).expect("there is no pause any more");
        assert!(!pauses.succeed(admission));
        pauses.fail(admission, Reach::Aggregator, now);
        assert!(pauses.admit(one, now + at(1)).is_some(), "the first pause is short again");
    }

    #[test]
    fn questions_that_fail_together_make_one_pause() {
        let mut pauses = Pauses::default();
        let asked: Vec<_> =
            (1..=100).map(|name| pauses.admit(organization(name % 5 + 1), at(0)).unwrap()).collect();
        for admission in asked {
            pauses.fail(admission, Reach::Aggregator, at(2));
        }
        assert!(pauses.admit(organization(9), at(2)).is_none());
        assert!(pauses.admit(organization(9), at(3)).is_some());
    }

    #[test]
    fn after_a_pause_one_question_goes_first() {
        let (mut pauses, one, two) = (Pauses::default(), organization(1), organization(2));
        for name in [one, two] {
            let admission = pauses.admit(name, at(0)).unwrap();
            pauses.fail(admission, Reach::Aggregator, at(0));
        }
        assert!(pauses.admit(organization(3), at(0)).is_none());
        let first = pauses.admit(organization(3), at(1)).unwrap();
        assert!(pauses.admit(organization(4), at(1)).is_none(), "it waits for the first one");
        assert!(pauses.succeed(first));
        assert!(pauses.admit(organization(4), at(1)).is_some());
        assert!(pauses.admit(one, at(1)).is_some());
    }

    #[test]
    fn a_question_whose_end_nobody_hears_of_does_not_hold_back_others_for_long() {
        let (mut pauses, one) = (Pauses::default(), organization(1));
        let admission = pauses.admit(one, at(0)).unwrap();
        pauses.fail(admission, Reach::Aggregator, at(0));
        pauses.admit(one, at(1)).unwrap();
        assert!(pauses.admit(one, at(1)).is_none() && pauses.admit(one, at(2)).is_some());
    }

    #[test]
    fn an_organization_that_always_fails_costs_no_other_anything() {
        let (mut pauses, bad, good) = (Pauses::default(), organization(1), organization(2));
        for second in 0..100 {
            if let Some(admission) = pauses.admit(bad, at(second)) {
                pauses.fail(admission, Reach::Aggregator, at(second));
            }
            let admission = pauses.admit(good, at(second)).expect("it never failed");
            pauses.succeed(admission);
        }
        assert!(pauses.each[&bad].number > 4 && pauses.each.len() == 1);
    }

    /// Asks about two bad organizations and, each second, about a good one. Gives how often the good one was not asked about.
    fn missed_by_the_good_one(reach: Reach) -> usize {
        let (mut pauses, mut missed) = (Pauses::default(), 0);
        for second in 0..300 {
            for bad in [organization(1), organization(2)] {
                if let Some(admission) = pauses.admit(bad, at(second)) {
                    pauses.fail(admission, reach, at(second));
                }
            }
            match pauses.admit(organization(3), at(second)) {
                Some(admission) => drop(pauses.succeed(admission)),
                None => missed += 1,
            }
        }
        assert!(pauses.each[&organization(1)].number > 4, "{reach:?}");
        missed
    }

    #[test]
    fn two_organizations_that_always_fail_hold_up_no_other() {
        assert_eq!(missed_by_the_good_one(Reach::Organization), 0);
        assert_eq!(missed_by_the_good_one(Reach::Aggregator), 1, "the first second");
    }

    #[test]
    fn an_organization_that_failed_neither_prolongs_the_pause_of_all_nor_ends_it_for_itself() {
        let (mut pauses, one, two) = (Pauses::default(), organization(1), organization(2));
        for name in [one, two] {
            let admission = pauses.admit(name, at(0)).unwrap();
            pauses.fail(admission, Reach::Aggregator, at(0));
        }
        let admission = pauses.admit(one, at(1)).expect("its own pause is over");
        pauses.fail(admission, Reach::Aggregator, at(1));
        let first = pauses.admit(organization(3), at(1)).expect("it waits for nobody");
        pauses.fail(first, Reach::Aggregator, at(1));
        assert!(pauses.admit(organization(4), at(2)).is_none(), "one without failures prolongs it");
        assert!(pauses.admit(organization(4), at(3)).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut pauses = Pauses::default();
        for name in 1..10_000 {
            let admission = pauses.admit(organization(name), at(u64::from(name) * 100)).unwrap();
            pauses.fail(admission, Reach::Aggregator, at(u64::from(name) * 100));
        }
        assert!(pauses.each.len() <= ORGANIZATIONS);
    }
}
