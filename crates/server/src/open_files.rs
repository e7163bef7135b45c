//! How many files the process may have open at once, connections included.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files beside the connections of callers: databases, brokers, listeners, the admin address, logs.
const OTHERS: u64 = 512;

/// Raises the limit of this process to what it may be raised to. Systems start processes with a low one, since some old
/// programs cannot count further.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Where it is not to be raised, it stays as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

/// How many connections there may be: as many as are configured, or as the limit allows beside other files.
pub(crate) fn connections(configured: usize) -> usize {
    let Some(files) = getrlimit(Resource::Nofile).current else { return configured };
    let allowed = usize::try_from(allowed(files)).unwrap_or(usize::MAX);
    if allowed < configured {
        log::warn!(
            "the process may open {files} files at once, so there are at most {allowed} connections instead of the {configured} of \
             http.max_connections; raise the limit (ulimit -n), or lower the setting"
        );
    }
    configured.min(allowed)
}

/// Connections beside other files; half of the limit where it is low.
fn allowed(files: u64) -> u64 {
    files.saturating_sub(OTHERS).max(files / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_files() {
        for (files, expected) in [(20_000, 19_488), (1024, 512), (256, 128), (0, 1)] {
            assert_eq!(allowed(files), expected);
        }
        assert_eq!(connections(1), 1);
    }
}
