//! What the admin address tells.

use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer};

use crate::fixture::{UNKNOWN_CLUSTER, requests, status};
use crate::on_both;

on_both!(
    calls_are_counted_by_template_method_and_status,
    calls_are_counted_by_client,
    the_process_pools_and_build_are_there
);

fn value(text: &str, sample: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
}

fn calls_are_counted_by_template_method_and_status(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = server.token(42);
    server.get(&status(CLUSTER, "r")).bearer(&token).send();
    server
        .get(&format!("/api/insights-results-aggregator/v2{}/", status(CLUSTER, "r")))
        .bearer(&token)
        .send();
    server.get(&status(UNKNOWN_CLUSTER, "r")).bearer(&token).send();
    server.post(&requests(CLUSTER), "[]").send();
    server.get("/nope").send();
    server.call("BREW", "/nope").send();
    let text = server.admin("/metrics").send().body;
    let count = |endpoint: &str, method: &str, status: u16| {
        let labels = format!("{{endpoint=\"{endpoint}\",method=\"{method}\",status=\"{status}\"}}");
        let calls = value(&text, &format!("gathering_http_requests_total{labels}"));
        assert_eq!(value(&text, &format!("gathering_http_request_duration_seconds_count{labels}")), calls);
        calls
    };
    let status_template = "/cluster/{clusterID}/request/{requestID}/status";
    assert_eq!(count(status_template, "GET", 200), Some(2.0));
    assert_eq!(count(status_template, "GET", 404), Some(1.0));
    assert_eq!(count("/cluster/{clusterID}/requests", "POST", 401), Some(1.0));
    assert_eq!(count("none", "GET", 404), Some(1.0));
    assert_eq!(count("none", "other", 404), Some(1.0));
    assert!(!text.contains(CLUSTER), "no label holds what a caller sends");
}

fn calls_are_counted_by_client(database: TestDatabase) {
    let server = TestServer::start(database);
    let agents =
        ["insights-operator/4.17.3-abc cluster/x", "insights-operator/4.17.4", "curl/8.5.0", "strange\"}"];
    for agent in agents {
        server.get(&status(CLUSTER, "r")).header("user-agent", agent).send();
    }
    let count = |client| server.metric(&format!("gathering_http_clients_total{{client=\"{client}\"}}"));
    assert_eq!(["insights-operator/4.17", "curl", "other"].map(count), [2, 1, 1]);
}

fn the_process_pools_and_build_are_there(database: TestDatabase) {
    let pool = if database.is_postgres() { "postgres" } else { "sqlite_read" };
    let server = TestServer::start(database);
    server.until(|server| {
        let text = server.admin("/metrics").send().body;
        let idle =
            value(&text, &format!("gathering_storage_pool_connections{{pool=\"{pool}\",state=\"idle\"}}"));
        (idle > Some(0.0)).then_some(())
    });
    let text = server.admin("/metrics").send().body;
    let build = text.lines().find(|line| line.starts_with("gathering_build_info{")).unwrap();
    assert!(build.contains(&format!("version=\"{}\"", env!("CARGO_PKG_VERSION"))), "{build}");
    assert!(build.contains("commit=\"") && build.ends_with(" 1"), "{build}");
    assert!(value(&text, "process_resident_memory_bytes") > Some(0.0));
    for outcome in ["stored", "failed", "skipped", "rejected"] {
        assert_eq!(
            value(
                &text,
                &format!("gathering_records_total{{kind=\"result\",outcome=\"{outcome}\",source=\"kafka\"}}")
            ),
            Some(0.0)
        );
    }
}
