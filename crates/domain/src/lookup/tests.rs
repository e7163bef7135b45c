use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::content::{RuleContent, RuleContentSet};
use crate::event::{EventKind, RequestEvent};
use crate::memory::MemoryStore;
use crate::store::EventSink;
use crate::time::{ManualClock, Retention, Timestamp};

#[test]
fn a_list_says_whether_it_was_truncated() {
    pollster::block_on(async {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
        let store = MemoryStore::new(clock, Retention::default());
        let (organization, cluster) =
            ("42".parse().unwrap(), "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap());
        let event = |(request, received_at): (&str, i64)| RequestEvent {
            key: RequestKey { organization, cluster, request: request.parse().unwrap() },
            received_at: Timestamp::from_micros(received_at),
            kind: EventKind::Announced,
        };
        store.store([("a", 1), ("c", 2), ("b", 2)].map(event).to_vec()).await.unwrap();
        let lookup = LookupService::over(store, ReportPolicy::default());
        for (most, expected, is_truncated) in [
            (None, vec!["b", "c", "a"], false),
            (NonZeroUsize::new(1), vec!["b"], true),
            (NonZeroUsize::new(2), vec!["b", "c"], true),
            (NonZeroUsize::new(3), vec!["b", "c", "a"], false),
            (Some(NonZeroUsize::MAX), vec!["b", "c", "a"], false),
        ] {
            let list = lookup.list(organization, cluster, most).await.unwrap().unwrap();
            let listed: Vec<_> = list.records.iter().map(|record| record.request.as_str()).collect();
            assert_eq!((listed, list.is_truncated), (expected, is_truncated), "{most:?}");
        }
    });
}

#[test]
fn a_failure_says_why() {
    pollster::block_on(async {
        let now = Timestamp::from_micros(0);
        let lookup = LookupService::over(
            MemoryStore::new(ManualClock::at(now), Retention::default()),
            ReportPolicy::default(),
        );
        let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "a").unwrap();
        for (kind, state, failure) in [
            (EventKind::Announced, RequestState::Received, None),
            (EventKind::Failed("first".into()), RequestState::Failed, Some("first")),
            (EventKind::Failed("second".into()), RequestState::Failed, Some("second")),
            (EventKind::Processed(Vec::new()), RequestState::Processed, None),
        ] {
            lookup
                .store()
                .store(vec![RequestEvent { key: key.clone(), received_at: now, kind }])
                .await
                .unwrap();
            let failure = failure.map(FailureReason::new);
            let status = lookup.status(&key).await.unwrap().unwrap();
            assert_eq!(status, RequestStatus { state, failure: failure.clone() });
            let expires_at = Retention::default().request_expiry(now);
            let report = RequestReport { state, entries: Vec::new(), failure, expires_at };
            assert_eq!(lookup.report(&key).await.unwrap(), Some(report));
        }
    });
}

#[test]
fn hits_are_not_left_out_while_content_is_not_loaded() {
    pollster::block_on(async {
        let time = Timestamp::from_micros(0);
        let store = MemoryStore::new(ManualClock::at(time), Retention::default());
        let key =
            |request: &str| RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", request).unwrap();
        let event = |request, hits: &[&str]| {
            let hits = hits.iter().map(|hit| hit.parse().unwrap()).collect();
            RequestEvent { key: key(request), received_at: time, kind: EventKind::Processed(hits) }
        };
        store.store(vec![event("healthy", &[]), event("ill", &["m|K"])]).await.unwrap();
        let lookup = LookupService::over(store, ReportPolicy::default());
        let content = lookup.content();
        let status = async |request| lookup.status(&key(request)).await;
        let processed = Some(RequestStatus { state: RequestState::Processed, failure: None });
        assert!(lookup.report(&key("healthy")).await.unwrap().unwrap().entries.is_empty());
        assert_eq!(status("healthy").await.unwrap(), processed);
        assert!(matches!(lookup.report(&key("ill")).await, Err(StoreError::Unavailable { .. })));
        assert!(matches!(status("ill").await, Err(StoreError::Unavailable { .. })));
        assert_eq!(status("unknown").await.unwrap(), None);

        assert!(lookup.refresh().await.unwrap(), "content that is empty is loaded too");
        assert!(!lookup.refresh().await.unwrap());
        assert_eq!(status("ill").await.unwrap(), processed);
        assert_eq!((content.keys(), content.omitted()), (Some(0), 0));
        assert!(lookup.report(&key("ill")).await.unwrap().unwrap().entries.is_empty());
        assert_eq!((content.omitted(), content.take_omitted_kinds().names), (1, vec!["m|K".to_owned()]));
        lookup.store().replace_content(RuleContentSet::default()).await.unwrap();
        assert!(lookup.refresh().await.unwrap());
    });
}

/// Leaves out the hits of one rule for one cluster, and counts how often it is asked.
struct Acknowledged {
    rule: &'static str,
    cluster: ClusterId,
    asked: AtomicUsize,
}

impl RuleFilter for Acknowledged {
    async fn shown(&self, _: OrganizationId, cluster: ClusterId, mut hits: Vec<RuleHit>) -> Vec<RuleHit> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        hits.retain(|hit| cluster != self.cluster || hit.module() != self.rule);
        hits
    }
}

const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
const OTHER_CLUSTER: &str = "6d5892d3-1f74-4ccf-91af-548dfc9767aa";

/// A store with a request of each kind, and its lookups.
async fn filtered(policy: ReportPolicy) -> (LookupService<MemoryStore<ManualClock>>, Arc<Acknowledged>) {
    let time = Timestamp::from_micros(0);
    let store = MemoryStore::new(ManualClock::at(time), Retention::default());
    let all = ["high|K", "acknowledged|K", "acknowledged|L", "low|K", "acknowledged|UNKNOWN", "unknown|K"];
    let processed = |cluster, request, hits: &[&str]| RequestEvent {
        key: RequestKey::parse("42", cluster, request).unwrap(),
        received_at: time,
        kind: EventKind::Processed(hits.iter().map(|hit| hit.parse().unwrap()).collect()),
    };
    let announced = RequestEvent { kind: EventKind::Announced, ..processed(CLUSTER, "announced", &[]) };
    store
        .store(vec![
            processed(CLUSTER, "ill", &all),
            processed(OTHER_CLUSTER, "ill", &all),
            processed(CLUSTER, "acknowledged", &["acknowledged|K"]),
            processed(CLUSTER, "healthy", &[]),
            announced,
        ])
        .await
        .unwrap();
    let content = |hit: &str, total_risk| {
        let content = RuleContent { generic: format!("text of {hit}"), summary: String::new(), total_risk };
        (hit.parse::<RuleHit>().unwrap(), content)
    };
    let known = [("low|K", 1), ("acknowledged|K", 4), ("acknowledged|L", 3), ("high|K", 3)];
    let content = known.map(|(hit, risk)| content(hit, risk)).into_iter().collect();
    let filter = Acknowledged {
        rule: "acknowledged",
        cluster: CLUSTER.parse().unwrap(),
        asked: AtomicUsize::default(),
    };
    let filter = Arc::new(filter);
    store.replace_content(content).await.unwrap();
    (LookupService::over(store, policy).filtered(Arc::clone(&filter)), filter)
}

#[test]
fn a_filter_leaves_hits_out_before_the_limits_count() {
    pollster::block_on(async {
        let (lookup, _) = filtered(ReportPolicy { max_entries: 2, ..ReportPolicy::default() }).await;
        lookup.refresh().await.unwrap();
        let report = async |cluster: &str, request: &str| -> Vec<String> {
            let key = RequestKey::parse("42", cluster, request).unwrap();
            let entries = lookup.report(&key).await.unwrap().unwrap().entries;
            entries.into_iter().map(|entry| entry.hit.to_string()).collect()
        };
        assert_eq!(report(CLUSTER, "ill").await, ["high|K", "low|K"], "others take the room");
        assert_eq!(lookup.content().omitted(), 1, "what the filter leaves out does not lack content");
        assert_eq!(lookup.content().take_omitted_kinds().names, ["unknown|K"]);
        assert_eq!(report(OTHER_CLUSTER, "ill").await, ["acknowledged|K", "acknowledged|L"]);
        assert_eq!(report(CLUSTER, "acknowledged").await, [""; 0], "all of them may be left out");
    });
}

#[test]
fn only_reports_with_hits_that_can_be_made_ask_a_filter() {
    pollster::block_on(async {
        let (lookup, filter) = filtered(ReportPolicy::default()).await;
        let asked = || filter.asked.load(Ordering::Relaxed);
        let key = |request: &str| RequestKey::parse("42", CLUSTER, request).unwrap();
        assert!(lookup.report(&key("acknowledged")).await.is_err(), "the content is not loaded yet");
        lookup.refresh().await.unwrap();
        for request in ["healthy", "announced"] {
            assert!(lookup.report(&key(request)).await.unwrap().unwrap().entries.is_empty());
        }
        assert_eq!(lookup.report(&key("unknown")).await.unwrap(), None);
        let ill = key("ill");
        lookup.status(&ill).await.unwrap().unwrap();
        lookup.list(ill.organization, ill.cluster, None).await.unwrap().unwrap();
        lookup.select(ill.organization, ill.cluster, std::slice::from_ref(&ill.request)).await.unwrap();
        assert_eq!(asked(), 0);
        lookup.report(&ill).await.unwrap().unwrap();
        assert_eq!(asked(), 1);
    });
}
