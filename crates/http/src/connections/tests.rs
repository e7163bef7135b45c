use super::*;

fn connections(most: usize) -> Arc<Connections> {
    Connections::new(ConnectionLimits { most, write_timeout: Duration::from_secs(30) }, None)
}

fn closing(all: &[&Admitted]) -> Vec<bool> {
    all.iter().map(|admitted| admitted.connection.is_closing()).collect()
}

#[test]
fn the_one_that_idled_longest_makes_room() {
    let all = connections(3);
    let [first, second, third] = [1, 2, 3].map(|now| {
        all.tick(now);
        all.admit().unwrap()
    });
    all.tick(10);
    first.connection.has_sent();
    let fourth = all.admit().unwrap();
    assert_eq!(closing(&[&first, &second, &third, &fourth]), [false, true, false, false]);
    drop(second);
    third.connection.set_served(true);
    fourth.connection.set_served(true);
    let fifth = all.admit().unwrap();
    assert_eq!(closing(&[&first, &third, &fourth, &fifth]), [true, false, false, false]);
}

#[test]
fn nobody_who_is_served_makes_room() {
    let all = connections(1);
    let only = all.admit().unwrap();
    only.connection.set_served(true);
    assert!(all.admit().is_none());
    only.connection.offers();
    all.tick(2);
    assert!(all.admit().is_some(), "now it is waited for");
    assert!(only.connection.is_closing());
}

#[test]
fn those_on_their_way_out_are_bounded_too() {
    let all = connections(1);
    let there: Vec<_> = std::iter::from_fn(|| all.admit()).take(1000).collect();
    assert!(there.len() < 20, "{}", there.len());
}

#[test]
fn what_takes_too_long_is_closed() {
    let all = connections(9);
    let [idle, head, body, answer, long] = [(); 5].map(|()| all.admit().unwrap());
    all.tick(1000);
    head.connection.head_has(10);
    body.connection.drains();
    for writing in [&answer, &long] {
        writing.connection.offers();
    }
    long.connection.has_taken(3 << 20);
    let now_closing = |now| {
        all.tick(now);
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
    let all = connections(9);
    let one = all.admit().unwrap();
    one.connection.head_has(10);
    one.connection.head_is_there(20);
    one.connection.drains();
    one.connection.has_drained();
    one.connection.offers();
    one.connection.has_taken_all();
    all.tick(1_000_000);
    assert!(!one.connection.is_closing());
}

#[test]
fn those_who_hold_memory_for_longest_give_it_back() {
    let all = connections(9);
    let share = Holding::Answers.most() / 4;
    let holding: Vec<_> = (1..=5)
        .map(|now| {
            all.tick(now);
            let admitted = all.admit().unwrap();
            admitted.connection.offers();
            admitted.connection.set_held(Holding::Answers, share);
            admitted
        })
        .collect();
    let closed: Vec<bool> = holding.iter().map(|admitted| admitted.connection.is_closing()).collect();
    assert_eq!(closed, [true, true, false, false, false]);
    assert_eq!(all.answers.load(Relaxed), 3 * share, "what is closed does not count any more");
    holding[0].connection.set_held(Holding::Answers, share);
    assert_eq!(all.answers.load(Relaxed), 3 * share);
    drop(holding);
    assert_eq!(all.answers.load(Relaxed), 0);
    assert_eq!(all.lock().closing, 0);
    assert!(all.lock().connections.is_empty());
}

#[test]
fn an_answer_that_is_larger_than_all_may_be_is_read_in_peace() {
    let all = connections(9);
    let [large, other, small] = [1, 2, 3].map(|now| {
        all.tick(now);
        let admitted = all.admit().unwrap();
        admitted.connection.offers();
        admitted
    });
    large.connection.set_held(Holding::Answers, 10 * Holding::Answers.most());
    small.connection.set_held(Holding::Answers, Holding::Answers.most() / 4);
    assert_eq!(closing(&[&large, &small]), [false, false]);
    other.connection.set_held(Holding::Answers, 10 * Holding::Answers.most());
    assert_eq!(closing(&[&large, &small, &other]), [true, false, false]);
}

#[test]
fn heads_end_no_answers_and_count_until_the_connection_ends() {
    let all = connections(4000);
    let answer = all.admit().unwrap();
    answer.connection.offers();
    answer.connection.set_held(Holding::Answers, 1 << 20);
    let small = all.admit().unwrap();
    small.connection.head_has(20);
    let heads: Vec<_> = (2..400)
        .map(|now| {
            all.tick(now);
            let admitted = all.admit().unwrap();
            admitted.connection.head_has(60_000);
            admitted.connection.head_is_there(120_000);
            admitted
        })
        .collect();
    let closed = heads.iter().filter(|head| head.connection.is_closing()).count();
    assert!(closed > 200 && all.heads.load(Relaxed) <= Holding::Heads.most(), "{closed} of 398");
    assert_eq!(closing(&[&answer, &small]), [false, false]);
    drop(heads);
    assert_eq!(all.heads.load(Relaxed), 0);
}

#[test]
fn no_more_are_closed_than_come() {
    let all = connections(1000);
    let idle: Vec<_> = (0..1000).map(|_| all.admit().unwrap()).collect();
    all.tick(2);
    let burst: Vec<_> = (0..25).filter_map(|_| all.admit()).collect();
    assert_eq!(burst.len(), 25);
    let closed = idle.iter().filter(|admitted| admitted.connection.is_closing()).count();
    assert_eq!(closed, 30, "three hundredths");
}

#[test]
fn whoever_is_waited_for_in_the_middle_of_a_body_makes_room() {
    let all = connections(1);
    let only = all.admit().unwrap();
    only.connection.set_served(true);
    assert!(all.admit().is_none());
    all.tick(2);
    only.connection.set_awaits_body(true);
    assert!(all.admit().is_some());
}

#[test]
fn bodies_come_in_smaller_pieces_where_there_are_many_connections() {
    let all = connections(3000);
    let mut there: Vec<_> = (0..64).map(|_| all.admit().unwrap()).collect();
    assert_eq!(all.buffer_share(), 64 * 1024);
    there.extend((0..64).map(|_| all.admit().unwrap()));
    assert_eq!(all.buffer_share(), 32 * 1024);
    there.extend((0..2872).map(|_| all.admit().unwrap()));
    assert_eq!(all.buffer_share(), 7 * 1024);
    drop(there);
    assert_eq!(all.buffer_share(), 64 * 1024);
}
