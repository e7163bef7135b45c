//! The `gathering` program. Everything is in the library, so that tests can reach it.

use std::process::ExitCode;

/// glibc's allocator keeps what many connections made it take up, long after they have gone.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    gathering_server::run()
}
