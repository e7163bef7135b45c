//! Every store against the suite that the domain publishes.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;

use gathering_domain::conformance::{check, check_purging};
use gathering_domain::memory::MemoryStore;
use gathering_domain::time::{Clock, ManualClock, Retention};
use gathering_storage::{Pooler, Settings, Storage};
use gathering_tests::TestDatabase;

fn run(checks: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(checks);
}

fn in_memory(clock: Arc<ManualClock>) -> MemoryStore<Arc<ManualClock>> {
    MemoryStore::new(clock, Retention::default())
}

/// A database for each check, all of them kept until the end.
struct Databases {
    new: fn() -> TestDatabase,
    pooler: Pooler,
    kept: RefCell<Vec<TestDatabase>>,
}

impl Databases {
    const fn of(new: fn() -> TestDatabase) -> Self {
        Self { new, pooler: Pooler::None, kept: RefCell::new(Vec::new()) }
    }

    /// The same, as behind a pooler that shares connections.
    fn pooled(new: fn() -> TestDatabase) -> Self {
        Self { pooler: Pooler::Transaction, ..Self::of(new) }
    }

    fn storage(&self, clock: Arc<ManualClock>) -> Storage {
        let database = (self.new)();
        database.migrate();
        let settings = Settings { pooler: self.pooler, ..database.settings() };
        let storage = Storage::open(&settings, clock as Arc<dyn Clock>).unwrap();
        self.kept.borrow_mut().push(database);
        storage
    }
}

#[test]
fn memory_does_what_is_asked_of_a_store() {
    run(check(async |clock| in_memory(clock)));
}

#[test]
fn sqlite_does_what_is_asked_of_a_store() {
    let databases = Databases::of(TestDatabase::sqlite);
    run(check(async |clock| databases.storage(clock)));
}

#[test]
fn postgres_does_what_is_asked_of_a_store() {
    let databases = Databases::of(TestDatabase::postgres);
    run(check(async |clock| databases.storage(clock)));
}

#[test]
fn postgres_does_it_transaction_by_transaction() {
    let databases = Databases::pooled(TestDatabase::postgres);
    run(check(async |clock| databases.storage(clock)));
    run(check_purging(async |clock| databases.storage(clock)));
}

#[test]
fn memory_purges_what_has_expired() {
    run(check_purging(async |clock| in_memory(clock)));
}

#[test]
fn sqlite_purges_what_has_expired() {
    let databases = Databases::of(TestDatabase::sqlite);
    run(check_purging(async |clock| databases.storage(clock)));
}

#[test]
fn postgres_purges_what_has_expired() {
    let databases = Databases::of(TestDatabase::postgres);
    run(check_purging(async |clock| databases.storage(clock)));
}
