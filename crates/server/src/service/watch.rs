//! Files that may change while the service runs: the allow list, keys, secrets, certificates.

use std::fmt::Display;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prometheus::IntGauge;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Files that are used together, as they were when they were last taken.
#[derive(Debug, Default)]
pub(super) struct Watch {
    paths: Vec<PathBuf>,
    taken: Vec<Option<Stamp>>,
    /// Another state that was seen at the last look: it may be half written.
    seen: Option<Vec<Option<Stamp>>>,
}

/// What tells one state of a file from another without reading it. A mounted secret or config map is replaced by a link to
/// another file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    modified: (i64, i64),
    length: u64,
}

impl Watch {
    /// Watches these files. To be made before they are read: what changes in between is read again.
    pub(super) fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<_> = paths.into_iter().collect();
        let taken = stamps(&paths);
        Self { paths, taken, seen: None }
    }

    /// Whether the files are others than were taken, and were the same at the look before: who writes them may not be
    /// done yet. It goes on to be true until [`take`](Self::take).
    fn has_changed(&mut self) -> bool {
        let now = stamps(&self.paths);
        if now == self.taken {
            self.seen = None;
            return false;
        }
        let is_settled = self.seen.as_ref() == Some(&now);
        self.seen = Some(now);
        is_settled
    }

    /// What was seen is what is used now.
    fn take(&mut self) {
        if let Some(seen) = self.seen.take() {
            self.taken = seen;
        }
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Stamp {
            file: (metadata.dev(), metadata.ino()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            length: metadata.len(),
        })
    };
    paths.iter().map(stamp).collect()
}

/// When files are looked at.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    /// The time between two looks.
    pub(super) every: Duration,
    /// Changes when all files are to be read at once, changed or not.
    pub(super) now: watch::Receiver<()>,
}

impl Schedule {
    /// Waits for the next look, and tells whether the files are to be read in any case.
    pub(super) async fn next(&mut self) -> bool {
        tokio::select! {
            () = sleep(self.every) => false,
            // Once nobody is there any more who could ask for it, nobody does.
            Ok(()) = self.now.changed() => true,
        }
    }
}

/// Looks at the files again and again, and has them read when they have changed. Files that cannot be used are told of
/// once for each reason, shown by `failing`, and tried again until they can.
pub(super) async fn reload_when_changed<E: Display + Send + 'static>(
    what: &'static str,
    mut watch: Watch,
    mut schedule: Schedule,
    failing: IntGauge,
    reload: impl Fn() -> Result<(), E> + Send + Sync + 'static,
) {
    if watch.paths.is_empty() {
        return;
    }
    let reload = Arc::new(reload);
    let mut told: Option<String> = None;
    loop {
        let is_asked = schedule.next().await;
        // What could not be used is tried again, changed or not.
        let in_any_case = is_asked || told.is_some();
        let reload = Arc::clone(&reload);
        let look = spawn_blocking(move || {
            let result = (watch.has_changed() || in_any_case).then(|| reload());
            if matches!(result, Some(Ok(()))) {
                watch.take();
            }
            (watch, result)
        });
        let result;
        (watch, result) = match look.await {
            Ok(looked) => looked,
            Err(error) => return log::error!("the {what} can no longer be looked at: {error}"),
        };
        match result {
            // As it was, or on its way to something else.
            None => {}
            Some(Ok(())) => {
                log::info!("took the {} {what}", if is_asked { "present" } else { "changed" });
                told = None;
            }
            Some(Err(error)) => {
                let error = error.to_string();
                if told.as_ref() != Some(&error) {
                    log::error!("of the {what}, something cannot be used and stays as it was: {error}");
                    told = Some(error);
                }
            }
        }
        failing.set(told.is_some().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &std::path::Path, content: &str) {
        let next = path.with_extension("next");
        std::fs::write(&next, content).unwrap();
        std::fs::rename(next, path).unwrap();
    }

    #[test]
    fn a_change_counts_once_it_has_settled_and_until_it_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        write(&one, "1");
        let mut watch = Watch::new([one.clone(), two.clone()]);
        assert!(!watch.has_changed());
        write(&one, "2");
        assert!(!watch.has_changed(), "it may be half written");
        write(&one, "3");
        assert!(!watch.has_changed(), "and it was");
        assert!(watch.has_changed());
        assert!(watch.has_changed(), "it was not taken");
        watch.take();
        assert!(!watch.has_changed());
        write(&two, "a file that was not there before");
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
        watch.take();
        std::fs::remove_file(&one).unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
    }

    #[test]
    fn a_change_that_is_taken_back_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        write(&path, "1");
        let mut watch = Watch::new([path.clone()]);
        let kept = folder.path().join("kept");
        std::fs::rename(&path, &kept).unwrap();
        assert!(!watch.has_changed());
        std::fs::rename(&kept, &path).unwrap();
        assert!(!watch.has_changed());
        assert!(!watch.has_changed());
    }
}
