//! A real `PgBouncer` that shares three connections transaction by transaction.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use gathering_tests::{CLUSTER, Message, Program, Running, until};
use tempfile::TempDir;

use crate::pair::{Pair, as_owner, own};

/// A pooler in front of a server.
struct Bouncer {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Bouncer {
    fn before(pair: &Pair) -> Self {
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let folder = TempDir::new().expect("a folder");
        let path = folder.path();
        std::fs::write(path.join("users.txt"), "\"gathering\" \"\"\n").expect("a file");
        let (port, file) = (address.port(), path.join("users.txt"));
        let configuration = format!(
            "[databases]\npostgres = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = 3\nmax_prepared_statements = 100\n",
            pair.primary.port(),
            file.display()
        );
        std::fs::write(path.join("pgbouncer.ini"), configuration).expect("a file");
        own(path);
        let program = std::env::var("GATHERING_TEST_PGBOUNCER").expect("run this with `make test-pgbouncer`");
        let mut command = as_owner(&program);
        command.arg("-q").arg(path.join("pgbouncer.ini")).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("PgBouncer starts");
        let bouncer = Self { address, process, _folder: folder };
        until(|| PgConnection::establish(&bouncer.url()).is_ok());
        bouncer
    }

    fn url(&self) -> String {
        format!("postgres://gathering@{}/postgres", self.address)
    }

    /// What its sessions are set to, each found once.
    fn sessions(&self) -> BTreeSet<(String, String, String)> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            statement: String,
            #[diesel(sql_type = diesel::sql_types::Text)]
            synchronous: String,
            #[diesel(sql_type = diesel::sql_types::Text)]
            plans: String,
        }
        // Held at once, so that each has a session of its own.
        let mut connections: Vec<_> =
            (0..3).map(|_| PgConnection::establish(&self.url()).expect("it answers")).collect();
        let sql = "SELECT current_setting('statement_timeout') AS statement,
                          current_setting('synchronous_commit') AS synchronous,
                          current_setting('plan_cache_mode') AS plans";
        for connection in &mut connections {
            diesel::sql_query("BEGIN").execute(connection).expect("it answers");
        }
        let settings = connections.iter_mut().map(|connection| {
            let row: Row = diesel::sql_query(sql).get_result(connection).expect("it answers");
            (row.statement, row.synchronous, row.plans)
        });
        settings.collect()
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(program: &Program, bouncer: &Bouncer, pooler: &str) -> Running {
    let (url, pooler) = (format!("storage.url={}", bouncer.url()), format!("storage.pooler={pooler}"));
    let fixed = ["auth.mode=disabled", "storage.processed_cache=0", "report.unknown_content=include"];
    let all = fixed.into_iter().chain([url.as_str(), &pooler]).flat_map(|one| ["--set", one]);
    program.serve(&std::iter::once("serve").chain(all).collect::<Vec<_>>())
}

/// With what a transaction ended that changed a row.
#[derive(Debug, QueryableByName)]
struct Noted {
    #[diesel(sql_type = diesel::sql_types::Text)]
    settings: String,
}

const HOSTILE: &str =
    "ALTER ROLE gathering SET synchronous_commit = off; ALTER ROLE gathering SET statement_timeout = 77777";

fn untouched() -> BTreeSet<(String, String, String)> {
    [("77777ms".to_owned(), "off".to_owned(), "auto".to_owned())].into()
}

#[test]
fn everything_works_and_nothing_is_left_behind() {
    let pair = Pair::start();
    pair.primary.execute(HOSTILE);
    let bouncer = Bouncer::before(&pair);
    let program = Program::new();
    let set = ["--set", &format!("storage.url={}", bouncer.url()), "--set", "storage.pooler=transaction"];
    program.run(&[&["migrate"][..], &set].concat()).ok();
    assert_eq!(bouncer.sessions(), untouched(), "after migrating");
    pair.primary.execute(
        "CREATE TABLE seen (synchronous TEXT, statement TEXT);
         CREATE FUNCTION note() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO seen SELECT current_setting('synchronous_commit'), current_setting('statement_timeout');
             RETURN NULL;
         END $$;
         CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE ON requests DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION note()",
    );
    let running = serve(&program, &bouncer, "transaction");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|number| {
                let (running, is_over) = (&running, &is_over);
                scope.spawn(move || {
                    let mut statuses = BTreeSet::new();
                    while !is_over.load(Ordering::SeqCst) {
                        for rest in ["requests", "request/none/status", "request/r0-0/report"] {
                            let target = format!("/cluster/{CLUSTER}/{rest}");
                            statuses.insert((rest, running.call("GET", &target).send().status));
                        }
                    }
                    (number, statuses)
                })
            })
            .collect();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let running = &running;
                scope.spawn(move || {
                    for number in 0..100 {
                        let request = format!("r{writer}-{number}");
                        let message = Message::new(1, CLUSTER, &request).hit("rules.a|A").to_string();
                        let answer = running
                            .call("POST", "/ingest/results")
                            .header("content-type", "application/json")
                            .body(message)
                            .send();
                        assert_eq!(answer.status, 200, "{}", answer.body);
                    }
                })
            })
            .collect();
        let written = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>();
        is_over.store(true, Ordering::SeqCst);
        for (_, statuses) in readers.into_iter().map(|reader| reader.join().unwrap()) {
            assert!(statuses.iter().all(|(_, status)| [200, 404].contains(status)), "{statuses:?}");
        }
        assert!(written.iter().all(Result::is_ok));
    });
    let mut connection = PgConnection::establish(&pair.primary.url()).unwrap();
    let sql = "SELECT DISTINCT synchronous || ' ' || statement AS settings FROM seen";
    let seen: Vec<Noted> = diesel::sql_query(sql).load(&mut connection).unwrap();
    assert_eq!(seen.iter().map(|row| row.settings.as_str()).collect::<Vec<_>>(), ["on 5s"]);
    assert_eq!(bouncer.sessions(), untouched(), "after serving");
    assert!(!running.stderr().contains("a pooler shares"), "{}", running.stderr());
}

#[test]
fn one_that_was_not_told_of_is_warned_of() {
    let pair = Pair::start();
    let bouncer = Bouncer::before(&pair);
    let program = Program::new();
    let running = serve(&program, &bouncer, "none");
    assert!(running.stderr().contains("storage.pooler = \"transaction\""), "{}", running.stderr());
}
