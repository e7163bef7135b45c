//! What a service with a consumer says of its parts, and when it is not ready.

use gathering_tests::{Program, TestDatabase, until};

use crate::fixture::{Flow, sample};

#[test]
fn a_consumer_alone_is_not_ready_with_a_database_that_only_reads() {
    let flow = Flow::new(1);
    let database = TestDatabase::postgres();
    database.migrate();
    let only_reads = format!("{}%20-cdefault_transaction_read_only%3Don", database.url());
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], &only_reads);
    arguments.extend(["--set".to_owned(), "storage.migrate_on_start=false".to_owned()]);
    let program = Program::new();
    let running = program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    until(|| {
        let ready = running.admin("/readyz").send();
        let parts = &ready.json()["parts"];
        assert_eq!((ready.status, ready.sentence().as_str()), (503, "the database only reads"));
        assert_eq!(
            (&parts["database_writes"]["required"], &parts["kafka"]["required"]),
            (&true.into(), &true.into())
        );
        assert_eq!(parts["database_reads"]["required"], false);
        assert!(parts.get("keys").is_none() && parts.get("rule_content").is_none());
        parts["kafka"]["ready"] == true
    });
    let health = program.run(&["health", &format!("http://{}", running.admin_address())]);
    assert_eq!(health.code, Some(1));
    let told = "503 Service Unavailable the database only reads; not ready: database_writes (the database only reads)";
    assert!(health.stderr.contains(told), "{health:?}");
}

#[cfg(not(feature = "apache-kafka"))]
#[test]
fn brokers_that_are_away_show_and_an_api_stays_ready() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let mut arguments = flow.arguments(&["serve"], database.url());
    arguments.extend(["--set", "auth.mode=disabled"].map(str::to_owned));
    let program = Program::new();
    let running = program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let brokers = || sample(&running.admin("/metrics").send().body, "gathering_kafka_brokers_up");
    until(|| brokers() >= Some(1));
    flow.broker.set_up(false);
    until(|| brokers() == Some(0));
    let kafka = || running.admin("/readyz").send().json()["parts"]["kafka"]["ready"].clone();
    until(|| kafka() == false);
    let ready = running.admin("/readyz").send();
    assert_eq!((ready.status, ready.sentence().as_str()), (200, "ready"));
    let health = program.run(&["health", &format!("http://{}", running.admin_address())]).ok();
    assert_eq!(health.stdout, "ready; not ready: kafka (no Kafka broker is connected)\n");
    until(|| running.stderr().contains("a part is not ready: no Kafka broker is connected part=kafka"));
    flow.broker.set_up(true);
    until(|| kafka() == true);
    until(|| running.stderr().contains("a part is ready again part=kafka seconds="));
}
