//! Rule content.

use super::subject::{Store, Subject};
use crate::content::{ContentRevision, RuleContent, RuleContentSet};

fn set(entries: &[(&str, &str, i32)]) -> RuleContentSet {
    entries
        .iter()
        .map(|(hit, generic, total_risk)| {
            let content = RuleContent {
                generic: (*generic).to_owned(),
                summary: format!("summary of {hit}"),
                total_risk: *total_risk,
            };
            (hit.parse().unwrap(), content)
        })
        .collect()
}

pub(super) async fn content_is_replaced_as_a_whole<S: Store>(subject: &Subject<S>) {
    let store = &subject.store;
    assert_eq!(store.content_revision().await.unwrap(), ContentRevision(0));
    assert_eq!(store.content().await.unwrap(), (ContentRevision(0), RuleContentSet::default()));

    let first = set(&[("m.a|K", "  Text\n\nwith **marks** and \u{1f980}\n", 3), ("m.b|K", "", -1)]);
    assert_eq!(store.replace_content(first.clone()).await.unwrap(), ContentRevision(1));
    assert_eq!(store.content().await.unwrap(), (ContentRevision(1), first));

    let second = set(&[("m.b|K", "other", 4)]);
    assert_eq!(store.replace_content(second.clone()).await.unwrap(), ContentRevision(2));
    assert_eq!(store.content_revision().await.unwrap(), ContentRevision(2));
    assert_eq!(store.content().await.unwrap(), (ContentRevision(2), second));
}
