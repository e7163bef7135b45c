//! `docs/MONITORING.md` has every metric of a running service, and no other; `docs/METRICS.md` is what the service says of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use gathering_tests::{Aggregator, CLUSTER, KeyServer, Message, TestDatabase, TestServer};

use crate::fixture::Flow;
use crate::generated::is_current;

/// The type and the labels of each metric.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

/// What this page of metrics has.
fn exposed(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) {
            metrics.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
            continue;
        }
        let Some((sample, labels)) = line.split_once('{').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| sample.strip_suffix(end));
        let name = name.filter(|name| metrics.contains_key(*name)).unwrap_or(sample);
        let labels = labels.rsplit_once('}').unwrap().0;
        // No label of ours has a value with a quote in it.
        let names = labels.split('"').step_by(2).map(|part| part.trim_matches([',', '=']));
        let names = names.filter(|name| !name.is_empty() && *name != "le").map(str::to_owned);
        metrics.get_mut(name).unwrap_or_else(|| panic!("{line}")).1.extend(names);
    }
    metrics
}

/// What this page of metrics says that each means.
fn meanings(text: &str) -> BTreeMap<String, String> {
    let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
    helps.map(|(name, meaning)| (name.to_owned(), meaning.to_owned())).collect()
}

/// The page with every metric, by name.
fn reference(metrics: &Metrics, meanings: &BTreeMap<String, String>) -> String {
    let mut page = "# Metrics\n\n\
        <!-- Made from what running services say of themselves, by `make reference`. -->\n\n\
        Every metric of `/metrics`, by name, with what the service says of it. [MONITORING.md](MONITORING.md#metrics) has them by\n\
        subject, with the values of their labels, and with the alert for each.\n\n\
        | metric | type | labels | says |\n|---|---|---|---|\n"
        .to_owned();
    for (name, (kind, labels)) in metrics {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        let meaning = meanings[name].replace('|', "\\|").replace('<', "&lt;");
        writeln!(page, "| `{name}` | {kind} | {labels} | {meaning} |").unwrap();
    }
    page
}

/// What the tables of the document have, and the alert of each.
fn documented(text: &str) -> (Metrics, Vec<String>) {
    let (mut metrics, mut alerts) = (Metrics::new(), Vec::new());
    for line in text.lines() {
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let [name, kind, labels, _, alert] = cells[..] else { continue };
        if !matches!(kind, "counter" | "gauge" | "histogram") {
            continue;
        }
        let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let before = metrics.insert(name.trim_matches('`').to_owned(), (kind.to_owned(), labels));
        assert!(before.is_none(), "{name} is there twice");
        alerts.push(alert.to_owned());
    }
    (metrics, alerts)
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_there() {
    let (flow, keys, aggregator) = (Flow::new(1), KeyServer::start(), Aggregator::start());
    keys.publish("/keys", &[]);
    let with_consumer = flow
        .server(TestDatabase::sqlite())
        .without_secret()
        .set(&format!("auth.keys.jwks_url={}", keys.url("/keys")))
        .set(&format!("report.filter.aggregator={}", aggregator.url()))
        .set("telemetry.otlp_endpoint=http://127.0.0.1:1")
        .start();
    flow.publish(&[Message::new(42, CLUSTER, "r")]);
    with_consumer.get("/nope").send();
    with_consumer
        .until(|server| server.admin("/metrics").send().body.contains("gathering_kafka_lag{").then_some(()));
    with_consumer.until(|server| {
        let text = server.admin("/metrics").send().body;
        text.contains("gathering_auth_key_fetches_total{").then_some(())
    });
    let behind_gateway = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set("auth.mode=identity-header")
        .set("auth.trusted_proxies=[\"127.0.0.0/8\"]")
        .set("auth.rbac.url=http://127.0.0.1:1")
        .start();
    let pages = [&with_consumer, &behind_gateway].map(|server| server.admin("/metrics").send().body);
    let mut running = exposed(&pages[0]);
    running.extend(
        exposed(&pages[1]).into_iter().filter(|(name, _)| name == "gathering_auth_permissions_total"),
    );
    // No standby, and not asked either, but its metrics are there; so is that of traces.
    let database = TestDatabase::postgres();
    let (standby, collector) =
        (format!("storage.read_url={}", database.url()), "telemetry.otlp_endpoint=http://127.0.0.1:1");
    let with_standby = TestServer::builder(database).set(&standby).set(collector).start();
    let page = with_standby.admin("/metrics").send().body;
    running.extend(exposed(&page).into_iter().filter(|(name, _)| {
        name.starts_with("gathering_storage_standby_") || name.starts_with("gathering_trace_")
    }));
    is_current("METRICS.md", &reference(&running, &meanings(&(pages.concat() + &page))));
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/MONITORING.md");
    let (documented, alerts) = documented(&std::fs::read_to_string(document).unwrap());
    assert_eq!(documented, running);
    for alert in alerts {
        assert!(!alert.is_empty());
        let is_none = alert.starts_with("no alert: ") && alert.len() > 20;
        assert!(is_none || alert.contains('`') || alert.contains(" for "), "{alert}");
    }
}
