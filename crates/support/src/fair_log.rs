//! Log lines that many tenants can cause: each has lines of its own, so that a flood of one hides nobody else's.

use std::fmt::{self, Arguments};
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use log::Level;
use log::kv::Value;

use crate::throttled_log::ThrottledLog;

/// Into how many shares tenants fall. Two that have the same one share its lines; nobody can choose whose.
const SHARES: usize = 64;

/// How many lines of a share are written at once.
const BURST: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// How long it takes until one more is.
const INTERVAL: Duration = Duration::from_secs(10);

/// Writes at most 5 lines of a share of tenants at once and one each ten seconds afterwards: with all of them together, 6.4 a
/// second.
pub struct FairLog {
    shares: Vec<ThrottledLog>,
    hasher: RandomState,
}

impl fmt::Debug for FairLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FairLog").field("shares", &self.shares.len()).finish_non_exhaustive()
    }
}

impl FairLog {
    /// A log whose lines have this target.
    pub fn new(target: &'static str) -> Self {
        let share = || ThrottledLog::slow(target, INTERVAL, BURST);
        Self { shares: std::iter::repeat_with(share).take(SHARES).collect(), hasher: RandomState::new() }
    }

    /// Writes a line that a tenant caused, with these fields, or counts it as left out.
    pub fn log_with(
        &self,
        tenant: impl Hash,
        level: Level,
        fields: &[(&str, Value<'_>)],
        line: Arguments<'_>,
    ) {
        if let Some(share) = self.share(tenant) {
            share.log_with(level, fields, line);
        }
    }

    fn share(&self, tenant: impl Hash) -> Option<&ThrottledLog> {
        let share = self.hasher.hash_one(tenant) % SHARES as u64;
        self.shares.get(usize::try_from(share).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_tenant_leaves_others_their_lines() {
        let log = FairLog::new("test");
        let admitted = |tenant: u32| log.share(tenant).unwrap().admit().is_some();
        let flood = (0..10_000).filter(|_| admitted(1)).count();
        assert!((5..10).contains(&flood), "{flood}");
        let others = (2..100).filter(|tenant| admitted(*tenant)).count();
        assert!(others > 80, "only those that share with the first have none: {others}");
    }
}
