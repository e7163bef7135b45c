//! Who may decompress: one body at a time, and tenants in turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use gathering_domain::Tenant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One body after the other, so that those that arrive together do not all come to a halt half-way, and processors are
/// left for those who answer. Of each tenant one body at most is in the queue for that: the others wait behind it, and
/// not before the bodies of others.
#[derive(Debug)]
pub(super) struct Decompression {
    all: Arc<Semaphore>,
    tenants: Mutex<HashMap<Tenant, Weak<Semaphore>>>,
}

/// Leave to decompress, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _all: Option<OwnedSemaphorePermit>,
    _tenant: Option<OwnedSemaphorePermit>,
    /// Held, so that others of the tenant find the same.
    _own: Arc<Semaphore>,
}

impl Decompression {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(1)), tenants: Mutex::default() }
    }

    /// Waits for its turn.
    pub(super) async fn turn(&self, tenant: Tenant) -> Turn {
        let own = self.semaphore(tenant);
        // They are never closed; without a permit it would go on as well.
        let of_tenant = Arc::clone(&own).acquire_owned().await.ok();
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        Turn { _all: of_all, _tenant: of_tenant, _own: own }
    }

    fn semaphore(&self, tenant: Tenant) -> Arc<Semaphore> {
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
    use gathering_domain::OrganizationId;

    use super::*;

    #[test]
    fn a_tenant_with_many_bodies_does_not_come_before_another_with_one() {
        let queue = Decompression::new();
        let turn = |organization: u32| -> Pin<Box<dyn Future<Output = Turn> + '_>> {
            Box::pin(queue.turn(OrganizationId::try_from(organization).unwrap().into()))
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
        queue.semaphore(OrganizationId::try_from(9).unwrap().into());
        assert_eq!(queue.tenants.lock().unwrap().len(), 1, "those of others are forgotten");
    }
}
