//! A store on a file that a check does something to.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use gathering_domain::content::{RuleContent, RuleContentSet};
use gathering_domain::request::RequestState;
use gathering_domain::store::{ContentStore, EventSink, RequestStore, StoreError};
use gathering_domain::time::ManualClock;
use gathering_storage::{DatabaseUrl, Migrator, Settings, SqliteFileError, Storage};
use gathering_tests::TestDatabase;
use tempfile::TempDir;

use crate::fixture::{START, event, key, processed};

/// Migrated databases in a folder, and a store on one of them.
pub(super) struct Place {
    folder: TempDir,
    pub(super) settings: Settings,
    pub(super) store: Storage,
}

impl Place {
    pub(super) fn new() -> Self {
        Self::on("home/gathering.db")
    }

    pub(super) fn on(file: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(file);
        let settings = migrated(&path);
        let store = open(&settings);
        Self { folder, settings, store }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path("home/gathering.db")
    }

    /// Another database, complete in its file, which has a request and content of its own.
    pub(super) async fn other(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let store = open(&migrated(&path));
        store.store(vec![event(key("other"), processed(&[]))]).await.unwrap();
        store.replace_content(content("of the other")).await.unwrap();
        drop(store);
        // The last connection closes on a thread of its own.
        let is_open = || self.path(&format!("{name}-wal")).exists();
        for _ in 0..6000 {
            if !is_open() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(!is_open());
        path
    }

    /// Closes the store and leaves the folder.
    pub(super) fn close(self) -> TempDir {
        self.folder
    }

    pub(super) async fn write(&self, request: &str) -> Result<(), StoreError> {
        let outcomes = self.store.store(vec![event(key(request), processed(&[]))]).await?;
        assert_eq!(outcomes.len(), 1);
        Ok(())
    }

    pub(super) async fn has(&self, request: &str) -> bool {
        self.store.state(&key(request)).await.unwrap() == Some(RequestState::Processed)
    }

    /// Writes until it is refused: some readers look from time to time only, a writer looks each time.
    pub(super) async fn refused(&self, expected: &SqliteFileError) {
        assert_eq!(&file_error(self.write("lost").await.unwrap_err()), expected);
    }

    /// Waits until the store is back.
    pub(super) async fn back(&self) {
        for _ in 0..2000 {
            if self.store.ping().await.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        self.store.ping().await.expect("the store comes back");
    }
}

pub(super) fn migrated(path: &Path) -> Settings {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let url: DatabaseUrl = format!("sqlite://{}", path.display()).parse().unwrap();
    let settings = Settings { url, ..TestDatabase::sqlite().settings() };
    Migrator::bring_up_to_date(&settings).unwrap();
    settings
}

pub(super) fn open(settings: &Settings) -> Storage {
    Storage::open(settings, Arc::new(ManualClock::at(START))).unwrap()
}

pub(super) fn content(generic: &str) -> RuleContentSet {
    let content = RuleContent { generic: generic.to_owned(), summary: String::new(), total_risk: 1 };
    std::iter::once(("module|KEY".parse().unwrap(), content)).collect()
}

pub(super) fn file_error(error: StoreError) -> SqliteFileError {
    let StoreError::Unavailable { source } = error else { panic!("{error:?}") };
    source.downcast_ref::<SqliteFileError>().unwrap_or_else(|| panic!("{source:?}")).clone()
}

/// What is recorded in a file, asked by somebody else.
pub(super) fn requests(path: &Path) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        request_id: String,
    }
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
    let check: Vec<Row> =
        diesel::sql_query("SELECT integrity_check AS request_id FROM pragma_integrity_check")
            .load(&mut connection)
            .unwrap();
    assert_eq!(check.iter().map(|row| row.request_id.as_str()).collect::<Vec<_>>(), ["ok"]);
    let rows: Vec<Row> =
        diesel::sql_query("SELECT request_id FROM requests ORDER BY 1").load(&mut connection).unwrap();
    rows.into_iter().map(|row| row.request_id).collect()
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
