//! The real `gathering` program as a process of its own.

mod finished;
mod running;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub use self::finished::Finished;
pub use self::running::{Running, signal};

/// Names the program to be tested.
const PROGRAM: &str = "GATHERING_PROGRAM";

/// The program in a folder of its own, without any setting of the surroundings.
#[derive(Debug)]
pub struct Program {
    folder: TempDir,
}

impl Default for Program {
    fn default() -> Self {
        Self::new()
    }
}

impl Program {
    /// The program that `make test` has built, or the one that `GATHERING_PROGRAM` names.
    ///
    /// # Panics
    /// If the temporary folder cannot be written to.
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("the temporary folder can be written to") }
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder, with the folders on its way, and returns its path.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&path, content).expect("the file can be written");
        path
    }

    /// The command line as a process that is yet to be started.
    ///
    /// # Panics
    /// If the program is missing: it must not be found elsewhere.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            // Machines for tests often name authorities, which would hide that the system's are not found.
            let of_surroundings = ["RUST_LOG", "ACG_CONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR"];
            if name.starts_with("GATHERING") || of_surroundings.contains(&name.as_str()) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        Finished::of(&self.command(arguments).output().expect("the program starts"))
    }

    /// Runs to the end with this on standard input.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Finished {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input).expect("the program reads");
        drop(stdin);
        Finished::of(&child.wait_with_output().expect("the program ends"))
    }

    /// Starts a command that serves, on free ports, and waits until it answers.
    ///
    /// # Panics
    /// If it ends instead.
    pub fn serve(&self, arguments: &[&str]) -> Running {
        self.serve_with(arguments, &[])
    }

    /// The same with variables of the environment.
    ///
    /// # Panics
    /// If it ends instead.
    pub fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let free =
            ["--set", "http.bind=127.0.0.1:0", "--set", "admin.bind=127.0.0.1:0", "--set", "log.filter=info"];
        // Nobody has to hear of a stop, but in the tests that say so.
        let mut command = self.command(&["--set", "http.shutdown_delay=0s"]);
        Running::start(command.args(arguments).args(free).envs(variables.iter().copied()))
    }
}

/// The program that `GATHERING_PROGRAM` names, for those to whom cargo gives the harness only; otherwise
/// `target/<profile>/gathering`, beside the folder that this test runs from.
fn program() -> PathBuf {
    let named = std::env::var_os(PROGRAM).map(|name| std::path::absolute(name).expect("the name of a file"));
    let program = named.unwrap_or_else(built_beside_this_test);
    assert!(
        program.is_file(),
        "{} is missing: run the tests with `make test`, or name the program in {PROGRAM}",
        program.display()
    );
    program
}

fn built_beside_this_test() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    profile.join("gathering")
}
