//! The table of states, between what is recorded and what happens.

use std::time::Duration;

use super::subject::{
    OTHER_CLUSTER, START, Store, Subject, announced, cluster, event, failed, key, organization, processed,
};
use crate::event::{EventKind, EventOutcome};
use crate::request::RequestState;
use crate::time::Retention;

fn kinds() -> [(&'static str, EventKind); 3] {
    [("Announced", announced()), ("Failed", failed("again")), ("Processed", processed(&["m|K"]))]
}

pub(super) async fn every_transition<S: Store>(subject: &Subject<S>) {
    let recorded = [
        ("None", None),
        ("Received", Some(announced())),
        ("Failure", Some(failed("first"))),
        ("Result", Some(processed(&["old.m|OLD"]))),
    ];
    for (before, first) in recorded {
        for (name, kind) in kinds() {
            let id = format!("{before}{name}");
            if let Some(first) = first.clone() {
                assert_eq!(subject.put(&id, first).await, EventOutcome::Applied);
            }
            let state_before = subject.store.state(&key(&id)).await.unwrap();
            let expected = RequestState::transition(state_before, &kind);
            let outcome = subject.put(&id, kind).await;
            let applied = if expected.is_some() { EventOutcome::Applied } else { EventOutcome::Ignored };
            assert_eq!(outcome, applied, "{id}");
            assert_eq!(subject.store.state(&key(&id)).await.unwrap(), expected.or(state_before), "{id}");
        }
    }
}

pub(super) async fn an_ignored_event_changes_nothing<S: Store>(subject: &Subject<S>) {
    let retention = Retention::default().requests;
    subject.put("a", processed(&["m|K"])).await;
    let before = subject.store.list(organization(), cluster(), None).await.unwrap();
    subject.clock.advance(retention / 2);
    assert_eq!(subject.put("a", failed("late")).await, EventOutcome::Ignored);
    assert_eq!(subject.put("a", announced()).await, EventOutcome::Ignored);
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), before);
    subject.clock.advance(retention / 2);
    assert_eq!(subject.store.state(&key("a")).await.unwrap(), None, "the retention was not extended");
}

pub(super) async fn a_result_replaces_hits_and_times<S: Store>(subject: &Subject<S>) {
    subject.put("a", processed(&["m|OLD", "m|BOTH"])).await;
    let later = Duration::from_secs(3600);
    subject.clock.advance(later);
    let mut again = event(key("a"), processed(&["m|NEW"]));
    again.received_at = START.saturating_add(Duration::from_micros(7));
    subject.put_event(again).await;

    let report = subject.store.report(&key("a")).await.unwrap().unwrap();
    assert_eq!(report.hits, ["m|NEW".parse().unwrap()]);
    let record = subject.store.list(organization(), cluster(), None).await.unwrap().unwrap().remove(0);
    assert_eq!(record.received_at, START.saturating_add(Duration::from_micros(7)));
    assert_eq!(record.processed_at, Some(START.saturating_add(later)));

    subject.clock.advance(Retention::default().requests.saturating_sub(Duration::from_micros(1)));
    assert_eq!(
        subject.store.state(&key("a")).await.unwrap(),
        Some(RequestState::Processed),
        "a new retention"
    );
}

pub(super) async fn expired_counts_as_absent<S: Store>(subject: &Subject<S>) {
    for (name, kind) in kinds() {
        subject.put(name, processed(&["m|OLD"])).await;
        subject.clock.advance(Retention::default().requests.saturating_sub(Duration::from_micros(1)));
        assert_eq!(subject.store.state(&key(name)).await.unwrap(), Some(RequestState::Processed));
        subject.clock.advance(Duration::from_micros(1));
        assert_eq!(subject.store.state(&key(name)).await.unwrap(), None, "expired at the very moment");
        assert_eq!(subject.store.report(&key(name)).await.unwrap(), None);

        assert_eq!(subject.put(name, kind.clone()).await, EventOutcome::Applied, "{name} after expiry");
        let report = subject.store.report(&key(name)).await.unwrap().unwrap();
        assert_eq!(report.state, kind.state());
        assert!(!report.hits.contains(&"m|OLD".parse().unwrap()), "nothing of the expired record is left");
    }
}

pub(super) async fn a_batch_is_coalesced_in_order<S: Store>(subject: &Subject<S>) {
    use EventOutcome::{Applied, Ignored};
    subject.put("done", processed(&["m|DONE"])).await;
    let batch = [
        ("a", announced()),
        ("done", failed("late")),
        ("a", processed(&["m|FIRST"])),
        ("a", failed("late")),
        ("b", failed("one")),
        ("a", processed(&["m|SECOND"])),
        ("b", announced()),
    ];
    let batch = batch.map(|(id, kind)| event(key(id), kind)).to_vec();
    let outcomes = subject.store.store(batch).await.unwrap();
    assert_eq!(outcomes, [Applied, Ignored, Applied, Ignored, Applied, Applied, Ignored]);
    let hits = subject.store.report(&key("a")).await.unwrap().unwrap().hits;
    assert_eq!(hits, ["m|SECOND".parse().unwrap()]);
    assert_eq!(subject.store.state(&key("b")).await.unwrap(), Some(RequestState::Failed));
    let hits = subject.store.report(&key("done")).await.unwrap().unwrap().hits;
    assert_eq!(hits, ["m|DONE".parse().unwrap()]);
    assert_eq!(subject.store.store(Vec::new()).await.unwrap(), [], "an empty batch");
}

pub(super) async fn a_batch_may_span_organizations_and_clusters<S: Store>(subject: &Subject<S>) {
    let mut elsewhere = key("a");
    elsewhere.cluster = OTHER_CLUSTER.parse().unwrap();
    let mut other_tenant = key("a");
    other_tenant.organization = u32::MAX.try_into().unwrap();
    let batch = vec![
        event(other_tenant.clone(), announced()),
        event(key("a"), processed(&["m|K"])),
        event(elsewhere.clone(), failed("x")),
    ];
    subject.store.store(batch).await.unwrap();
    assert_eq!(subject.store.state(&key("a")).await.unwrap(), Some(RequestState::Processed));
    assert_eq!(subject.store.state(&elsewhere).await.unwrap(), Some(RequestState::Failed));
    assert_eq!(subject.store.state(&other_tenant).await.unwrap(), Some(RequestState::Received));
    assert!(subject.store.list(other_tenant.organization, elsewhere.cluster, None).await.unwrap().is_none());
    assert_eq!(subject.store.list(organization(), elsewhere.cluster, None).await.unwrap().unwrap().len(), 1);
}
