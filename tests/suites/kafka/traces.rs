//! Traces: what is sampled, what they tell, and that a collector that is away, silent or slow costs nothing.

use std::net::TcpListener;

use gathering_tests::{CLUSTER, CollectedSpan, Collector, Message, Program, TestDatabase, TestServer, until};

use crate::fixture::Flow;

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
    let dropped = || {
        let text = running.admin("/metrics").send().body;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("gathering_trace_spans_total{outcome=\"dropped\"} "));
        line.map(|value| value.parse::<u64>().unwrap())
    };
    until(|| {
        for _ in 0..100 {
            assert_eq!(running.call("GET", "/nope").send().status, 404);
        }
        dropped() > Some(0)
    });
    running.signal("TERM");
    let stopped = std::time::Instant::now();
    let finished = running.wait();
    assert_eq!(finished.code, Some(0));
    assert!(stopped.elapsed().as_secs() < 30, "{:?}", stopped.elapsed());
    let lines = finished.stderr.lines().filter(|line| line.contains("traces cannot be sent")).count();
    assert!(lines <= 1, "{}", finished.stderr);
}
