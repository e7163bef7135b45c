use gathering_domain::event::EventKind;
use gathering_domain::time::Timestamp;

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
    suspects.failed_alone(&event(8).key, MINUTE * 2, true);
    let plan = suspects.plan(&events([0, 5, 8, 1, 2, 0, 6, 3]), MINUTE * 3).unwrap();
    assert_eq!(plan.order, [1, 6, 0, 5, 3, 4, 7, 2]);
    assert_eq!((plan.clean, plan.groups), (2, vec![2..5, 5..7, 7..8]));
}

#[test]
fn whoever_was_not_tried_for_longest_comes_first() {
    let mut suspects = suspects();
    for (number, minute) in [(0, 3), (1, 1), (2, 2)] {
        suspects.failed_alone(&event(number).key, MINUTE * minute, true);
    }
    assert_eq!(suspects.plan(&events(0..3), MINUTE * 4).unwrap().order, [1, 2, 0]);
}

#[test]
fn one_is_overdue_after_failing_alone_for_long() {
    let mut suspects = suspects();
    let key = event(0).key;
    assert_eq!(suspects.failed_alone(&key, MINUTE, true), LoneFailure::First);
    for minute in [3, 5, 7, 9] {
        assert_eq!(suspects.failed_alone(&key, MINUTE * minute, true), LoneFailure::Again);
    }
    suspects.failed_together(&[event(0)], 5, MINUTE * 10);
    assert_eq!(suspects.failed_alone(&key, MINUTE * 11, false), LoneFailure::Again, "it had no time");
    assert_eq!(suspects.failed_alone(&key, MINUTE * 11, true), LoneFailure::Overdue);
    assert_eq!(
        suspects.failed_alone(&key, MINUTE * 11, true),
        LoneFailure::First,
        "refused, it is a stranger again"
    );
    suspects.reset_lone_failures();
    assert_eq!(suspects.failed_alone(&key, MINUTE * 12, true), LoneFailure::First);
    suspects.clear(&key);
    assert_eq!(suspects.failed_alone(&key, MINUTE * 13, true), LoneFailure::First);
}

#[test]
fn one_that_did_not_fail_all_the_while_is_not_overdue() {
    let mut suspects = suspects();
    let key = event(0).key;
    for minute in [0, 11, 14, 40] {
        assert_eq!(suspects.failed_alone(&key, MINUTE * minute, true), LoneFailure::First, "{minute}");
    }
    let mut hasty = Suspects::new(Duration::from_secs(5));
    let at = Duration::from_secs;
    assert_eq!(hasty.failed_alone(&key, at(0), true), LoneFailure::First);
    assert_eq!(hasty.failed_alone(&key, at(10), true), LoneFailure::Again, "twice is not often");
    assert_eq!(hasty.failed_alone(&key, at(20), true), LoneFailure::Overdue);
}

#[test]
fn one_that_has_to_wait_for_others_keeps_its_place_and_its_time() {
    let mut suspects = suspects();
    for number in [0, 1] {
        suspects.failed_alone(&event(number).key, Duration::ZERO, true);
    }
    for minute in 1..10 {
        suspects.failed_alone(&event(0).key, MINUTE * minute, true);
        suspects.left_untried(&[event(1)], MINUTE * minute);
        let plan = suspects.plan(&events(0..2), MINUTE * minute).unwrap();
        assert_eq!(plan.order, [1, 0]);
    }
    assert_eq!(suspects.failed_alone(&event(1).key, MINUTE * 11, true), LoneFailure::Again);
    assert_eq!(suspects.failed_alone(&event(1).key, MINUTE * 11, true), LoneFailure::Overdue);
}

#[test]
fn one_has_more_time_now_and_then_and_before_it_is_refused() {
    let mut suspects = suspects();
    let mut due = Vec::new();
    for minute in 0..=10 {
        // Beside one that has waited for longer.
        suspects.failed_together(&[event(1)], 1, Duration::ZERO);
        let plan = suspects.plan(&events(0..2), MINUTE * minute).unwrap();
        if plan.is_first_patient {
            assert_eq!((&plan.order[..], plan.groups), (&[1, 0][..], vec![1..2, 0..1]));
            due.push(minute);
        }
        suspects.failed_alone(&event(0).key, MINUTE * minute, false);
    }
    assert_eq!(due, [3, 7, 10]);
    for minute in 11..13 {
        assert!(suspects.plan(&[event(0)], MINUTE * minute).unwrap().is_first_patient, "until it had it");
    }
}

#[test]
fn those_that_were_not_tried_are_not_failing_and_those_that_do_not_come_again_are_forgotten() {
    let mut suspects = suspects();
    suspects.left_untried(&events(0..5), MINUTE);
    suspects.failed_together(&events(5..9), 2, MINUTE);
    assert_eq!(suspects.failing(MINUTE), 0);
    suspects.failed_alone(&event(5).key, MINUTE, true);
    assert_eq!((suspects.failing(MINUTE), suspects.failing(MINUTE * 21)), (1, 1));
    assert_eq!(suspects.failing(MINUTE * 22), 0);
    suspects.sweep(MINUTE * 22);
    assert!(suspects.known.is_empty());
}

#[test]
fn memory_is_bounded_and_given_back() {
    let mut suspects = suspects();
    for number in 0..LIMIT + 10 {
        suspects.failed_alone(&event(number).key, MINUTE, true);
    }
    assert_eq!(suspects.known.len(), LIMIT);
    suspects.clear_all(&events(0..20));
    assert_eq!(suspects.known.len(), LIMIT - 20);
    for number in 10_000..10_050 {
        suspects.failed_alone(&event(number).key, MINUTE * 40, true);
    }
    assert_eq!(suspects.known.len(), 50, "those that did not come for long are forgotten for others");
}
