//! Long lists, cut to the newest.

use std::cmp::Reverse;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::subject::{
    START, Store, Subject, announced, cluster, event, failed, key, organization, processed,
};
use crate::ids::{ClusterId, RequestKey};
use crate::time::Retention;

/// Around the number of rows from which on a list is long.
const SIZES: [usize; 4] = [3, 500, 501, 1203];

pub(super) async fn a_list_is_cut_to_the_newest<S: Store>(subject: &Subject<S>) {
    for (number, size) in (1..).zip(SIZES) {
        let cluster = ClusterId::from_bytes([number; 16]);
        let events = (0..size).map(|request| {
            let kind = match request % 3 {
                0 => announced(),
                1 => failed("for a test"),
                _ => processed(&["a|B"]),
            };
            let mut event = event(RequestKey { cluster, ..key(&format!("r{request:05}")) }, kind);
            // Not in the order of their IDs, and with ties.
            let seconds = (request * 7919 % size) / 2;
            event.received_at = START.saturating_add(Duration::from_secs(seconds as u64));
            event
        });
        subject.store.store(events.collect()).await.unwrap();
        let list = |most| subject.store.list(organization(), cluster, most);
        let whole = list(None).await.unwrap().unwrap();
        assert_eq!(whole.len(), size);
        assert!(whole.is_sorted_by_key(|record| (Reverse(record.received_at), record.request.clone())));
        for most in [1, 2, 500, 501, 1202, 1203, 5000] {
            let cut = list(NonZeroUsize::new(most)).await.unwrap().unwrap();
            assert_eq!(cut, whole[..most.min(size)], "{most} of {size}");
        }
    }
}

pub(super) async fn expired_requests_are_left_out_of_a_long_list<S: Store>(subject: &Subject<S>) {
    let many = |first: usize| {
        let events = (first..first + 600).map(|number| event(key(&format!("r{number}")), processed(&[])));
        subject.store.store(events.collect())
    };
    many(0).await.unwrap();
    subject.clock.advance(Retention::default().requests);
    let list = |most| subject.store.list(organization(), cluster(), NonZeroUsize::new(most));
    assert_eq!(list(0).await.unwrap(), Some(vec![]), "expired, and not purged");
    assert_eq!(list(5).await.unwrap(), Some(vec![]));
    many(1000).await.unwrap();
    for most in [0, 5, 1000] {
        let found = list(most).await.unwrap().unwrap();
        assert_eq!(found.len(), if most == 5 { 5 } else { 600 });
        assert!(found.iter().all(|record| record.request.as_str() >= "r1000"));
    }
    let Retention { requests, clusters } = Retention::default();
    subject.clock.advance(requests + clusters);
    assert_eq!(list(5).await.unwrap(), None, "forgotten in the end");
}
