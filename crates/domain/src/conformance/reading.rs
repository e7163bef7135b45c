//! Lists, selections and reports.

use std::cmp::Reverse;
use std::time::Duration;

use futures_util::future::join4;

use super::subject::{
    START, Store, Subject, announced, cluster, event, failed, key, organization, processed, request,
};
use crate::event::{FailureReason, RequestEvent};
use crate::ids::{ClusterId, RequestKey};
use crate::request::{RequestRecord, RequestState};
use crate::time::{Clock, Retention};

pub(super) async fn a_list_is_newest_first<S: Store>(subject: &Subject<S>) {
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), None, "never recorded");
    // The tie between B, _a_ and a shows that the order is by bytes, not by a locale's alphabet.
    for (id, seconds) in [("b", 10), ("a", 10), ("B", 10), ("old", 0), ("new", 20)] {
        let mut event = event(key(id), announced());
        event.received_at = START.saturating_add(Duration::from_secs(seconds));
        subject.put_event(event).await;
    }
    let list = subject.store.list(organization(), cluster(), None).await.unwrap().unwrap();
    let ids: Vec<_> = list.iter().map(|record| record.request.as_str()).collect();
    assert_eq!(ids, ["new", "B", "a", "b", "old"]);
}

pub(super) async fn lists_asked_for_at_once_are_kept_apart<S: Store>(subject: &Subject<S>) {
    let [unknown, empty, second] = [1, 2, 3].map(|number| ClusterId::from_bytes([number; 16]));
    let of = |cluster, id| RequestKey { cluster, ..key(id) };
    subject.put_event(event(of(empty, "gone"), processed(&[]))).await;
    subject.clock.advance(Retention::default().requests);
    // By ID, by the time received and by the time processed the order is another.
    let mut expected = Vec::new();
    for (id, received, kind, state) in [
        ("c", 3, processed(&["m.one|A"]), RequestState::Processed),
        ("d", 5, announced(), RequestState::Received),
        ("a", 4, failed("empty"), RequestState::Failed),
        ("e", 1, processed(&[]), RequestState::Processed),
        ("b", 2, processed(&[]), RequestState::Processed),
    ] {
        subject.clock.advance(Duration::from_secs(7));
        let received_at = START.saturating_add(Duration::from_secs(received));
        subject.put_event(RequestEvent { received_at, ..event(key(id), kind) }).await;
        let processed_at = (state == RequestState::Processed).then(|| subject.clock.now());
        let expires_at = subject.clock.now().saturating_add(Retention::default().requests);
        expected.push(RequestRecord { request: request(id), state, received_at, processed_at, expires_at });
    }
    expected.sort_by_key(|record: &RequestRecord| Reverse(record.received_at));
    subject.put_event(event(of(second, "a"), announced())).await;
    let list = |cluster| subject.store.list(organization(), cluster, None);
    let lists = join4(list(cluster()), list(unknown), list(second), list(empty));
    let (first, unknown, second, empty) = lists.await;
    assert_eq!(first.unwrap(), Some(expected));
    assert_eq!(unknown.unwrap(), None);
    assert_eq!(empty.unwrap(), Some(vec![]));
    let second: Vec<_> =
        second.unwrap().unwrap().into_iter().map(|record| (record.request, record.state)).collect();
    assert_eq!(second, [(request("a"), RequestState::Received)]);
}

pub(super) async fn a_cluster_stays_known_without_requests<S: Store>(subject: &Subject<S>) {
    let retention = Retention::default();
    subject.put("a", processed(&[])).await;
    subject.clock.advance(retention.requests);
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), Some(vec![]));
    subject.clock.advance(retention.clusters.saturating_sub(Duration::from_micros(1)));
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), Some(vec![]));
    subject.clock.advance(Duration::from_micros(1));
    assert_eq!(
        subject.store.list(organization(), cluster(), None).await.unwrap(),
        None,
        "forgotten in the end"
    );
    subject.put("b", announced()).await;
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap().unwrap().len(), 1);
}

pub(super) async fn a_selection_finds_each_once<S: Store>(subject: &Subject<S>) {
    for id in ["a", "b", "c"] {
        subject.put(id, announced()).await;
    }
    let asked: Vec<_> = ["c", "nope", "a", "c"].map(request).to_vec();
    let mut found = subject.store.select(organization(), cluster(), &asked).await.unwrap();
    found.sort_by(|a, b| a.request.cmp(&b.request));
    let ids: Vec<_> = found.iter().map(|record| record.request.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);

    let many: Vec<_> = (0..2500).map(|n| request(&format!("x{n}"))).chain([request("b")]).collect();
    let found = subject.store.select(organization(), cluster(), &many).await.unwrap();
    assert_eq!(found.len(), 1, "more IDs than one statement asks for");
    assert!(subject.store.select(organization(), cluster(), &[]).await.unwrap().is_empty());
}

pub(super) async fn only_results_have_hits<S: Store>(subject: &Subject<S>) {
    assert_eq!(subject.store.report(&key("a")).await.unwrap(), None);
    let hits = ["m.two|B", "m.one|A", "m.two|B"];
    for (id, kind, state, expected) in [
        ("received", announced(), RequestState::Received, &[][..]),
        ("failed", failed("empty"), RequestState::Failed, &[]),
        ("none", processed(&[]), RequestState::Processed, &[]),
        ("some", processed(&hits), RequestState::Processed, &hits),
    ] {
        subject.put(id, kind).await;
        let report = subject.store.report(&key(id)).await.unwrap().unwrap();
        let hits: Vec<_> = report.hits.iter().map(ToString::to_string).collect();
        assert_eq!((report.state, hits), (state, expected.iter().map(ToString::to_string).collect()));
        let status = subject.store.status(&key(id)).await.unwrap().unwrap();
        assert_eq!((status.state, &status.failure), (state, &report.failure));
        assert_eq!(report.failure, (id == "failed").then(|| FailureReason::new("empty")));
        assert_eq!(report.expires_at, START.saturating_add(Retention::default().requests));
    }
}

pub(super) async fn times_keep_their_microseconds<S: Store>(subject: &Subject<S>) {
    subject.clock.advance(Duration::from_micros(123_456));
    let mut event = event(key("a"), processed(&[]));
    event.received_at = "0001-01-01T00:00:00.000001Z".parse().unwrap();
    let expected = RequestRecord {
        request: request("a"),
        state: RequestState::Processed,
        received_at: event.received_at,
        processed_at: Some(START.saturating_add(Duration::from_micros(123_456))),
        expires_at: START.saturating_add(Duration::from_micros(123_456) + Retention::default().requests),
    };
    subject.put_event(event).await;
    assert_eq!(subject.store.list(organization(), cluster(), None).await.unwrap(), Some(vec![expected]));
}

pub(super) async fn states_of_many_are_in_the_order_of_the_keys<S: Store>(subject: &Subject<S>) {
    let elsewhere = |id| RequestKey { cluster: ClusterId::from_bytes([1; 16]), ..key(id) };
    let other_tenant = |id| RequestKey { organization: u32::MAX.try_into().unwrap(), ..key(id) };
    subject.put("a", processed(&["m|K"])).await;
    subject.put("gone", processed(&[])).await;
    subject.clock.advance(Retention::default().requests / 2);
    subject.put("a", processed(&["m|K"])).await;
    subject.put_event(event(elsewhere("a"), failed("empty"))).await;
    subject.put_event(event(other_tenant("a"), announced())).await;
    subject.clock.advance(Retention::default().requests / 2);
    let keys =
        [key("unknown"), other_tenant("a"), key("a"), key("gone"), elsewhere("a"), key("a"), elsewhere("b")];
    let [received, failed, processed] = RequestState::ALL.map(Some);
    let expected = [None, received, processed, None, failed, processed, None];
    assert_eq!(subject.store.states(&keys).await.unwrap(), expected);
    assert_eq!(subject.store.states(&[]).await.unwrap(), []);
}
