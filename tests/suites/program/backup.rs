//! `gathering backup`: a copy of a database in use, and the way back.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use gathering_tests::{CLUSTER, Message, Program, Running, Scale, TestDatabase, execute_on_sqlite, until};

use crate::refused;

fn post(running: &Running, request: &str) -> u16 {
    let message = Message::new(1, CLUSTER, request).hit("rules.a|KEY").to_string();
    let call =
        running.call("POST", "/ingest/results").header("content-type", "application/json").body(message);
    call.send().status
}

fn status(running: &Running, request: &str) -> u16 {
    running.call("GET", &format!("/cluster/{CLUSTER}/request/{request}/status")).send().status
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn all_that_was_acknowledged_before_it_began_is_in_it_while_writers_go_on() {
    let program = Program::new();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    let (acknowledged, is_over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let known = std::thread::scope(|scope| {
        for writer in 0..3 {
            let (running, acknowledged, is_over) = (&running, &acknowledged, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    let request = format!("w{writer}-{number}");
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    assert_eq!(post(running, &request), 200, "{}", running.stderr());
                    acknowledged.lock().unwrap().push(request);
                }
            });
        }
        until(|| acknowledged.lock().unwrap().len() > 60);
        let known = acknowledged.lock().unwrap().clone();
        let run = program.run(&["backup", "copy.db"]).ok();
        is_over.store(true, Ordering::Relaxed);
        let size = program.folder().join("copy.db").metadata().unwrap().len();
        assert_eq!(run.stdout, format!("wrote {size} bytes to copy.db\n"));
        known
    });
    let copy = program.folder().join("copy.db").metadata().unwrap();
    assert_eq!(copy.permissions().mode() & 0o777, 0o600, "nobody else may read it");
    assert!(!files(program.folder()).iter().any(|name| name.contains(".gathering-backup-")));

    // In a new place.
    let elsewhere = Program::new();
    fs::create_dir(elsewhere.folder().join("data")).unwrap();
    fs::copy(program.folder().join("copy.db"), elsewhere.folder().join("data/gathering.db")).unwrap();
    let restored = elsewhere.serve(&["serve", "--set", "auth.mode=disabled"]);
    let missing: Vec<_> = known.iter().filter(|request| status(&restored, request) != 200).collect();
    assert!(known.len() > 60 && missing.is_empty(), "{missing:?}");
    assert_eq!(post(&restored, "new"), 200);

    // And in the place of the file in use, as docs/DATABASES.md says.
    assert_eq!(post(&running, "later"), 200);
    let (copy, file) = (program.folder().join("copy.db"), program.folder().join("data/gathering.db"));
    fs::rename(copy, &file).unwrap();
    until(|| post(&running, "new") == 200);
    until(|| running.admin("/readyz").send().status == 200);
    assert!(known.iter().all(|request| status(&running, request) == 200));
    assert_eq!(status(&running, "later"), 404);
}

#[test]
fn it_holds_what_only_the_wal_file_has_and_changes_nothing_of_a_database_that_is_not_in_use() {
    let program = Program::new();
    let message = Message::new(1, CLUSTER, "a").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    let data = program.folder().join("data");
    let before = (files(&data), fs::read(data.join("gathering.db")).unwrap());
    program.run(&["backup", "copy.db"]).ok();
    assert_eq!((files(&data), fs::read(data.join("gathering.db")).unwrap()), before);

    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    assert_eq!(post(&running, "b"), 200);
    running.signal("KILL");
    running.wait();
    assert!(files(&data).contains(&"gathering.db-wal".to_owned()), "it was left in the middle");
    program.run(&["backup", "copy.db", "--overwrite"]).ok();
    execute_on_sqlite(
        &program.folder().join("copy.db"),
        "CREATE TABLE two (n CHECK (n = 2)); INSERT INTO two SELECT count(*) FROM requests",
    );
}

#[test]
fn nothing_is_overwritten_that_it_was_not_told_to() {
    let program = Program::new();
    program.run(&["migrate"]).ok();
    program.file("there.db", "precious");
    let run = program.run(&["backup", "there.db"]);
    assert_eq!(refused(&run, 1), "there.db is there already; choose another name, or say --overwrite");
    assert_eq!(fs::read(program.folder().join("there.db")).unwrap(), b"precious");
    program.run(&["backup", "there.db", "--overwrite"]).ok();
    assert!(fs::read(program.folder().join("there.db")).unwrap().starts_with(b"SQLite format 3"));

    symlink("data/gathering.db", program.folder().join("link.db")).unwrap();
    let inode = program.folder().join("data/gathering.db").metadata().unwrap().ino();
    for database in ["data/gathering.db", "link.db", "data/gathering.db-wal", "data/../data/gathering.db-shm"]
    {
        let run = program.run(&["backup", "--overwrite", database]);
        assert_eq!(refused(&run, 2), "a backup cannot take the place of the database itself");
    }
    assert_eq!(program.folder().join("data/gathering.db").metadata().unwrap().ino(), inode);
    let run = program.run(&["backup", "missing/folder.db"]);
    assert!(refused(&run, 1).starts_with("missing/folder.db cannot be written"), "{run:?}");
    assert!(!files(program.folder()).iter().any(|name| name.contains(".gathering-backup-")));
}

#[test]
fn what_is_no_regular_file_is_left_as_it_is() {
    let program = Program::new();
    program.run(&["migrate"]).ok();
    program.file("there.db", "precious");
    let (link, fifo) = (program.folder().join("link.db"), program.folder().join("fifo.db"));
    symlink("there.db", &link).unwrap();
    symlink("nowhere.db", program.folder().join("dangling.db")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::create_dir(program.folder().join("folder.db")).unwrap();
    for name in ["link.db", "dangling.db", "fifo.db", "folder.db"] {
        let run = program.run(&["backup", "--overwrite", name]);
        let sentence = format!("{name} is no regular file, and is left as it is; choose another name");
        assert_eq!(refused(&run, 1), sentence);
    }
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert!(fifo.symlink_metadata().unwrap().file_type().is_fifo());
    assert_eq!(fs::read(program.folder().join("there.db")).unwrap(), b"precious");
    assert!(!program.folder().join("nowhere.db").exists());
}

#[test]
fn a_signal_leaves_no_half_of_a_copy() {
    let (program, database) = (Program::new(), TestDatabase::sqlite());
    Scale { first: 0, requests: 100_000, clusters: 10, expires_at: 4_102_444_800_000_000, at_once: 500 }
        .fill(&database);
    let url = format!("storage.url={}", database.url());
    for signal in ["TERM", "INT"] {
        let mut child =
            program.command(&["backup", "copy.db", "--overwrite", "--set", &url]).spawn().unwrap();
        until(|| !files(program.folder()).is_empty());
        gathering_tests::signal(&child, signal);
        // It may have been faster.
        let is_done = child.wait().unwrap().success();
        let left = if is_done { vec!["copy.db"] } else { Vec::new() };
        assert_eq!(files(program.folder()), left, "{signal}");
        let _ = fs::remove_file(program.folder().join("copy.db"));
    }
}

#[test]
fn what_cannot_be_copied_is_said_in_a_sentence() {
    let program = Program::new();
    let run = program.run(&["backup", "copy.db"]);
    assert_eq!(refused(&run, 1), "there is no database at sqlite://data/gathering.db; check storage.url");
    assert_eq!(files(program.folder()), Vec::<String>::new(), "neither a database nor a copy is made");

    program.file("data/gathering.db", "this is no database, and long enough to be looked at".repeat(100));
    let run = program.run(&["backup", "copy.db"]);
    assert!(refused(&run, 1).contains("file is not a database"), "{run:?}");
    assert_eq!(files(program.folder()), ["data"]);

    let database = TestDatabase::postgres();
    let run = program.run(&["backup", "copy.db", "--set", &format!("storage.url={}", database.url())]);
    assert!(refused(&run, 2).contains("for PostgreSQL use pg_dump"), "{run:?}");
}
