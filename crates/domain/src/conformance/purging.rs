//! Purging deletes what has expired and nothing else.

use std::time::Duration;

use super::subject::{
    OTHER_CLUSTER, Store, Subject, announced, cluster, event, key, organization, processed,
};
use crate::request::RequestState;
use crate::store::{Purge, Purged};
use crate::time::Retention;

pub(super) async fn purging_deletes_only_what_expired<S: Store + Purge>(subject: &Subject<S>) {
    let retention = Retention::default();
    // More than one step deletes.
    let batch = (0..1201).map(|n| event(key(&format!("old{n}")), processed(&["m|K"]))).collect();
    subject.store.store(batch).await.unwrap();
    subject.clock.advance(retention.requests.saturating_sub(Duration::from_micros(1)));
    let mut kept = event(key("kept"), announced());
    kept.key.cluster = OTHER_CLUSTER.parse().unwrap();
    subject.put_event(kept.clone()).await;
    assert_eq!(subject.store.purge().await.unwrap(), Purged::default(), "one microsecond too early");

    subject.clock.advance(Duration::from_micros(1));
    assert_eq!(subject.store.purge().await.unwrap(), Purged { requests: 1201, clusters: 0 });
    assert_eq!(subject.store.state(&kept.key).await.unwrap(), Some(RequestState::Received));
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), Some(vec![]));

    subject.clock.advance(retention.clusters);
    assert_eq!(subject.store.purge().await.unwrap(), Purged { requests: 1, clusters: 1 });
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), None);
    assert!(subject.store.list(organization(), kept.key.cluster, None).await.unwrap().is_some());
}

/// A cluster that goes on being recorded is not written each time, and stays known all the same.
pub(super) async fn a_cluster_stays_known_while_it_is_recorded<S: Store + Purge>(subject: &Subject<S>) {
    let retention = Retention::default();
    for number in 0..20 {
        subject.put(&format!("r{number}"), processed(&[])).await;
        subject.clock.advance(retention.clusters / 10);
        subject.put(&format!("soon after {number}").replace(' ', ""), processed(&[])).await;
        subject.clock.advance(Duration::from_secs(1));
        subject.put(&format!("sooner{number}"), processed(&[])).await;
    }
    let nearly = (retention.requests + retention.clusters).saturating_sub(retention.clusters / 500);
    subject.clock.advance(nearly);
    subject.store.purge().await.unwrap();
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), Some(vec![]));
    subject.clock.advance(retention.clusters / 500);
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), None);
}
