//! A primary and a standby that follows it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use gathering_tests::until;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Two servers, which end with the test.
pub(crate) struct Pair {
    pub(crate) primary: Server,
    pub(crate) standby: Server,
    _folder: TempDir,
}

/// A server as a process.
pub(crate) struct Server {
    data: PathBuf,
    port: u16,
    options: Vec<String>,
    process: Option<Child>,
}

impl Pair {
    /// Two servers without a table. The primary acknowledges a commit once the standby has it.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path();
        run(Command::new("chmod").args(["0755".as_ref(), path.as_os_str()]));
        let (first, second) = (path.join("primary"), path.join("standby"));
        for data in [&first, &second] {
            std::fs::create_dir(data).expect("a folder");
            run(Command::new("chmod").arg("0700").arg(data));
            own(data);
        }
        let initdb = ["-U", "gathering", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "-D"];
        run(as_owner("initdb").args(initdb).arg(&first));
        let primary = Server::start(&first, &["synchronous_standby_names=standby", "cluster_name=primary"]);
        let (port, user) = (primary.port.to_string(), ["-U", "gathering", "-h", "127.0.0.1", "-p"]);
        let copy = ["-c", "fast", "-X", "stream", "-R", "-N", "-D"];
        run(as_owner("pg_basebackup").args(user).arg(port).args(copy).arg(&second));
        // What a standby may do at all, and as whom it follows.
        let standby = Server::start(&second, &["cluster_name=standby", "hot_standby=on"]);
        Self { primary, standby, _folder: folder }
    }

    /// The URL that names both.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://gathering@127.0.0.1:{},127.0.0.1:{}/postgres",
            self.primary.port, self.standby.port
        )
    }
}

impl Server {
    fn start(data: &Path, settings: &[&str]) -> Self {
        let options = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { data: data.to_owned(), port: 0, options, process: None };
        until(|| {
            // Somebody else may take the port before the server does: then another is tried.
            server.port = free_port();
            server.try_start()
        });
        server
    }

    /// Starts it again, where it was.
    pub(crate) fn start_again(&mut self) {
        until(|| self.try_start());
    }

    fn try_start(&mut self) -> bool {
        let mut command = as_owner("postgres");
        command.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        let settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"];
        for setting in settings.into_iter().chain(self.options.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let log = std::fs::File::create(self.data.with_extension("log")).expect("a log");
        let mut process = command.stdout(Stdio::null()).stderr(log).spawn().expect("the server starts");
        let mut answers = false;
        until(|| {
            answers = PgConnection::establish(&self.url()).is_ok();
            answers || process.try_wait().expect("a process").is_some()
        });
        if answers {
            self.process = Some(process);
        }
        answers
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://gathering@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) fn execute(&self, sql: &str) {
        let mut connection = PgConnection::establish(&self.url()).expect("the server answers");
        connection.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            Self::signal(&process, Signal::CONT);
            // What postgres calls an immediate shutdown. It may have ended already.
            let _ = kill_process(Pid::from_child(&process), Signal::QUIT);
            process.wait().expect("it ends");
        }
    }

    /// Keeps all of its processes from doing anything; the system goes on taking connections for it.
    pub(crate) fn freeze(&self) {
        Self::signal(self.process.as_ref().expect("it runs"), Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        Self::signal(self.process.as_ref().expect("it runs"), Signal::CONT);
    }

    /// The first one first: it must not start others meanwhile.
    fn signal(process: &Child, signal: Signal) {
        let own = Pid::from_child(process);
        for pid in std::iter::once(own).chain(children(own)) {
            // It may have ended meanwhile.
            let _ = kill_process(pid, signal);
        }
    }

    /// Makes a standby a primary, and returns once it takes writes.
    pub(crate) fn promote(&self) {
        self.execute("SELECT pg_promote(true, 180)");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The processes that this one has started, as the system tells.
fn children(parent: Pid) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").expect("the system tells of processes").flatten();
    let children = processes.filter_map(|process| {
        let own: i32 = process.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(process.path().join("status")).ok()?;
        let of = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()?;
        (Pid::from_raw(of) == Some(parent)).then(|| Pid::from_raw(own))?
    });
    children.collect()
}

/// Makes a folder with all in it the owner's.
pub(crate) fn own(folder: &Path) {
    if is_root() {
        run(Command::new("chown").arg("-R").arg("nobody").arg(folder));
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// A program of PostgreSQL, or another one by its path, as somebody who may run it, which is never root. It ends when the test
/// does.
pub(crate) fn as_owner(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.current_dir("/").args(["--pdeathsig", "QUIT"]);
    if is_root() {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
    }
    command.arg(programs().join(program));
    command
}

/// Where the server's programs are: `tests/scripts/with-postgres` installs them where there are none.
fn programs() -> PathBuf {
    let folders =
        ["/usr/lib/postgresql", "/usr"].into_iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    let programs = folders.flatten().flatten().map(|entry| entry.path().join("bin"));
    let is_whole =
        |bin: &PathBuf| ["initdb", "postgres", "pg_basebackup"].iter().all(|name| bin.join(name).is_file());
    let found = programs.filter(is_whole).max();
    let on_path = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).find(is_whole)
    };
    found.or_else(on_path).expect("PostgreSQL's server programs, which `make test` installs")
}

fn run(command: &mut Command) {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
