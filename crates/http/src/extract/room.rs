//! The memory that bodies take up, shared out among tenants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gathering_domain::Tenant;
use prometheus::IntGauge;

/// What bodies of one kind may take up, each and together. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    max_body: usize,
    shares: Arc<Mutex<Shares>>,
    used: IntGauge,
}

/// The unit in which memory is taken. It also stands for what there is beside the bytes of a small body.
const PAGE: usize = 4096;

/// How many times what it leaves free a tenant may hold: alone, three quarters of all. So there is always room for the next
/// tenant, and those who come later have smaller shares only until bodies of before are done.
const SHARE: usize = 3;

/// How many pages are free, and how many each tenant holds.
#[derive(Debug)]
struct Shares {
    free: usize,
    held: HashMap<Tenant, usize>,
}

/// Memory that a body takes up, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    room: Room,
    tenant: Tenant,
    pages: usize,
}

/// Why a body gets no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// It is larger than any may be.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Others take it up.
    Full,
}

impl Room {
    /// `max_body` for each body and `together` for all of them, in bytes; at least one body always has room, with as
    /// much beside it.
    pub(crate) fn new(max_body: usize, together: usize, used: IntGauge) -> Self {
        let free = together.max(max_body.saturating_mul(2)).div_ceil(PAGE);
        Self { max_body, shares: Arc::new(Mutex::new(Shares { free, held: HashMap::new() })), used }
    }

    pub(crate) fn enter(&self, tenant: Tenant) -> Taken {
        Taken { room: self.clone(), tenant, pages: 0 }
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shares {
    /// Takes more pages for a body that has `own` of them. A tenant's only body may take all that is free.
    fn take(&mut self, tenant: Tenant, own: usize, more: usize) -> bool {
        let Some(free) = self.free.checked_sub(more) else { return false };
        let held = self.held.get(&tenant).copied().unwrap_or_default();
        let fits = held == own || held + more <= SHARE.saturating_mul(free);
        if fits {
            self.free = free;
            self.held.insert(tenant, held + more);
        }
        fits
    }

    fn give_back(&mut self, tenant: Tenant, pages: usize) {
        self.free += pages;
        if let Some(held) = self.held.get_mut(&tenant) {
            *held = held.saturating_sub(pages);
            if *held == 0 {
                self.held.remove(&tenant);
            }
        }
    }
}

impl Taken {
    /// Makes sure that there is room for a body of so many bytes, and for others beside it.
    pub(crate) fn cover(&mut self, body: usize, beside: usize) -> Result<(), NoRoom> {
        let limit = self.room.max_body;
        if body > limit {
            return Err(NoRoom::TooLarge { limit });
        }
        let more = body.saturating_add(beside).div_ceil(PAGE).saturating_sub(self.pages);
        if more > 0 {
            if !self.room.shares().take(self.tenant, self.pages, more) {
                return Err(NoRoom::Full);
            }
            self.pages += more;
            self.room.used.add(bytes(more));
        }
        Ok(())
    }

    /// Gives back what so many bytes do not need.
    pub(crate) fn shrink(&mut self, to: usize) {
        let less = self.pages.saturating_sub(to.div_ceil(PAGE));
        if less > 0 {
            self.room.shares().give_back(self.tenant, less);
            self.pages -= less;
            self.room.used.sub(bytes(less));
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

fn bytes(pages: usize) -> i64 {
    i64::try_from(pages.saturating_mul(PAGE)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use gathering_domain::OrganizationId;

    use super::*;

    pub(crate) fn room(max_body: usize, together: usize) -> Room {
        Room::new(max_body, together, IntGauge::new("bytes", "Bytes.").unwrap())
    }

    fn tenant(organization: u32) -> Tenant {
        OrganizationId::try_from(organization).unwrap().into()
    }

    #[test]
    fn bodies_share_what_room_there_is() {
        let room = room(8192, 4 * PAGE);
        let (mut first, mut second) = (room.enter(tenant(1)), room.enter(tenant(2)));
        assert_eq!(first.cover(1, 0), Ok(()));
        assert_eq!(first.cover(4096, 0), Ok(()));
        assert_eq!(first.cover(4097, 0), Ok(()));
        assert_eq!(first.cover(8193, 0), Err(NoRoom::TooLarge { limit: 8192 }));
        assert_eq!(second.cover(8192, 0), Ok(()));
        assert_eq!(second.cover(8192, 1), Err(NoRoom::Full));
        assert_eq!(room.used.get(), 4 * 4096);
        first.shrink(4096);
        assert_eq!(second.cover(8192, 1), Ok(()));
        drop(first);
        assert_eq!(second.cover(8192, 8192), Ok(()));
        drop(second);
        let shares = room.shares();
        assert_eq!((room.used.get(), shares.free, shares.held.len()), (0, 4, 0));
    }

    #[test]
    fn a_tenant_alone_takes_three_quarters() {
        let room = room(PAGE, 100 * PAGE);
        let bodies = |organization| {
            let mut bodies = Vec::new();
            loop {
                let mut body = room.enter(tenant(organization));
                if body.cover(1, 0).is_err() {
                    return bodies;
                }
                bodies.push(body);
            }
        };
        let first = bodies(1);
        assert_eq!(first.len(), 75);
        let (second, third) = (bodies(2), bodies(3));
        assert_eq!((second.len(), third.len()), (18, 5), "each the same share of what is left");
        drop(first);
        assert_eq!(bodies(4).len(), 57, "as soon as there is room again, the next one has it");
        assert_eq!((second.len(), third.len()), (18, 5));
    }

    #[test]
    fn an_only_body_takes_what_is_free() {
        let room = room(50 * PAGE, 0);
        let mut body = room.enter(tenant(1));
        assert_eq!(body.cover(50 * PAGE, 50 * PAGE), Ok(()));
        assert_eq!(room.enter(tenant(1)).cover(1, 0), Err(NoRoom::Full));
        body.shrink(20 * PAGE);
        let mut other = room.enter(tenant(1));
        assert_eq!(other.cover(50 * PAGE, 6 * PAGE), Err(NoRoom::Full));
        assert_eq!(other.cover(50 * PAGE, 5 * PAGE), Ok(()));
    }
}
