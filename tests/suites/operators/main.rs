//! Which operator gets its report in which case: each cell of the table in docs/OPERATORS.md, on both databases.

mod operator;
mod scenario;

use gathering_tests::{TestDatabase, TestServer};

use crate::operator::{End, OPERATORS, Operator};
use crate::scenario::{CONTENT, Steps, What, When};

use self::What::{
    Announced, ContentLoaded, DatabaseAway, DatabaseBack, Failed, Processed, Reachable, Unreachable,
};
use self::When::{Before, BeforeReport, During};

/// The cases by their words in the document.
fn cases() -> Vec<(&'static str, Vec<(When, What)>)> {
    vec![
        ("the result is there before the first poll", vec![(Before(1), Processed)]),
        ("it comes between the second and the third poll", vec![(Before(3), Processed)]),
        ("it comes within 25 seconds after the third poll", vec![(During(3), Processed)]),
        ("it comes within 25 seconds after the fourth poll", vec![(During(4), Processed)]),
        ("it never comes", vec![]),
        (
            "announced at once, the result comes before the third poll",
            vec![(Before(1), Announced), (Before(3), Processed)],
        ),
        (
            "announced after the first poll, the result comes before the third",
            vec![(Before(2), Announced), (Before(3), Processed)],
        ),
        ("announced at once, and nothing more comes", vec![(Before(1), Announced)]),
        ("failed before the first poll", vec![(Before(1), Failed)]),
        (
            "failed before the first poll, processed before the second",
            vec![(Before(1), Failed), (Before(2), Processed)],
        ),
        (
            "processed, and the database is away at the first two polls",
            vec![(Before(1), Processed), (Before(1), DatabaseAway), (Before(3), DatabaseBack)],
        ),
        (
            "processed, and the database goes away before the report is fetched",
            vec![(Before(1), Processed), (BeforeReport, DatabaseAway)],
        ),
        (
            "processed, and the rule content is loaded after the second poll",
            vec![(Before(1), Processed), (Before(3), ContentLoaded)],
        ),
        (
            "processed, and the service cannot be reached at the first poll",
            vec![(Before(1), Processed), (Before(1), Unreachable), (Before(2), Reachable)],
        ),
    ]
}

fn play(operator: &Operator, steps: Vec<(When, What)>, is_held: bool, database: TestDatabase) -> String {
    let has_content = !steps.iter().any(|(_, what)| *what == ContentLoaded);
    if !has_content {
        database.migrate();
        database.execute("ALTER TABLE rule_content RENAME COLUMN generic TO away");
    }
    let builder = TestServer::builder(database)
        .set(if is_held { "wait.hold=25s" } else { "wait.hold=0s" })
        .set("wait.recheck=10ms")
        .set("storage.pool_timeout=200ms");
    let server = if has_content { builder.content(&CONTENT).start() } else { builder.start() };
    let mut surroundings =
        Steps { server: &server, events: steps, is_held, outage: None, is_unreachable: false };
    match operator.gather(&server, &mut surroundings) {
        End::Report { poll, entries: 2 } => format!("report at poll {poll}"),
        End::Report { poll, entries } => format!("report of {entries} entries at poll {poll}"),
        End::ReportLost { poll } => format!("report lost at poll {poll}"),
        End::GaveUp { poll } => format!("gives up at poll {poll}"),
    }
}

/// The rows of the document: the case, and for each operator what it gets, without and with `wait.hold`.
fn documented() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATORS.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").map(str::to_owned).collect()).collect()
}

fn check(is_held: bool, database: fn() -> TestDatabase) {
    let rows = documented();
    let headings: Vec<String> = rows.first().unwrap().clone();
    for (case, steps) in cases() {
        let row = rows.iter().find(|row| row[0] == case).unwrap_or_else(|| panic!("no row for: {case}"));
        for operator in OPERATORS {
            let heading = if is_held { format!("{}, held", operator.name) } else { operator.name.to_owned() };
            let column = headings.iter().position(|name| *name == heading).expect("a column");
            let end = play(&operator, steps.clone(), is_held, database());
            assert_eq!(end, row[column], "{case}: {heading}");
        }
    }
    assert_eq!(rows.len(), 1 + cases().len(), "each row is a case");
}

#[test]
fn each_cell_holds_on_sqlite() {
    check(false, TestDatabase::sqlite);
}

#[test]
fn each_cell_holds_on_postgres() {
    check(false, TestDatabase::postgres);
}

#[test]
fn each_cell_holds_on_sqlite_where_polls_are_held() {
    check(true, TestDatabase::sqlite);
}

#[test]
fn each_cell_holds_on_postgres_where_polls_are_held() {
    check(true, TestDatabase::postgres);
}
