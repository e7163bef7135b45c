//! The harness, as its users meet it.

use gathering_domain::answer::ReportBody;
use gathering_tests::{
    CLUSTER, Message, MessageOutcome, Program, RequestState, TestDatabase, TestServer, until,
};

/// The descriptions of a report, asked for once.
fn descriptions(server: &TestServer, request: &str) -> Vec<String> {
    let path = format!("/cluster/{CLUSTER}/request/{request}/report");
    let report: ReportBody<'static> = server.get(&path).bearer(&server.token(42)).send().read();
    report.report.into_iter().map(|hit| hit.description.into_owned()).collect()
}

#[tokio::test]
async fn a_server_starts_works_and_ends_within_an_async_test() {
    let server = TestServer::start(TestDatabase::sqlite());
    let records =
        server.import(&[Message::new(42, CLUSTER, "done"), Message::new(42, CLUSTER, "broken").failed()]);
    let outcomes: Vec<_> = records.iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [MessageOutcome::Stored, MessageOutcome::Failed]);
    server.announce(42, CLUSTER, "coming");
    server.content(&[("rules.a|KEY", "A text for the rule.", 2)]);
    server.purge();
    for (request, state) in [
        ("done", Some(RequestState::Processed)),
        ("broken", Some(RequestState::Failed)),
        ("coming", Some(RequestState::Received)),
        ("unknown", None),
    ] {
        assert_eq!(server.state(42, CLUSTER, request), state, "{request}");
    }
    drop(server);
}

#[test]
fn content_of_the_builder_is_there_from_the_start() {
    let content = [("rules.a|KEY", "A text for the rule.", 2)];
    let server = TestServer::builder(TestDatabase::sqlite()).content(&content).start();
    server.import(&[Message::new(42, CLUSTER, "r").hit("rules.a|KEY")]);
    assert_eq!(descriptions(&server, "r"), ["A text for the rule."]);
}

#[test]
fn content_is_there_when_it_has_returned() {
    let server = TestServer::start(TestDatabase::sqlite());
    server.import(&[Message::new(42, CLUSTER, "r").hit("rules.a|KEY")]);
    for text in ["The first wording.", "The second wording."] {
        server.content(&[("rules.a|KEY", text, 2)]);
        assert_eq!(descriptions(&server, "r"), [text]);
    }
}

fn an_outage_ends_with_its_guard(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let ask = || {
        let path = format!("/cluster/{CLUSTER}/request/r/report");
        server.get(&path).bearer(&server.token(42)).send().status
    };
    let outage = server.outage();
    assert_eq!(ask(), 503);
    drop(outage);
    assert_eq!(ask(), 200);
}

#[test]
fn an_outage_ends_with_its_guard_on_sqlite() {
    an_outage_ends_with_its_guard(TestDatabase::sqlite());
}

#[test]
fn an_outage_ends_with_its_guard_on_postgres() {
    an_outage_ends_with_its_guard(TestDatabase::postgres());
}

#[test]
fn the_url_is_where_calls_go() {
    let server = TestServer::start(TestDatabase::sqlite());
    assert_eq!(server.url(), format!("http://{}", server.address()));
}

#[test]
fn the_program_serves_on_free_ports() {
    let program = Program::new();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    until(|| running.admin("/readyz").send().status == 200);
    running.signal("TERM");
    running.wait().ok();
}
