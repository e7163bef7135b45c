//! Rule hits that reports leave out because somebody said so.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::ids::{ClusterId, OrganizationId};
use crate::rule::RuleHit;

/// Knows which rules an organization acknowledged, for itself or for one cluster. [`LookupService`] leaves their hits out of
/// reports.
///
/// ```
/// use gathering_domain::prelude::*;
///
/// struct Acknowledged(&'static str);
///
/// impl RuleFilter for Acknowledged {
///     async fn shown(&self, _: OrganizationId, _: ClusterId, mut hits: Vec<RuleHit>) -> Vec<RuleHit> {
///         hits.retain(|hit| hit.as_str() != self.0);
///         hits
///     }
/// }
///
/// let store = MemoryStore::new(SystemClock, Retention::default());
/// let lookup = LookupService::over(store, ReportPolicy::default()).filtered(Acknowledged("m|KEY"));
/// ```
///
/// [`LookupService`]: crate::lookup::LookupService
pub trait RuleFilter: Send + Sync {
    /// Those of the hits that a report on this cluster shows. It is asked for each report that has hits, and the report waits
    /// for it, so it has to answer in time, and cannot fail: a client asks for its report once. A filter that cannot find out
    /// what to leave out leaves out nothing, so that no finding is lost.
    fn shown(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        hits: Vec<RuleHit>,
    ) -> impl Future<Output = Vec<RuleHit>> + Send;
}

macro_rules! filter_behind {
    ($($pointer:ty),+) => { $(
        impl<F: RuleFilter> RuleFilter for $pointer {
            fn shown(
                &self,
                organization: OrganizationId,
                cluster: ClusterId,
                hits: Vec<RuleHit>,
            ) -> impl Future<Output = Vec<RuleHit>> + Send {
                (**self).shown(organization, cluster, hits)
            }
        }
    )+ };
}
filter_behind!(&F, Box<F>, Arc<F>);

/// A filter of any type. One allocation for each report with hits is the price for one type parameter less wherever lookups
/// are named.
#[derive(Clone)]
pub(crate) struct SharedFilter(Arc<dyn DynRuleFilter>);

impl SharedFilter {
    pub(crate) fn new(filter: impl RuleFilter + 'static) -> Self {
        Self(Arc::new(filter))
    }

    pub(crate) fn shown(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        hits: Vec<RuleHit>,
    ) -> ShownHits<'_> {
        self.0.shown(organization, cluster, hits)
    }
}

impl fmt::Debug for SharedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedFilter").finish_non_exhaustive()
    }
}

type ShownHits<'a> = Pin<Box<dyn Future<Output = Vec<RuleHit>> + Send + 'a>>;

/// [`RuleFilter`] in a form that can be made an object.
trait DynRuleFilter: Send + Sync {
    fn shown(&self, organization: OrganizationId, cluster: ClusterId, hits: Vec<RuleHit>) -> ShownHits<'_>;
}

impl<F: RuleFilter> DynRuleFilter for F {
    fn shown(&self, organization: OrganizationId, cluster: ClusterId, hits: Vec<RuleHit>) -> ShownHits<'_> {
        Box::pin(RuleFilter::shown(self, organization, cluster, hits))
    }
}
