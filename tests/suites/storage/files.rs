//! A SQLite file that goes away while it is open: nothing is acknowledged into nowhere, and the store comes back by itself
//! once a database is there.

mod copied;
mod place;

use std::fs;
use std::os::unix::fs::symlink;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use gathering_domain::store::{ContentStore, RequestStore, StoreError};
use gathering_storage::SqliteFileError;

use self::place::{Place, content, file_error, migrated, names, open, requests};
use crate::fixture::{cluster, key, organization};

fn run<F: Future<Output = ()>>(check: impl FnOnce(Place) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(check(Place::new()));
}

#[test]
fn a_commit_into_a_deleted_file_is_refused() {
    run(|place| async move {
        place.write("kept").await.unwrap();
        assert!(place.has("kept").await);
        fs::remove_file(place.home()).unwrap();
        place.refused(&SqliteFileError::Missing).await;
        for _ in 0..3 {
            place.refused(&SqliteFileError::Missing).await;
            assert_eq!(file_error(place.store.ping().await.unwrap_err()), SqliteFileError::Missing);
            let kept = place.store.state(&key("kept")).await.unwrap_err();
            assert_eq!(file_error(kept), SqliteFileError::Missing, "also of what was remembered");
        }
        assert_eq!(names(&place.path("home")), [""; 0], "nothing is made, nothing is left behind");
        migrated(&place.home());
        place.back().await;
        assert!(!place.has("kept").await);
        place.write("new").await.unwrap();
        assert_eq!(requests(&place.home()), ["new"]);
    });
}

#[test]
fn readers_find_out_by_themselves() {
    run(|place| async move {
        place.write("kept").await.unwrap();
        assert!(place.has("kept").await);
        let other = place.other("other.db").await;
        fs::rename(other, place.home()).unwrap();
        let (mut answers, mut failures) = (0, 0);
        loop {
            match place.store.list(organization(), cluster(), None).await {
                Ok(Some(list)) if list[0].request.as_str() == "other" => break,
                Ok(list) => {
                    assert_eq!(list.unwrap()[0].request.as_str(), "kept");
                    answers += 1;
                }
                Err(error) => {
                    file_error(error);
                    failures += 1;
                }
            }
            assert!(answers + failures < 1_000_000);
        }
        assert!(!place.has("kept").await, "what was remembered is forgotten");
    });
}

#[test]
fn another_file_takes_the_place_of_the_first() {
    run(|place| async move {
        place.store.replace_content(content("of the first")).await.unwrap();
        let (before, _) = place.store.content().await.unwrap();
        place.write("kept").await.unwrap();
        assert!(place.has("kept").await);
        let other = place.other("other.db").await;
        fs::rename(other, place.home()).unwrap();
        place.refused(&SqliteFileError::Replaced).await;
        place.back().await;
        assert!(place.has("other").await && !place.has("kept").await && !place.has("lost").await);
        let (after, loaded) = place.store.content().await.unwrap();
        assert_ne!(before, after, "the same number of another database is another revision");
        assert_eq!(loaded, content("of the other"));
        place.write("new").await.unwrap();
        assert_eq!(requests(&place.home()), ["new", "other"], "nothing of the first got into it");
    });
}

/// Says that something is over when it is dropped.
struct Ends<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn it_can_happen_again_and_again_while_others_write_and_read() {
    let place = &Place::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ends = &std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            scope.spawn(move || {
                runtime().block_on(async {
                    while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                        // Whatever it is, it is an answer or passing.
                        match place.store.list(organization(), cluster(), None).await {
                            Ok(_) => {}
                            Err(error) => {
                                assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
                            }
                        }
                        let _ = place.store.state(&key(if reader == 0 { "other" } else { "new0" })).await;
                    }
                });
            });
        }
        // Readers end also when this fails.
        let _ended = Ends(ends);
        runtime().block_on(async {
            for round in 0..20 {
                let other = place.other(&format!("other{round}.db")).await;
                fs::rename(other, place.home()).unwrap();
                let mut taken = vec!["other".to_owned()];
                for number in 0.. {
                    let request = format!("new{round}x{number}");
                    if place.write(&request).await.is_ok() {
                        taken.push(request);
                    }
                    if taken.len() > 5 {
                        break;
                    }
                }
                taken.sort();
                let found = requests(&place.home());
                assert!(taken.iter().all(|request| found.contains(request)), "{taken:?} of {found:?}");
            }
        });
    });
}

#[test]
fn a_folder_that_is_moved_away_and_back_has_all_that_was_acknowledged() {
    run(|place| async move {
        place.write("kept").await.unwrap();
        fs::rename(place.path("home"), place.path("away")).unwrap();
        place.refused(&SqliteFileError::Missing).await;
        assert_eq!(file_error(place.store.ping().await.unwrap_err()), SqliteFileError::Missing);
        assert!(!place.path("home").exists(), "nothing is made in its place");
        assert!(requests(&place.path("away/gathering.db")).contains(&"kept".to_owned()));
        fs::rename(place.path("away"), place.path("home")).unwrap();
        place.back().await;
        assert!(place.has("kept").await);
        place.write("new").await.unwrap();
    });
}

#[test]
fn a_file_that_is_moved_alone_takes_all_that_was_acknowledged_with_it() {
    run(|place| async move {
        place.write("kept").await.unwrap();
        fs::rename(place.home(), place.path("moved.db")).unwrap();
        place.refused(&SqliteFileError::Missing).await;
        place.store.ping().await.unwrap_err();
        assert!(requests(&place.path("moved.db")).contains(&"kept".to_owned()));
        let other = place.other("other.db").await;
        fs::rename(other, place.home()).unwrap();
        place.back().await;
        assert_eq!(requests(&place.home()), ["other"]);
        assert_eq!(names(&place.path("home")), ["gathering.db", "gathering.db-shm", "gathering.db-wal"]);
    });
}

#[test]
fn a_companion_that_is_deleted_costs_nothing_that_was_acknowledged() {
    for suffix in ["-wal", "-shm"] {
        run(|place| async move {
            place.write("kept").await.unwrap();
            assert!(place.has("kept").await);
            fs::remove_file(place.path(&format!("home/gathering.db{suffix}"))).unwrap();
            place.refused(&SqliteFileError::CompanionLost { suffix }).await;
            place.back().await;
            assert!(place.has("kept").await);
            place.write("new").await.unwrap();
            let found = requests(&place.home());
            assert!(
                ["kept", "new"].iter().all(|request| found.contains(&(*request).to_owned())),
                "{found:?}"
            );
        });
    }
}

#[test]
fn a_link_that_is_switched_is_followed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut place = Place::new();
        let other = place.other("other/gathering.db").await;
        let link = place.path("link.db");
        symlink(place.home(), &link).unwrap();
        place.settings.url = format!("sqlite://{}", link.display()).parse().unwrap();
        place.store = open(&place.settings);
        place.write("kept").await.unwrap();
        fs::remove_file(&link).unwrap();
        symlink(&other, &link).unwrap();
        place.refused(&SqliteFileError::Replaced).await;
        place.back().await;
        assert!(place.has("other").await && !place.has("kept").await);
        assert!(requests(&place.home()).contains(&"kept".to_owned()), "the first is in order");
    });
}

#[test]
fn a_file_that_is_cut_off_or_overwritten_is_refused_until_a_good_one_is_there() {
    for content in [&b""[..], b"no database", &[7; 8192]] {
        run(|place| async move {
            place.write("kept").await.unwrap();
            // Keeps the inode.
            fs::write(place.home(), content).unwrap();
            let first = file_error(place.write("lost").await.unwrap_err());
            assert!(matches!(first, SqliteFileError::CutOff | SqliteFileError::Damaged), "{first:?}");
            let problem = file_error(place.store.ping().await.unwrap_err());
            assert!(
                matches!(
                    problem,
                    SqliteFileError::Damaged
                        | SqliteFileError::OtherSchema
                        | SqliteFileError::Unusable { .. }
                ),
                "{problem:?}"
            );
            place.write("lost").await.unwrap_err();
            let other = place.other("other.db").await;
            fs::rename(other, place.home()).unwrap();
            place.back().await;
            assert!(place.has("other").await && !place.has("kept").await);
            place.write("new").await.unwrap();
            assert_eq!(requests(&place.home()), ["new", "other"]);
        });
    }
}

#[test]
fn a_file_without_the_schema_is_not_taken() {
    run(|place| async move {
        place.write("kept").await.unwrap();
        let foreign = place.path("foreign.db");
        let mut connection = SqliteConnection::establish(foreign.to_str().unwrap()).unwrap();
        connection.batch_execute("CREATE TABLE x (y)").unwrap();
        drop(connection);
        let before = fs::read(&foreign).unwrap();
        fs::rename(&foreign, place.home()).unwrap();
        place.refused(&SqliteFileError::Replaced).await;
        place.refused(&SqliteFileError::OtherSchema).await;
        assert_eq!(file_error(place.store.ping().await.unwrap_err()), SqliteFileError::OtherSchema);
        assert_eq!(fs::read(place.home()).unwrap(), before, "it is left as it is");
        fs::remove_file(place.home()).unwrap();
        migrated(&place.home());
        place.back().await;
        place.write("new").await.unwrap();
    });
}
