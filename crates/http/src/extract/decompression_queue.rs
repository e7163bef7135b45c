//! The queue of bodies that are to be decompressed: one at a time, and tenants in turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use gathering_domain::intake::Tenant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One body is decompressed after the other: several at once could exhaust the budget together with none of them whole, and
/// would take the processors from calls that can be answered. A tenant has at most one body in the queue; its others wait
/// behind that one, and not in front of other tenants' bodies.
#[derive(Debug)]
pub(super) struct DecompressionQueue {
    slot: Arc<Semaphore>,
    tenants: Mutex<HashMap<Tenant, Weak<Semaphore>>>,
}

/// Permission to decompress, until it is dropped.
#[derive(Debug)]
pub(super) struct DecompressionPermit {
    _slot: Option<OwnedSemaphorePermit>,
    _tenant: Option<OwnedSemaphorePermit>,
    /// Kept, so that the tenant's other bodies find the same semaphore.
    _semaphore: Arc<Semaphore>,
}

impl DecompressionQueue {
    pub(super) fn new() -> Self {
        Self { slot: Arc::new(Semaphore::new(1)), tenants: Mutex::default() }
    }

    pub(super) async fn acquire(&self, tenant: Tenant) -> DecompressionPermit {
        let semaphore = self.tenant_semaphore(tenant);
        // These semaphores are never closed, so there always is a permit.
        let of_tenant = Arc::clone(&semaphore).acquire_owned().await.ok();
        let slot = Arc::clone(&self.slot).acquire_owned().await.ok();
        DecompressionPermit { _slot: slot, _tenant: of_tenant, _semaphore: semaphore }
    }

    fn tenant_semaphore(&self, tenant: Tenant) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = tenants.get(&tenant).and_then(Weak::upgrade) {
            return own;
        }
        tenants.retain(|_, other| other.strong_count() > 0);
        let own = Arc::new(Semaphore::new(1));
        tenants.insert(tenant, Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::FutureExt;
    use gathering_domain::ids::OrganizationId;

    use super::*;

    #[test]
    fn a_tenant_with_many_bodies_does_not_come_before_another_with_one() {
        let queue = DecompressionQueue::new();
        let turn = |organization: u32| -> Pin<Box<dyn Future<Output = DecompressionPermit> + '_>> {
            Box::pin(queue.acquire(OrganizationId::try_from(organization).unwrap().into()))
        };
        let mut current = turn(1).now_or_never().unwrap();
        let mut waiting: Vec<_> =
            [1, 1, 1, 2, 1, 3].map(|tenant| (tenant, turn(tenant))).into_iter().collect();
        let mut order = Vec::new();
        while !waiting.is_empty() {
            for (_, turn) in &mut waiting {
                assert!(turn.now_or_never().is_none(), "one at a time");
            }
            drop(current);
            // Those that were woken look again, and so do all others.
            let found = loop {
                let next = waiting
                    .iter_mut()
                    .enumerate()
                    .find_map(|(at, (_, turn))| Some((at, turn.now_or_never()?)));
                if let Some(next) = next {
                    break next;
                }
            };
            current = found.1;
            order.push(waiting.remove(found.0).0);
        }
        assert_eq!(order, [2, 3, 1, 1, 1, 1]);
        drop(current);
        queue.tenant_semaphore(OrganizationId::try_from(9).unwrap().into());
        assert_eq!(queue.tenants.lock().unwrap().len(), 1, "those of others are forgotten");
    }
}
