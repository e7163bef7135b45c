//! Purging deletes what has expired and nothing else.

use std::time::Duration;

use gathering_domain::{EventSink, Purge, Purged, RequestState, RequestStore, Retention};
use gathering_storage::Storage;

use crate::fixture::{
    OTHER_CLUSTER, Postgres, Sqlite, Subject, announced, cluster, event, key, organization, processed, run,
};

async fn purges_only_what_expired(subject: &Subject<Storage>) {
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
async fn a_cluster_stays_known_while_it_is_recorded(subject: &Subject<Storage>) {
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

#[test]
fn a_cluster_stays_known_while_it_is_recorded_on_sqlite() {
    run::<Sqlite, _>(|subject| async move { a_cluster_stays_known_while_it_is_recorded(&subject).await });
}

#[test]
fn a_cluster_stays_known_while_it_is_recorded_on_postgres() {
    run::<Postgres, _>(|subject| async move { a_cluster_stays_known_while_it_is_recorded(&subject).await });
}

#[test]
fn purges_only_what_expired_on_sqlite() {
    run::<Sqlite, _>(|subject| async move { purges_only_what_expired(&subject).await });
}

#[test]
fn purges_only_what_expired_on_postgres() {
    run::<Postgres, _>(|subject| async move { purges_only_what_expired(&subject).await });
}
