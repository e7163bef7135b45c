//! A file that others write over or make smaller, and one that others read.

use std::fs;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use gathering_domain::store::ContentStore;
use gathering_storage::SqliteFileError;
use gathering_tests::execute_on_sqlite;

use super::place::{Place, content, names, open, requests};
use super::run;

/// A store with more in it than a small backup has, some of it in the WAL file alone.
async fn grown(place: &Place) {
    for number in 0..100 {
        place.write(&format!("old{number}")).await.unwrap();
    }
    execute_on_sqlite(&place.home(), "PRAGMA wal_checkpoint(TRUNCATE)");
    for number in 0..100 {
        place.write(&format!("later{number}")).await.unwrap();
    }
    assert!(place.has("later99").await);
}

#[test]
fn a_smaller_database_that_is_copied_over_the_file_is_not_mixed_with_it() {
    run(|place| async move {
        let other = place.other("other.db").await;
        grown(&place).await;
        for round in 1..=2 {
            // Keeps the inode.
            fs::copy(&other, place.home()).unwrap();
            place.refused(&SqliteFileError::CutOff).await;
            place.back().await;
            assert!(place.has("other").await && !place.has("old1").await && !place.has("later99").await);
            assert_eq!(place.store.content().await.unwrap().1, content("of the other"));
            place.write("new").await.unwrap();
            assert_eq!(requests(&place.home()), ["new", "other"], "nothing of the first got into it");
            let names = names(&place.path("home"));
            let kept = names.iter().filter(|name| name.contains("-wal-of-")).count();
            assert_eq!(kept, round, "what was committed to the first is kept: {names:?}");
            grown(&place).await;
        }
    });
}

#[test]
fn a_smaller_database_that_is_copied_over_the_file_just_before_the_end_is_whole() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let place = Place::new();
    let other = runtime.block_on(place.other("other.db"));
    runtime.block_on(grown(&place));
    fs::copy(&other, place.home()).unwrap();
    let (path, folder) = (place.home(), place.path("home"));
    let _kept = place.close();
    let is_open = || names(&folder).iter().any(|name| name.ends_with("-shm"));
    for _ in 0..6000 {
        if !is_open() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(requests(&path), ["other"]);
}

#[test]
fn a_vacuum_by_another_program_costs_nothing_that_was_acknowledged() {
    run(|place| async move {
        grown(&place).await;
        execute_on_sqlite(&place.home(), "PRAGMA wal_checkpoint(TRUNCATE)");
        place.store.ping().await.unwrap();
        execute_on_sqlite(
            &place.home(),
            "DELETE FROM requests WHERE request_id LIKE 'old%'; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
        );
        place.refused(&SqliteFileError::CutOff).await;
        place.back().await;
        assert!(place.has("later0").await && place.has("later99").await);
        place.write("new").await.unwrap();
        let found = requests(&place.home());
        assert!((101..=102).contains(&found.len()), "{found:?}");
    });
}

#[test]
fn whoever_reads_the_lost_file_holds_nobody_up() {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut place = Place::new();
            place.settings.query_timeout = std::time::Duration::from_secs(3600);
            place.store = open(&place.settings);
            place.write("kept").await.unwrap();
            let mut reader = SqliteConnection::establish(place.home().to_str().unwrap()).unwrap();
            reader.batch_execute("BEGIN; SELECT * FROM requests").unwrap();
            let other = place.other("other.db").await;
            fs::rename(other, place.home()).unwrap();
            place.refused(&SqliteFileError::Replaced).await;
            place.back().await;
            assert!(place.has("other").await);
            done.send(()).unwrap();
        });
    });
    is_done.recv_timeout(std::time::Duration::from_secs(120)).expect("nobody waits for the reader");
}
