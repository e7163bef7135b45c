//! Traces: what is sampled, what they tell, and that a collector that is away, silent or slow costs nothing.

use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gathering_tests::{
    Aggregator, CLUSTER, CollectedSpan, Collector, KeyServer, Message, Program, TestDatabase, TestServer,
    until,
};
use serde_json::json;

use crate::fixture::{Flow, sample};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

fn of<'s>(spans: &'s [CollectedSpan], name: &str) -> Vec<&'s CollectedSpan> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[test]
fn calls_lookups_batches_and_messages_are_traced() {
    let (flow, collector) = (Flow::new(1), Collector::start());
    let parent = traceparent("01");
    let server =
        flow.server(TestDatabase::sqlite()).set(&collector.setting()).set("telemetry.sample=1").start();
    let message = Message::new(42, CLUSTER, "r").to_string();
    flow.broker.publisher().publish_with(&flow.results, &message, "", &[("traceparent", &parent)]);
    flow.broker.publisher().flush();
    server.until(|server| server.state(42, CLUSTER, "r"));
    let call = server.get(&format!("/cluster/{CLUSTER}/request/r/status")).bearer(&server.token(42));
    let call = call.header("traceparent", &parent).header("x-rh-insights-request-id", "my-call");
    assert_eq!(call.send().status, 200);
    let spans = server.until(|_| {
        let spans = collector.spans();
        ["call", "lookup", "batch", "message"]
            .iter()
            .all(|name| !of(&spans, name).is_empty())
            .then_some(spans)
    });
    let call =
        of(&spans, "call").into_iter().find(|span| span.attribute("gathering.call_id") == "my-call").unwrap();
    assert_eq!((call.trace.as_str(), call.parent.as_str()), (TRACE, CALLER));
    assert_eq!(call.attribute("http.route"), "/cluster/{clusterID}/request/{requestID}/status");
    assert_eq!(call.attribute("http.response.status_code"), "200");
    let lookup = of(&spans, "lookup").into_iter().find(|span| span.parent == call.id).unwrap();
    assert_eq!((lookup.trace.as_str(), lookup.attribute("gathering.lookup")), (TRACE, "status"));
    assert!(lookup.duration <= call.duration);
    let message = of(&spans, "message")[0];
    assert_eq!((message.trace.as_str(), message.parent.as_str()), (TRACE, CALLER));
    assert_eq!(message.attribute("messaging.destination.name"), flow.results);
    assert_eq!(message.attribute("gathering.outcome"), "stored");
    assert_eq!(of(&spans, "batch")[0].attribute("gathering.events"), "1");
    assert!(spans.iter().all(|span| span.id.len() == 16 && span.trace.len() == 32));
    check_says_nothing_of_whose_it_is(&spans, &server.token(42));
}

/// No span has a token, an ID of what is recorded, or an attribute beside these.
fn check_says_nothing_of_whose_it_is(spans: &[CollectedSpan], token: &str) {
    let known = [
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "gathering.call_id",
        "gathering.lookup",
        "gathering.events",
        "gathering.outcome",
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "messaging.kafka.offset",
    ];
    for (name, value) in spans.iter().flat_map(|span| &span.attributes) {
        assert!(known.contains(&name.as_str()), "{name}");
        assert!(!value.contains(CLUSTER) && !value.contains(token), "{name}: {value}");
    }
}

#[test]
fn what_the_caller_does_not_sample_is_not_and_callers_cannot_have_all_of_it() {
    let collector = Collector::start();
    let server = TestServer::builder(TestDatabase::sqlite())
        .set(&collector.setting())
        .set("telemetry.sample=0")
        .start();
    let call = |flags: &str, id: &str| {
        let call = server.get("/nope").header("traceparent", &traceparent(flags));
        call.header("x-rh-insights-request-id", id).send();
    };
    let began = std::time::Instant::now();
    for _ in 0..200 {
        call("00", "unsampled");
        call("01", "sampled");
    }
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    let exported = "gathering_trace_spans_total{outcome=\"exported\"}";
    server.until(|server| (server.metric(exported) >= 10).then_some(()));
    drop(server);
    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.attribute("gathering.call_id") == "sampled"), "{spans:?}");
    assert!((10..=10 * (seconds + 2)).contains(&spans.len()), "{} spans in {seconds} s", spans.len());
}

/// What those who are asked or told something as a part of this span are sent.
fn sent_on(span: &CollectedSpan) -> String {
    format!("00-{}-{}-01", span.trace, span.id)
}

/// A server that asks others, and these; it waits for the RBAC service.
fn asking(sample: &str) -> (TestServer, Collector, KeyServer, Aggregator) {
    let (collector, rbac, aggregator) = (Collector::start(), KeyServer::start(), Aggregator::start());
    let permission = json!({
        "meta": {"count": 1}, "data": [{"permission": "ocp-advisor:recommendation-results:read"}]
    });
    rbac.answer("/rbac/access/?application=ocp-advisor&limit=100", "200 OK", "", permission.to_string());
    let server = TestServer::builder(TestDatabase::sqlite())
        .content(&[("rules.a|K", "What it found.", 2)])
        .set(&collector.setting())
        .set(&format!("telemetry.sample={sample}"))
        .set("auth.mode=identity-header")
        .set("auth.trusted_proxies=[\"127.0.0.0/8\"]")
        .set(&format!("auth.rbac.url={}", rbac.url("/rbac")))
        .set("auth.rbac.enforce=true")
        .set(&format!("report.filter.aggregator={}", aggregator.url()))
        .set("report.filter.timeout=30s")
        .start();
    server.import(&[Message::new(42, CLUSTER, "r").hit("rules.a|K")]);
    (server, collector, rbac, aggregator)
}

/// Asks for a report as a service account.
fn ask_for_report(server: &TestServer, parent: &str) {
    let identity = json!({"identity": {
        "org_id": "42", "type": "ServiceAccount", "service_account": {"client_id": "one"}
    }});
    let call = server.get(&format!("/cluster/{CLUSTER}/request/r/report"));
    let call = call.header("x-rh-identity", &STANDARD.encode(identity.to_string()));
    let answer = call.header("traceparent", parent).send();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn who_is_asked_for_a_sampled_call_learns_of_its_span() {
    let (server, collector, rbac, aggregator) = asking("0");
    ask_for_report(&server, &traceparent("01"));
    let call = server.until(|_| of(&collector.spans(), "call").first().map(|&call| call.clone()));
    assert_eq!((call.trace.as_str(), call.parent.as_str()), (TRACE, CALLER));
    assert_eq!(rbac.headers("traceparent"), [sent_on(&call)]);
    let calls = aggregator.calls();
    assert_eq!(calls.len(), 2);
    let header = format!("traceparent: {}", sent_on(&call));
    assert!(calls.iter().all(|call| call.headers.contains(&header)), "{calls:?}");
}

#[test]
fn who_is_asked_for_another_call_gets_nothing_of_its_headers() {
    let (server, _collector, rbac, aggregator) = asking("1");
    ask_for_report(&server, &traceparent("00"));
    let calls = aggregator.calls();
    assert_eq!((rbac.headers("x-rh-identity").len(), calls.len()), (1, 2));
    assert!(rbac.headers("traceparent").is_empty());
    assert!(!calls.iter().flat_map(|call| &call.headers).any(|line| line.contains("trace")), "{calls:?}");
}

#[test]
fn what_is_written_about_a_sampled_message_is_a_part_of_its_span() {
    let (flow, collector) = (Flow::new(1), Collector::start());
    let tracker = flow.broker.topic(1);
    let bad = |request: &str| Message::new(42, CLUSTER, request).with("Version", json!("x")).to_string();
    for (request, flags) in [("sampled", "01"), ("unsampled", "00")] {
        let headers = [("traceparent", &*traceparent(flags)), ("other", "kept")];
        flow.broker.publisher().publish_with(&flow.results, bad(request), "", &headers);
    }
    flow.broker.publisher().flush();
    let _server = flow
        .server(TestDatabase::sqlite())
        .set(&collector.setting())
        .set("telemetry.sample=0")
        .set(&format!("ingest.kafka.payload_tracker_topic={tracker}"))
        .start();
    until(|| flow.broker.read(&tracker).len() == 4 && !collector.spans().is_empty());
    let spans = collector.spans();
    let [message] = &of(&spans, "message")[..] else { panic!("{spans:?}") };
    assert_eq!((message.trace.as_str(), message.parent.as_str()), (TRACE, CALLER));
    let letters = flow.broker.read(&flow.dead_letters);
    let [sampled, unsampled] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(sampled.header("traceparent"), sent_on(message));
    assert_eq!(unsampled.header("traceparent"), traceparent("00"));
    assert_eq!((sampled.header("other"), unsampled.header("other")), ("kept", "kept"));
    let told = flow.broker.read(&tracker);
    assert!(told[..2].iter().all(|told| told.header("traceparent") == sent_on(message)), "{told:?}");
    assert!(told[2..].iter().all(|told| told.headers.is_empty()), "{told:?}");
}

#[test]
fn a_collector_that_says_nothing_holds_up_neither_calls_nor_the_stop() {
    // It takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("telemetry.otlp_endpoint=http://{}", silent.local_addr().unwrap());
    let program = Program::new();
    let settings = ["auth.mode=disabled", "telemetry.sample=1", "http.shutdown_delay=0s", &endpoint];
    let arguments: Vec<&str> =
        ["serve"].into_iter().chain(settings.into_iter().flat_map(|set| ["--set", set])).collect();
    let running = program.serve(&arguments);
    let failed = || {
        let text = running.admin("/metrics").send().body;
        sample(&text, "gathering_trace_spans_total{outcome=\"failed\"} ")
    };
    until(|| {
        assert_eq!(running.call("GET", "/nope").send().status, 404);
        failed() > Some(0)
    });
    running.signal("TERM");
    let stopped = std::time::Instant::now();
    let finished = running.wait();
    assert_eq!(finished.code, Some(0));
    assert!(stopped.elapsed().as_secs() < 30, "{:?}", stopped.elapsed());
    let lines = finished.stderr.lines().filter(|line| line.contains("traces cannot be sent")).count();
    assert!(lines <= 1, "{}", finished.stderr);
}
