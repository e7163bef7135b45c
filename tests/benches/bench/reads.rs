//! Questions a second, as a ratio to a bare handler on the same web server.

use gathering_tests::{Calls, Load, Message, Running, TestDatabase, median};

use crate::fixture::{Bench, Ceiling, HITS, message, numbers, path, request};
use crate::table::{Goal, Row, print};

pub(crate) const RECORDS: usize = 100_000;
pub(crate) const CLUSTERS: usize = 5_000;
/// Processed requests that are polled again and again.
const POLLED: usize = 5_000;
const LISTED: usize = 50;
const LISTED_CLUSTER: &str = "99999999-0000-4000-8000-000000000000";

/// With it the database is asked each time.
pub(crate) const NOTHING_REMEMBERED: &str = "storage.processed_cache=0";

/// A database with the records that are asked for, and two services on it.
struct Served {
    name: &'static str,
    usual: Running,
    forgetful: Running,
    /// The goal for status.
    least: f64,
}

fn messages() -> String {
    let lines = (0..RECORDS).map(|number| message(number, CLUSTERS, HITS).to_string() + "\n");
    let listed =
        (0..LISTED).map(|number| Message::new(42, LISTED_CLUSTER, &request(number)).to_string() + "\n");
    lines.chain(listed).collect()
}

pub(crate) fn measure(bench: &Bench, ceiling: &Ceiling) {
    let lines = messages();
    let postgres = TestDatabase::postgres();
    let sqlite = format!("sqlite://{}", bench.program.folder().join("reads.db").display());
    let serve = |name, url: &str, least| {
        bench.import(url, &lines);
        Served {
            name,
            usual: bench.serve(url, &[]),
            forgetful: bench.serve(url, &[NOTHING_REMEMBERED]),
            least,
        }
    };
    let servers = [serve("SQLite", &sqlite, 0.35), serve("PostgreSQL", postgres.url(), 0.40)];

    // Of twice as many requests as there are, half are known.
    let status = bench.status(2 * RECORDS, CLUSTERS);
    let polled = bench.status(POLLED, CLUSTERS);
    let report = bench.calls(numbers().map(|number| path(number % RECORDS, CLUSTERS, "report")));
    let list = bench.calls(std::iter::repeat(format!("/cluster/{LISTED_CLUSTER}/requests")));

    let mut top = Row::new("ceiling: a bare handler", "/s", None);
    let mut rows = vec![];
    let mut shares = vec![];
    for server in &servers {
        let name = server.name;
        let row = |what: &str, goal| Row::new(format!("{name}: {what}"), "/s", goal);
        let mut each =
            row("status, half hits half misses, nothing remembered", Some(Goal::AtLeast(server.least)));
        let mut usual = row("the same as shipped", Some(Goal::AtLeast(server.least)));
        let mut again = row("status of processed, polled again", Some(Goal::AtLeast(0.55)));
        let mut share =
            [row("report of 10 hits", Some(Goal::AtLeast(0.5))), row("list of 50", Some(Goal::AtLeast(0.5)))];
        for _ in 0..bench.rounds {
            let rate = |running: &Running, calls: &Calls| bench.load.get(running.api_address(), calls).rate;
            let reference = bench.load.get(ceiling.address, &status).rate;
            top.add(reference, reference);
            let asked = rate(&server.forgetful, &status);
            each.add(asked, reference);
            usual.add(rate(&server.usual, &status), reference);
            again.add(rate(&server.usual, &polled), reference);
            share[0].add(rate(&server.usual, &report), asked);
            share[1].add(rate(&server.usual, &list), asked);
        }
        rows.extend([each, usual, again]);
        shares.extend(share);
    }
    rows.insert(0, top);
    print("Reads", "the ceiling", &rows);
    print("Larger answers", "status of the same database, nothing remembered", &shares);
    if !bench.is_quick {
        print("Patience", "the ceiling at the same rate", &patience(bench, ceiling, &servers, &status));
    }
}

/// How long the slowest of a hundred takes at half of what could be answered.
fn patience(bench: &Bench, ceiling: &Ceiling, servers: &[Served], status: &Calls) -> Vec<Row> {
    let row = |server: &Served| {
        let address = server.forgetful.api_address();
        let name = format!("{}: p99 of status at half of the highest throughput", server.name);
        let mut row = Row::new(name, " ms", Some(Goal::AtMost(3.0)));
        let highest = (0..3).map(|_| bench.load.get(address, status).rate).collect();
        #[expect(clippy::cast_precision_loss, reason = "64")]
        let rest = bench.load.connections as f64 / (median(highest).0 / 2.0) * 1000.0;
        let half = Load { rest, ..bench.load };
        for _ in 0..bench.rounds {
            let reference = half.get(ceiling.address, status);
            row.add(half.get(address, status).p99, reference.p99);
        }
        row
    };
    servers.iter().map(row).collect()
}
