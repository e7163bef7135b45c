//! The client against a real service with a database of its own.

use std::time::Duration;

use gathering_example_client::{Client, ClientError};
use gathering_tests::{CLUSTER, Message, Program, TestDatabase, TestServer};

fn server() -> TestServer {
    let content = [("rules.disk|FULL", "A disk is nearly full.", 4)];
    TestServer::builder(TestDatabase::sqlite()).content(&content).start()
}

#[tokio::test]
async fn waits_until_the_result_is_there() {
    let server = server();
    server.announce(42, CLUSTER, "req1");
    let client = Client::new(&server.url(), &server.token(42));
    let (cluster, request) = (CLUSTER.parse().unwrap(), "req1".parse().unwrap());
    let (report, ()) = tokio::join!(client.report(cluster, &request), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.import(&[Message::new(42, CLUSTER, "req1").hit("rules.disk|FULL")]);
    });
    let report = report.unwrap();
    assert_eq!((report.report[0].error_key.as_ref(), report.report[0].total_risk), ("FULL", 4));
}

#[tokio::test]
async fn goes_on_after_an_outage() {
    let server = server();
    server.import(&[Message::new(42, CLUSTER, "req1")]);
    let outage = server.outage();
    let client = Client::new(&server.url(), &server.token(42));
    let (cluster, request) = (CLUSTER.parse().unwrap(), "req1".parse().unwrap());
    let (report, ()) = tokio::join!(client.report(cluster, &request), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(outage);
    });
    assert!(report.unwrap().report.is_empty());
}

#[tokio::test]
async fn says_why_there_is_no_report() {
    let server = server();
    server.import(&[Message::new(42, CLUSTER, "req1").failed()]);
    let (cluster, request) = (CLUSTER.parse().unwrap(), "req1".parse().unwrap());
    let client = Client::new(&server.url(), &server.token(42));
    assert!(matches!(client.report(cluster, &request).await, Err(ClientError::Failed)));
    let stranger = Client::new(&server.url(), "no token at all");
    assert!(matches!(stranger.report(cluster, &request).await, Err(ClientError::Refused(_))));
}

/// The program itself, which `GATHERING_PROGRAM` names.
#[tokio::test]
async fn works_with_the_program() {
    let program = Program::new();
    let message = Message::new(1, CLUSTER, "req1").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    let client = Client::new(&format!("http://{}", running.api_address()), "none is asked for");
    let (cluster, request) = (CLUSTER.parse().unwrap(), "req1".parse().unwrap());
    assert!(client.report(cluster, &request).await.unwrap().report.is_empty());
}
