//! Who waits where.

use std::collections::{BTreeMap, HashMap};
use std::task::Waker;
use std::time::Duration;

use super::end::WaitEnd;
use crate::ids::{OrganizationId, RequestKey};

/// Where a waiter is: the number tells those who wait for one request apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) key: RequestKey,
    pub(super) number: u64,
}

/// All who wait, by what they wait for.
#[derive(Default)]
pub(super) struct Registry {
    pub(super) entries: BTreeMap<Place, Entry>,
    pub(super) of_organizations: HashMap<OrganizationId, usize>,
    pub(super) next: u64,
    pub(super) is_closed: bool,
}

/// One who waits.
pub(super) struct Entry {
    /// By the clock that never goes back.
    pub(super) until: Duration,
    pub(super) waker: Option<Waker>,
    pub(super) end: Option<WaitEnd>,
}

impl Entry {
    /// Ends the wait, unless it has ended, and returns whom to tell.
    pub(super) fn finish(&mut self, end: WaitEnd) -> Option<Waker> {
        self.end.get_or_insert(end);
        self.waker.take()
    }
}

impl Registry {
    /// Whose place another of this organization gets: one of the organization that has most of them, unless this one would then
    /// have more.
    pub(super) fn to_displace(&self, organization: OrganizationId) -> Option<Place> {
        let own = self.of_organizations.get(&organization).copied().unwrap_or_default();
        let (&largest, &count) =
            self.of_organizations.iter().max_by_key(|(of, count)| (**count, of.get()))?;
        if count <= own + 1 {
            return None;
        }
        let of_largest = self.entries.iter().filter(|(place, _)| place.key.organization == largest);
        let waiting = of_largest.filter(|(_, entry)| entry.end.is_none());
        // The one that came last has waited least.
        waiting.map(|(place, _)| place).max_by_key(|place| place.number).cloned()
    }

    pub(super) fn remove(&mut self, place: &Place) -> Option<Entry> {
        let entry = self.entries.remove(place)?;
        if let Some(count) = self.of_organizations.get_mut(&place.key.organization) {
            *count -= 1;
            if *count == 0 {
                self.of_organizations.remove(&place.key.organization);
            }
        }
        Some(entry)
    }
}
