//! What this program was built from.

use std::sync::LazyLock;

use gathering_domain::time::Timestamp;
use gathering_http::BuildInfo;

/// Version, commit and time of the commit. The build script finds out the last two.
pub(crate) fn build_info() -> BuildInfo {
    BuildInfo { version: env!("CARGO_PKG_VERSION"), commit: commit(), time: commit_time() }
}

/// What `--version` prints after the program's name.
pub(crate) fn version_line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| {
        let BuildInfo { version, commit, time } = build_info();
        match (commit, time) {
            (Some(commit), Some(time)) => format!("{version} (commit {commit}, {time})"),
            (Some(commit), None) => format!("{version} (commit {commit})"),
            (None, _) => version.to_owned(),
        }
    });
    &LINE
}

fn commit() -> Option<&'static str> {
    Some(env!("GATHERING_BUILD_COMMIT")).filter(|commit| !commit.is_empty())
}

fn commit_time() -> Option<Timestamp> {
    let seconds: i64 = env!("GATHERING_BUILD_SECONDS").parse().ok()?;
    Some(Timestamp::from_micros(seconds.checked_mul(1_000_000)?))
}
