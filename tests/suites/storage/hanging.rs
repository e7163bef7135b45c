//! A write that hangs, and what is written after it.

use std::sync::Arc;
use std::time::Duration;

use gathering_domain::store::{EventSink, RequestStore, StoreError};
use gathering_domain::time::ManualClock;
use gathering_domain::wait::Waiters;
use gathering_storage::{Settings, Storage};
use gathering_tests::{Proxy, TestDatabase};

use crate::fixture::{START, event, key, processed};

#[test]
fn a_write_that_hangs_does_not_land_after_a_later_one() {
    let database = TestDatabase::postgres();
    database.migrate();
    let proxy = Proxy::to(database.server_address());
    let url = format!("{}&tcp_user_timeout=0&keepalives=0", database.url_by(&proxy)).parse().unwrap();
    let settings = Settings { url, query_timeout: Duration::from_secs(1), ..database.settings() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let storage = Storage::open(&settings, Arc::new(ManualClock::at(START))).unwrap();
        let writer = storage.batch_writer(&Waiters::nobody());
        let result = |hit| vec![event(key("a"), processed(&[hit]))];
        while writer.store(result("m|FIRST")).await.is_err() {}
        proxy.silence();
        let error = writer.store(result("m|OLD")).await.unwrap_err();
        assert!(matches!(error, StoreError::Timeout { .. }), "{error:?}");
        // Not before the first can do no more harm, but then though its thread still hangs.
        while writer.store(result("m|NEW")).await.is_err() {}
        proxy.cut();
        proxy.mend();
        // Now it hears of its connection's end. It has none to try once more.
        for number in 0..20 {
            while writer.store(vec![event(key(&format!("r{number}")), processed(&[]))]).await.is_err() {}
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let report = loop {
            if let Ok(report) = storage.report(&key("a")).await {
                break report.unwrap();
            }
        };
        assert_eq!(report.hits, ["m|NEW".parse().unwrap()]);
    });
    runtime.shutdown_background();
}
