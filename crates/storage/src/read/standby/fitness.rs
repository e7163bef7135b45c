//! Whether a standby is fit to be asked: it answers, it follows this primary, and it does not lag far behind.
//!
//! How far it lags is told by the log: the primary says how far it has written, and once the standby has applied that much, it
//! knows all that was recorded by then. A clock would tell less, since nothing may have been recorded for long.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::read::postgres::position::ServerPosition;

/// How much of the past a standby may lack: as much as is remembered of what is processed.
const LAG: Duration = Duration::from_secs(60);

/// Between two checks of a standby that is fit, and of one that is not.
const BETWEEN_CHECKS: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(5);

/// After so long a check that has not come back counts as lost.
const LONGEST_CHECK: Duration = Duration::from_secs(60);

/// Marks that are kept: some more than there are checks within [`LAG`].
const MARKS: usize = 40;

/// Why a standby is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It did not answer.
    Silent(String),
    /// It is the primary, or was one.
    TakesWrites,
    /// It holds another database.
    OfAnother,
    /// It lacks what was recorded a while ago.
    Behind,
    /// It may have what was erased.
    LacksErasure,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(error) => write!(f, "it does not answer: {error}"),
            Self::TakesWrites => f.write_str("it is no standby"),
            Self::OfAnother => {
                f.write_str("it does not follow the database of storage.url, or lacks its tables")
            }
            Self::Behind => write!(f, "it lags more than {LAG:?} behind"),
            Self::LacksErasure => f.write_str("it has not applied yet what was erased"),
        }
    }
}

/// Whether a standby is asked, and what was found out about it.
#[derive(Debug, Default)]
pub(super) struct Fitness {
    is_fit: bool,
    /// Why not, if that was told.
    told: Option<Unfit>,
    /// When the last check began, and whether it goes on.
    began: Option<Instant>,
    is_checking: bool,
    /// When it was last found fit.
    confirmed: Option<Instant>,
    /// When the primary had written how much, as far as the standby has not applied it.
    marks: VecDeque<(Instant, i64)>,
    /// The last moment of which it has all that was recorded by then.
    complete_at: Option<Instant>,
    /// When it was last found out that something was erased, until it has applied that.
    erased: Option<Instant>,
}

impl Fitness {
    /// What was found long ago counts no more.
    pub(super) fn is_fit(&self, now: Instant) -> bool {
        self.is_fit && self.confirmed.is_some_and(|confirmed| now.saturating_duration_since(confirmed) < LAG)
    }

    /// Whether a check is due, which counts as begun then.
    pub(super) fn begin_check(&mut self, now: Instant) -> bool {
        let since = self.began.map(|began| now.saturating_duration_since(began));
        let pause = if self.is_fit { BETWEEN_CHECKS } else { PAUSE };
        let limit = if self.is_checking { LONGEST_CHECK } else { pause };
        let is_due = since.is_none_or(|since| since >= limit);
        if is_due {
            (self.began, self.is_checking) = (Some(now), true);
        }
        is_due
    }

    /// Called with what a check found that asked the primary then.
    pub(super) fn checked(
        &mut self,
        asked: Instant,
        primary: Option<ServerPosition>,
        standby: Result<ServerPosition, String>,
    ) {
        self.is_checking = false;
        match self.judge(asked, primary, standby) {
            Ok(true) => {
                self.confirmed = Some(asked);
                if !self.is_fit {
                    log::info!("the standby of storage.read_url is asked first");
                }
                (self.is_fit, self.told) = (true, None);
            }
            Ok(false) => {}
            Err(why) => self.failed(why, asked),
        }
    }

    /// Called when something was erased. It is left out until it has all that was recorded by now: what it has of before may be
    /// erased.
    pub(super) fn noticed_erasure(&mut self, now: Instant) {
        self.marks.clear();
        (self.is_fit, self.complete_at, self.erased) = (false, None, Some(now));
        if !self.is_checking {
            // Where it lags by less than the next check takes, nobody notices.
            self.began = None;
        }
    }

    /// Called when it turns out not to be fit. The next check is made after a pause.
    pub(super) fn failed(&mut self, why: Unfit, now: Instant) {
        let is_news = self.told.as_ref().map(std::mem::discriminant) != Some(std::mem::discriminant(&why));
        if is_news {
            log::warn!("the standby of storage.read_url is left out, and the primary asked alone: {why}");
        }
        if !self.is_checking {
            self.began = Some(now);
        }
        (self.is_fit, self.told) = (false, Some(why));
    }

    /// Whether it is fit; false if that cannot be told.
    fn judge(
        &mut self,
        asked: Instant,
        primary: Option<ServerPosition>,
        standby: Result<ServerPosition, String>,
    ) -> Result<bool, Unfit> {
        let standby = standby.map_err(Unfit::Silent)?;
        if !standby.is_standby {
            return Err(Unfit::TakesWrites);
        }
        // While nobody can ask the primary, nobody can record anything either: it is as fit as it was.
        let Some(primary) = primary else { return Ok(self.is_fit) };
        if primary.identity != standby.identity {
            return Err(Unfit::OfAnother);
        }
        // What the primary said before that, a check that goes on since then may still bring.
        if self.erased.is_none_or(|erased| asked >= erased) {
            if self.marks.len() >= MARKS {
                self.marks.pop_front();
            }
            self.marks.push_back((asked, primary.log_position));
        }
        while let Some((when, _)) =
            self.marks.front().filter(|(_, position)| *position <= standby.log_position)
        {
            self.complete_at = Some(*when);
            self.erased = None;
            self.marks.pop_front();
        }
        if self.erased.is_some() {
            return Err(Unfit::LacksErasure);
        }
        let is_complete = self.complete_at.is_some_and(|when| asked.saturating_duration_since(when) < LAG);
        if is_complete { Ok(true) } else { Err(Unfit::Behind) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(is_standby: bool, log_position: i64) -> ServerPosition {
        ServerPosition { identity: "7/5/16384".to_owned(), is_standby, log_position }
    }

    /// Checks so many seconds after the start, with what the primary has written and the standby applied.
    struct Checked {
        fitness: Fitness,
        start: Instant,
    }

    impl Checked {
        fn new() -> Self {
            Self { fitness: Fitness::default(), start: Instant::now() }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        fn finds(&mut self, seconds: u64, primary: Option<i64>, standby: Option<i64>) -> bool {
            let (primary, standby) =
                (primary.map(|at| position(false, at)), standby.map(|at| position(true, at)));
            self.fitness.checked(self.at(seconds), primary, standby.ok_or_else(|| "away".to_owned()));
            self.fitness.is_fit(self.at(seconds))
        }
    }

    #[test]
    fn one_that_has_applied_what_was_written_a_while_ago_is_fit() {
        let mut checked = Checked::new();
        assert!(!checked.fitness.is_fit(checked.at(0)), "nobody knows yet");
        assert!(!checked.finds(0, Some(100), Some(99)));
        assert!(checked.finds(2, Some(200), Some(100)), "it has what was written two seconds ago");
        assert!(checked.finds(50, Some(300), Some(150)));
        assert!(!checked.finds(62, Some(300), Some(150)), "for a minute it has come no further");
        assert!(checked.finds(64, Some(300), Some(300)));
    }

    #[test]
    fn where_nothing_is_written_nothing_is_lacking() {
        let mut checked = Checked::new();
        for seconds in [0, 100, 10_000] {
            assert!(checked.finds(seconds, Some(100), Some(100)));
        }
        assert!(!checked.fitness.is_fit(checked.at(10_060)), "nobody has looked for long");
    }

    #[test]
    fn one_that_may_have_what_was_erased_is_left_out_until_it_has_applied_that() {
        let mut checked = Checked::new();
        assert!(checked.finds(0, Some(100), Some(100)));
        checked.fitness.noticed_erasure(checked.at(1));
        assert!(!checked.fitness.is_fit(checked.at(1)));
        assert!(!checked.finds(0, Some(100), Some(100)), "a check that began before says nothing");
        assert!(!checked.finds(2, Some(200), Some(150)));
        assert_eq!(checked.fitness.told, Some(Unfit::LacksErasure));
        assert!(!checked.finds(3, None, Some(500)), "nobody knows how far the primary is");
        assert!(!checked.finds(4, Some(300), Some(199)));
        assert!(checked.finds(6, Some(400), Some(200)));
    }

    #[test]
    fn one_that_always_lags_is_never_fit_and_keeps_no_more_marks_than_it_needs() {
        let mut checked = Checked::new();
        for number in 0..1000 {
            let written = i64::try_from(number).unwrap() * 10;
            assert!(!checked.finds(number * 2, Some(written + 1), Some(written - 400)));
        }
        assert_eq!(checked.fitness.marks.len(), MARKS);
    }

    #[test]
    fn it_stays_what_it_is_while_the_primary_is_away() {
        let mut checked = Checked::new();
        assert!(!checked.finds(0, None, Some(100)));
        assert!(checked.finds(2, Some(100), Some(100)));
        assert!((4..200).step_by(2).all(|seconds| checked.finds(seconds, None, Some(100))));
        assert!(!checked.finds(300, None, None));
    }

    #[test]
    fn another_server_is_not_asked() {
        let mut checked = Checked::new();
        assert!(checked.finds(0, Some(100), Some(100)));
        checked.fitness.checked(checked.at(2), Some(position(false, 100)), Ok(position(false, 100)));
        assert_eq!((checked.fitness.is_fit, &checked.fitness.told), (false, &Some(Unfit::TakesWrites)));
        let other = ServerPosition { identity: "8/5/16384".to_owned(), ..position(true, 900) };
        checked.fitness.checked(checked.at(7), Some(position(false, 100)), Ok(other));
        assert_eq!((checked.fitness.is_fit, &checked.fitness.told), (false, &Some(Unfit::OfAnother)));
    }

    #[test]
    fn it_is_looked_at_one_at_a_time_and_less_often_after_a_failure() {
        let mut checked = Checked::new();
        let at: [_; 200] = std::array::from_fn(|seconds| checked.at(seconds as u64));
        let fitness = &mut checked.fitness;
        assert!(fitness.begin_check(at[0]) && !fitness.begin_check(at[1]) && !fitness.begin_check(at[59]));
        assert!(fitness.begin_check(at[60]), "the one before is lost");
        fitness.checked(at[60], Some(position(false, 1)), Ok(position(true, 1)));
        assert!(!fitness.begin_check(at[61]) && fitness.begin_check(at[62]));
        fitness.checked(at[62], Some(position(false, 1)), Ok(position(true, 1)));
        fitness.failed(Unfit::Silent("late".to_owned()), at[63]);
        assert!(!fitness.is_fit(at[63]));
        assert!(!fitness.begin_check(at[67]) && fitness.begin_check(at[68]));
    }
}
