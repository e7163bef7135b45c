use gathering_domain::{EventKind, Timestamp};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn event(number: usize) -> RequestEvent {
    let key = RequestKey {
        organization: 42.try_into().unwrap(),
        cluster: "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap(),
        request: format!("r{number:05}").parse().unwrap(),
    };
    RequestEvent { key, received_at: Timestamp::from_micros(0), kind: EventKind::Announced }
}

fn events(numbers: impl IntoIterator<Item = usize>) -> Vec<RequestEvent> {
    numbers.into_iter().map(event).collect()
}

fn suspects() -> Suspects {
    Suspects::new(MINUTE * 10)
}

#[test]
fn a_batch_without_suspects_needs_no_plan() {
    let mut suspects = suspects();
    assert_eq!(suspects.plan(&events(0..3), MINUTE), None);
    suspects.failed_together(&events([7]), 1, MINUTE);
    assert_eq!(suspects.plan(&events(0..3), MINUTE), None);
}

#[test]
fn suspects_come_last_in_groups_and_events_of_one_request_together() {
    let mut suspects = suspects();
    suspects.failed_together(&events(0..4), 2, MINUTE);
    suspects.failed_alone(&event(8).key, MINUTE * 2);
    let plan = suspects.plan(&events([0, 5, 8, 1, 2, 0, 6, 3]), MINUTE * 3).unwrap();
    assert_eq!(plan.order, [1, 6, 0, 5, 3, 4, 7, 2]);
    assert_eq!((plan.clean, plan.groups), (2, vec![2..5, 5..7, 7..8]));
}

#[test]
fn whoever_was_not_tried_for_longest_comes_first() {
    let mut suspects = suspects();
    for (number, minute) in [(0, 3), (1, 1), (2, 2)] {
        suspects.failed_alone(&event(number).key, MINUTE * minute);
    }
    assert_eq!(suspects.plan(&events(0..3), MINUTE * 4).unwrap().order, [1, 2, 0]);
}

#[test]
fn one_is_overdue_after_failing_alone_for_long() {
    let mut suspects = suspects();
    let key = event(0).key;
    assert_eq!(suspects.failed_alone(&key, MINUTE), Alone::First);
    assert_eq!(suspects.failed_alone(&key, MINUTE * 10), Alone::Again);
    suspects.failed_together(&[event(0)], 5, MINUTE * 10);
    assert_eq!(suspects.failed_alone(&key, MINUTE * 11), Alone::Overdue);
    assert_eq!(suspects.failed_alone(&key, MINUTE * 11), Alone::First, "refused, it is a stranger again");
    suspects.excuse_all();
    assert_eq!(suspects.failed_alone(&key, MINUTE * 30), Alone::First);
    suspects.acquit(&key);
    assert_eq!(suspects.failed_alone(&key, MINUTE * 49), Alone::First);
    assert_eq!(
        suspects.failed_alone(&key, MINUTE * 70),
        Alone::First,
        "it had not come for more than twice as long"
    );
}

#[test]
fn memory_is_bounded_and_given_back() {
    let mut suspects = suspects();
    for number in 0..LIMIT + 10 {
        suspects.failed_alone(&event(number).key, MINUTE);
    }
    assert_eq!(suspects.len(), LIMIT);
    suspects.acquit_all(&events(0..20));
    assert_eq!(suspects.len(), LIMIT - 20);
    for number in 10_000..10_050 {
        suspects.failed_alone(&event(number).key, MINUTE * 40);
    }
    assert_eq!(suspects.len(), 50, "those that did not come for long are forgotten for others");
}
