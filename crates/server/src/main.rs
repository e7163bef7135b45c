//! The `gathering` program. Everything is in the library, so that tests can reach it.

use std::process::ExitCode;

/// It gives back what many connections made it take up. The allocator of glibc keeps most of that.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    gathering_server::run()
}
