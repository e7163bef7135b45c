use super::*;

fn registry(max_connections: usize) -> Arc<ConnectionRegistry> {
    ConnectionRegistry::new(
        ConnectionLimits { max_connections, write_timeout: Duration::from_secs(30) },
        None,
    )
}

fn closing(all: &[&ConnectionGuard]) -> Vec<bool> {
    all.iter().map(|guard| guard.connection.is_closing()).collect()
}

#[test]
fn the_one_that_idled_longest_makes_room() {
    let registry = registry(3);
    let [first, second, third] = [1, 2, 3].map(|now| {
        registry.sweep(now);
        registry.admit().unwrap()
    });
    registry.sweep(10);
    first.connection.has_received();
    let fourth = registry.admit().unwrap();
    assert_eq!(closing(&[&first, &second, &third, &fourth]), [false, true, false, false]);
    drop(second);
    third.connection.set_serving(true);
    fourth.connection.set_serving(true);
    let fifth = registry.admit().unwrap();
    assert_eq!(closing(&[&first, &third, &fourth, &fifth]), [true, false, false, false]);
}

#[test]
fn nobody_who_is_served_makes_room() {
    let registry = registry(1);
    let only = registry.admit().unwrap();
    only.connection.set_serving(true);
    assert!(registry.admit().is_none());
    only.connection.write_begins();
    registry.sweep(2);
    assert!(registry.admit().is_some(), "now it is waited for");
    assert!(only.connection.is_closing());
}

#[test]
fn those_on_their_way_out_are_bounded_too() {
    let registry = registry(1);
    let there: Vec<_> = std::iter::from_fn(|| registry.admit()).take(1000).collect();
    assert!(there.len() < 20, "{}", there.len());
}

#[test]
fn what_takes_too_long_is_closed() {
    let registry = registry(9);
    let [idle, head, body, answer, long] = [(); 5].map(|()| registry.admit().unwrap());
    registry.sweep(1000);
    head.head_arrives(10);
    body.connection.discard_begins();
    for writing in [&answer, &long] {
        writing.connection.write_begins();
    }
    long.connection.has_written(3 << 20);
    let now_closing = |now| {
        registry.sweep(now);
        closing(&[&idle, &head, &body, &answer, &long])
    };
    assert_eq!(now_closing(6_000), [false; 5]);
    assert_eq!(now_closing(6_001), [false, false, true, false, false]);
    assert_eq!(now_closing(11_000), [false, false, true, false, false]);
    assert_eq!(now_closing(11_001), [false, true, true, false, false]);
    assert_eq!(now_closing(31_000), [false, true, true, false, false]);
    assert_eq!(now_closing(31_001), [false, true, true, true, false]);
    assert_eq!(now_closing(121_000), [false, true, true, true, false]);
    assert_eq!(now_closing(121_001), [false, true, true, true, true]);
}

#[test]
fn what_was_there_in_time_is_not() {
    let registry = registry(9);
    let one = registry.admit().unwrap();
    one.head_arrives(10);
    one.head_ends(20);
    one.connection.discard_begins();
    one.connection.discard_ends();
    one.connection.write_begins();
    one.connection.write_ends();
    registry.sweep(1_000_000);
    assert!(!one.connection.is_closing());
}

#[test]
fn those_who_hold_memory_for_longest_give_it_back() {
    let registry = registry(9);
    let share = Held::Answers.limit() / 4;
    let holding: Vec<_> = (1..=5)
        .map(|now| {
            registry.sweep(now);
            let guard = registry.admit().unwrap();
            guard.connection.write_begins();
            guard.hold(Held::Answers, share);
            guard
        })
        .collect();
    let closed: Vec<bool> = holding.iter().map(|guard| guard.connection.is_closing()).collect();
    assert_eq!(closed, [true, true, false, false, false]);
    assert_eq!(registry.shared.held(Held::Answers), 3 * share, "what is closed does not count any more");
    holding[0].hold(Held::Answers, share);
    assert_eq!(registry.shared.held(Held::Answers), 3 * share);
    drop(holding);
    assert_eq!(registry.shared.held(Held::Answers), 0);
    assert_eq!(registry.lock().closing, 0);
    assert!(registry.lock().connections.is_empty());
}

#[test]
fn an_answer_that_is_larger_than_all_may_be_is_read_in_peace() {
    let registry = registry(9);
    let [large, other, small] = [1, 2, 3].map(|now| {
        registry.sweep(now);
        let guard = registry.admit().unwrap();
        guard.connection.write_begins();
        guard
    });
    large.hold(Held::Answers, 10 * Held::Answers.limit());
    small.hold(Held::Answers, Held::Answers.limit() / 4);
    assert_eq!(closing(&[&large, &small]), [false, false]);
    other.hold(Held::Answers, 10 * Held::Answers.limit());
    assert_eq!(closing(&[&large, &small, &other]), [true, false, false]);
}

#[test]
fn heads_end_no_answers_and_count_until_the_connection_ends() {
    let registry = registry(4000);
    let answer = registry.admit().unwrap();
    answer.connection.write_begins();
    answer.hold(Held::Answers, 1 << 20);
    let small = registry.admit().unwrap();
    small.head_arrives(20);
    let heads: Vec<_> = (2..400)
        .map(|now| {
            registry.sweep(now);
            let guard = registry.admit().unwrap();
            guard.head_arrives(60_000);
            guard.head_ends(120_000);
            guard
        })
        .collect();
    let closed = heads.iter().filter(|head| head.connection.is_closing()).count();
    assert!(closed > 200 && registry.shared.held(Held::Heads) <= Held::Heads.limit(), "{closed} of 398");
    assert_eq!(closing(&[&answer, &small]), [false, false]);
    drop(heads);
    assert_eq!(registry.shared.held(Held::Heads), 0);
}

#[test]
fn no_more_are_closed_than_come() {
    let registry = registry(1000);
    let idle: Vec<_> = (0..1000).map(|_| registry.admit().unwrap()).collect();
    registry.sweep(2);
    let burst: Vec<_> = (0..25).filter_map(|_| registry.admit()).collect();
    assert_eq!(burst.len(), 25);
    let closed = idle.iter().filter(|guard| guard.connection.is_closing()).count();
    assert_eq!(closed, 30, "three hundredths");
}

#[test]
fn whoever_is_waited_for_in_the_middle_of_a_body_makes_room() {
    let registry = registry(1);
    let only = registry.admit().unwrap();
    only.connection.set_serving(true);
    assert!(registry.admit().is_none());
    registry.sweep(2);
    only.connection.set_awaits_body(true);
    assert!(registry.admit().is_some());
}

#[test]
fn bodies_come_in_smaller_pieces_where_there_are_many_connections() {
    let registry = registry(3000);
    let mut there: Vec<_> = (0..64).map(|_| registry.admit().unwrap()).collect();
    assert_eq!(registry.shared.buffer_share(), 64 * 1024);
    there.extend((0..64).map(|_| registry.admit().unwrap()));
    assert_eq!(registry.shared.buffer_share(), 32 * 1024);
    there.extend((0..2872).map(|_| registry.admit().unwrap()));
    assert_eq!(registry.shared.buffer_share(), 7 * 1024);
    drop(there);
    assert_eq!(registry.shared.buffer_share(), 64 * 1024);
}
