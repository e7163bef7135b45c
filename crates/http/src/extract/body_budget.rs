//! The memory that bodies may take up, shared out among tenants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gathering_domain::intake::Tenant;
use prometheus::IntGauge;

/// Memory in units of this size, in bytes. A body takes at least one, for what it needs beside its bytes.
const PAGE: usize = 4096;

/// A tenant may hold so many times what it leaves free: three quarters if it is alone. So there is always some for the next
/// tenant, whose share is small only until bodies that came before are done.
const MAX_HELD_PER_FREE: usize = 3;

/// The memory for bodies of one kind. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct BodyBudget {
    max_body: usize,
    pages: Arc<Mutex<Pages>>,
    used: IntGauge,
}

#[derive(Debug)]
struct Pages {
    free: usize,
    held: HashMap<Tenant, usize>,
}

/// What one body has of the budget. It is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct BudgetGuard {
    budget: BodyBudget,
    tenant: Tenant,
    pages: usize,
}

/// Why a body gets no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BudgetError {
    /// The body is larger than any may be; the limit is in bytes.
    TooLarge { limit: usize },
    /// Other bodies have too much of it.
    Exhausted,
}

impl BodyBudget {
    /// `max_body` for each body and `total` for all of them, in bytes. There is at least enough for one body and as much
    /// beside it. `used` shows how much is taken, in bytes.
    pub(crate) fn new(max_body: usize, total: usize, used: IntGauge) -> Self {
        let free = total.max(max_body.saturating_mul(2)).div_ceil(PAGE);
        Self { max_body, pages: Arc::new(Mutex::new(Pages { free, held: HashMap::new() })), used }
    }

    /// The guard of a new body, which has nothing yet.
    pub(crate) fn guard(&self, tenant: Tenant) -> BudgetGuard {
        BudgetGuard { budget: self.clone(), tenant, pages: 0 }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// Takes `more` pages for a body that has `own` of them. A tenant's only body may take all that are free.
    fn take(&mut self, tenant: Tenant, own: usize, more: usize) -> bool {
        let Some(free) = self.free.checked_sub(more) else { return false };
        let held = self.held.get(&tenant).copied().unwrap_or_default();
        let fits = held == own || held + more <= MAX_HELD_PER_FREE.saturating_mul(free);
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

impl BudgetGuard {
    /// Reserves enough for a body of so many bytes, and for so many others that are needed beside it.
    pub(crate) fn reserve(&mut self, body: usize, beside: usize) -> Result<(), BudgetError> {
        let limit = self.budget.max_body;
        if body > limit {
            return Err(BudgetError::TooLarge { limit });
        }
        let more = body.saturating_add(beside).div_ceil(PAGE).saturating_sub(self.pages);
        if more > 0 {
            if !self.budget.pages().take(self.tenant, self.pages, more) {
                return Err(BudgetError::Exhausted);
            }
            self.pages += more;
            self.budget.used.add(bytes(more));
        }
        Ok(())
    }

    /// Gives back what is not needed for `to` bytes.
    pub(crate) fn shrink(&mut self, to: usize) {
        let less = self.pages.saturating_sub(to.div_ceil(PAGE));
        if less > 0 {
            self.budget.pages().give_back(self.tenant, less);
            self.pages -= less;
            self.budget.used.sub(bytes(less));
        }
    }
}

impl Drop for BudgetGuard {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

fn bytes(pages: usize) -> i64 {
    i64::try_from(pages.saturating_mul(PAGE)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use gathering_domain::ids::OrganizationId;

    use super::*;

    fn budget(max_body: usize, total: usize) -> BodyBudget {
        BodyBudget::new(max_body, total, IntGauge::new("bytes", "Bytes.").unwrap())
    }

    fn tenant(organization: u32) -> Tenant {
        OrganizationId::try_from(organization).unwrap().into()
    }

    #[test]
    fn bodies_share_the_budget() {
        let budget = budget(8192, 4 * PAGE);
        let (mut first, mut second) = (budget.guard(tenant(1)), budget.guard(tenant(2)));
        assert_eq!(first.reserve(1, 0), Ok(()));
        assert_eq!(first.reserve(4096, 0), Ok(()));
        assert_eq!(first.reserve(4097, 0), Ok(()));
        assert_eq!(first.reserve(8193, 0), Err(BudgetError::TooLarge { limit: 8192 }));
        assert_eq!(second.reserve(8192, 0), Ok(()));
        assert_eq!(second.reserve(8192, 1), Err(BudgetError::Exhausted));
        assert_eq!(budget.used.get(), 4 * 4096);
        first.shrink(4096);
        assert_eq!(second.reserve(8192, 1), Ok(()));
        drop(first);
        assert_eq!(second.reserve(8192, 8192), Ok(()));
        drop(second);
        let pages = budget.pages();
        assert_eq!((budget.used.get(), pages.free, pages.held.len()), (0, 4, 0));
    }

    #[test]
    fn a_tenant_alone_takes_three_quarters() {
        let budget = budget(PAGE, 100 * PAGE);
        let bodies = |organization| {
            let mut bodies = Vec::new();
            loop {
                let mut body = budget.guard(tenant(organization));
                if body.reserve(1, 0).is_err() {
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
        assert_eq!(bodies(4).len(), 57, "as soon as there is some again, the next one has it");
        assert_eq!((second.len(), third.len()), (18, 5));
    }

    #[test]
    fn an_only_body_takes_what_is_free() {
        let budget = budget(50 * PAGE, 0);
        let mut body = budget.guard(tenant(1));
        assert_eq!(body.reserve(50 * PAGE, 50 * PAGE), Ok(()));
        assert_eq!(budget.guard(tenant(1)).reserve(1, 0), Err(BudgetError::Exhausted));
        body.shrink(20 * PAGE);
        let mut other = budget.guard(tenant(1));
        assert_eq!(other.reserve(50 * PAGE, 6 * PAGE), Err(BudgetError::Exhausted));
        assert_eq!(other.reserve(50 * PAGE, 5 * PAGE), Ok(()));
    }
}
