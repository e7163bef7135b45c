//! The `gathering` program. Everything is in the library, so that tests can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    gathering_server::run()
}
