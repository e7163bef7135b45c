//! A hundred times as many records, and what the process takes up.

use std::time::Instant;

use gathering_tests::{Running, Scale, TestDatabase};

use crate::fixture::Bench;
use crate::reads::NOTHING_REMEMBERED;
use crate::table::{Goal, Row, print};

/// In microseconds since 1970: the year 2100.
const LATER: i64 = 4_102_444_800_000_000;
const SMALL: Scale = Scale { first: 0, requests: 100_000, clusters: 5_000, expires_at: LATER, at_once: 500 };
const LARGE: Scale =
    Scale { first: 0, requests: 10_000_000, clusters: 500_000, expires_at: LATER, at_once: 500 };

pub(crate) fn measure(bench: &Bench) {
    let mut rows = Vec::new();
    let mut sizes = vec![binary()];
    for (name, make) in
        [("SQLite", TestDatabase::sqlite as fn() -> TestDatabase), ("PostgreSQL", TestDatabase::postgres)]
    {
        let served = |scale: Scale| {
            let (database, started) = (make(), Instant::now());
            scale.fill(&database);
            eprintln!("{name}: {} requests in {:.0?}", scale.requests, started.elapsed());
            let running = bench.serve(database.url(), &[NOTHING_REMEMBERED]);
            (database, running, bench.status(2 * scale.requests, scale.clusters))
        };
        let (small, large) = (served(SMALL), served(LARGE));
        let mut row = Row::new(format!("{name}: status among 10 million"), "/s", Some(Goal::AtLeast(0.85)));
        // The first round reads the file for the first time.
        bench.load.get(large.1.api_address(), &large.2);
        for _ in 0..bench.rounds {
            let reference = bench.load.get(small.1.api_address(), &small.2).rate;
            row.add(bench.load.get(large.1.api_address(), &large.2).rate, reference);
        }
        rows.push(row);
        sizes.extend(process(bench, name, &large.0));
    }
    print("Scale", "status among 100,000", &rows);
    print("The process", "", &sizes);
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files and memory")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn binary() -> Row {
    let test = std::env::current_exe().expect("a program");
    let program = test.ancestors().nth(2).expect("target/release/deps/bench").join("gathering");
    let mut row = Row::new("size of the program, stripped", " MiB", None);
    row.add_alone(mebibytes(std::fs::metadata(program).expect("the program").len()));
    row
}

/// Start to ready, and memory, on a database of 10 million records.
fn process(bench: &Bench, name: &str, database: &TestDatabase) -> [Row; 3] {
    let mut start = Row::new(format!("{name}: start to ready"), " ms", Some(Goal::Within(150.0)));
    let mut idle = Row::new(format!("{name}: memory, idle"), " MiB", Some(Goal::Within(30.0)));
    let mut busy =
        Row::new(format!("{name}: memory after reads among 10 million"), " MiB", Some(Goal::Within(120.0)));
    let serve = || -> (Running, f64) {
        let started = Instant::now();
        let running = bench.serve(database.url(), &[]);
        while running.admin("/readyz").send().status != 200 {}
        (running, started.elapsed().as_secs_f64() * 1000.0)
    };
    for _ in 0..11 {
        start.add_alone(serve().1);
    }
    let (running, _) = serve();
    idle.add_alone(mebibytes(running.resident_memory()));
    let calls = bench.status(2 * LARGE.requests, LARGE.clusters);
    for _ in 0..3 {
        bench.load.get(running.api_address(), &calls);
        busy.add_alone(mebibytes(running.resident_memory()));
    }
    [start, idle, busy]
}
