//! Places that organizations share, for calls that are told at once whether there is one.
//!
//! `gathering_support::FairSemaphore` shares places out too, but has its callers wait for them in turns, and knows a fixed share.
//! Here the places are those of the very line in which calls wait: whoever finds none must be refused and not wait for it, and an
//! organization that is alone may have more than it would in a crowd.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gathering_domain::ids::OrganizationId;

/// A number of places. An organization may hold three times what it leaves free: three quarters if it is alone. So none can keep
/// others out.
#[derive(Debug)]
pub(super) struct Shares {
    free: usize,
    held: HashMap<OrganizationId, usize>,
}

impl Shares {
    pub(super) fn of(places: usize) -> Self {
        Self { free: places, held: HashMap::new() }
    }

    /// Takes a place; false if there is none for this organization.
    pub(super) fn take(&mut self, organization: OrganizationId) -> bool {
        let held = self.held.get(&organization).copied().unwrap_or_default() + 1;
        let is_free = self.free > 0 && held <= (self.free - 1).saturating_mul(3);
        if is_free {
            self.free -= 1;
            self.held.insert(organization, held);
        }
        is_free
    }

    /// Gives a place back that was taken.
    pub(super) fn give_back(&mut self, organization: OrganizationId) {
        if let Some(held) = self.held.get_mut(&organization) {
            self.free += 1;
            *held -= 1;
            if *held == 0 {
                self.held.remove(&organization);
            }
        }
    }
}

/// A call that waits, until this is dropped.
pub(super) struct Place {
    waiters: Arc<Mutex<Shares>>,
    organization: OrganizationId,
}

impl Place {
    /// `None` if there is no place for this organization.
    pub(super) fn take(waiters: &Arc<Mutex<Shares>>, organization: OrganizationId) -> Option<Self> {
        let is_free = lock(waiters).take(organization);
        is_free.then(|| Self { waiters: Arc::clone(waiters), organization })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.waiters).give_back(self.organization);
    }
}

fn lock(shares: &Mutex<Shares>) -> MutexGuard<'_, Shares> {
    shares.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places_and_all_are_given_back() {
        let mut shares = Shares::of(256);
        let organization = |number: u32| OrganizationId::try_from(number).unwrap();
        let take_all =
            |shares: &mut Shares, number| (0..1000).take_while(|_| shares.take(organization(number))).count();
        assert_eq!(take_all(&mut shares, 1), 192);
        assert_eq!(take_all(&mut shares, 2), 48);
        assert_eq!(take_all(&mut shares, 3), 12);
        assert!(!shares.take(organization(1)));
        for (number, count) in [(1, 192), (2, 48), (3, 12)] {
            (0..count).for_each(|_| shares.give_back(organization(number)));
        }
        shares.give_back(organization(1));
        assert_eq!((shares.free, shares.held.len()), (256, 0));
    }
}
