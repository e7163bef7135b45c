//! A SQLite database as a file that others can delete, replace or cut off while it is open.
//!
//! SQLite goes on with a file that is not at its path any more, and what it commits then is in no database that anybody
//! will open. So every commit is confirmed by a look at the path before it is acknowledged, readers look from time to
//! time, and once the file is lost, all connections to it are closed before another one is opened. A file is never made
//! here: an empty one would answer as if nothing had ever been recorded.

mod anchor;
mod files;
pub(crate) mod lease;
pub(crate) mod open;
mod retired;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::{ConnectionError, ConnectionResult};

use self::anchor::Anchor;
use self::files::{Files, Inode};
use self::retired::Retired;
use crate::connection::migrations::sqlite::is_ready;
use crate::error::sqlite_file::SqliteFileError;

/// How often readers look whether their file is still there. A look takes a few microseconds, a lookup not many more.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Between two attempts to open a file that cannot be opened. Whoever asks meanwhile is told at once what was found.
const PAUSE: Duration = Duration::from_millis(500);

/// The largest file that is checked as a whole before it is taken in the place of a lost one: everybody waits for that, and a
/// second is worth less than an answer.
const CHECKED: u64 = 64 * 1024 * 1024;

/// The file of one store, shared by all who open connections to it.
pub(crate) struct SqliteFile {
    path: PathBuf,
    born: Instant,
    /// Milliseconds from birth to the last look.
    looked: AtomicU64,
    /// How often the file was lost. Connections of an earlier generation are of no use.
    generation: AtomicU64,
    /// Whether connections to a lost file may be open.
    is_draining: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    retired: Option<Retired>,
    failed: Option<(Instant, SqliteFileError)>,
}

/// The file that is in use.
struct Open {
    files: Arc<Files>,
    anchor: Anchor,
    uses: Arc<()>,
}

/// The files that a connection is to be opened on. While it lives, no other file is opened.
#[derive(Debug)]
struct Claim {
    files: Arc<Files>,
    generation: u64,
    _uses: Arc<()>,
}

impl SqliteFile {
    /// Opens the file, made where it is missing.
    pub(crate) fn create(path: &Path, busy: Duration) -> ConnectionResult<Arc<Self>> {
        let anchor = Anchor::new(path, open::create(path, busy)?, busy)?;
        let files = Files::at(path).map_err(ConnectionError::from)?;
        let open = Open { files: Arc::new(files), anchor, uses: Arc::default() };
        Ok(Arc::new(Self {
            path: path.to_owned(),
            born: Instant::now(),
            looked: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            is_draining: AtomicBool::new(false),
            state: Mutex::new(State { open: Some(open), ..State::default() }),
        }))
    }

    /// How often the file was lost so far: what was read from it before may not be in the one that is there now.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether connections to a lost file have to be closed before the next one can be opened.
    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Looks whether the file is still there, if that was not done a moment ago.
    pub(crate) fn look(&self) -> Result<(), SqliteFileError> {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.looked.load(Ordering::Relaxed);
        let is_due = u128::from(now.saturating_sub(last)) >= LOOK_EVERY.as_millis();
        let is_ours =
            || self.looked.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_due && is_ours() { self.look_now() } else { Ok(()) }
    }

    /// Looks whether the file is still there, and if it was lost before, whether another one can be opened.
    pub(crate) fn look_now(&self) -> Result<(), SqliteFileError> {
        let (files, generation) = {
            let mut state = self.lock();
            (self.files(&mut state)?, self.generation())
        };
        files.check().inspect_err(|problem| self.lose(generation, problem))
    }

    /// Tidies up after a lost file once no connection to it is open.
    pub(crate) fn tidy(&self) {
        // Where one is open still, the next caller tries again.
        let _ = self.retire(&mut self.lock());
    }

    /// Counts one more use of the file. It is opened anew where the last one was lost and another one is there, with the schema
    /// that this program needs.
    fn claim(&self) -> Result<Claim, SqliteFileError> {
        let mut state = self.lock();
        let files = self.files(&mut state)?;
        let uses = state.open.as_ref().map(|open| Arc::clone(&open.uses)).unwrap_or_default();
        Ok(Claim { files, generation: self.generation(), _uses: uses })
    }

    /// The files that are in use; those at the path where none are.
    fn files(&self, state: &mut State) -> Result<Arc<Files>, SqliteFileError> {
        if let Some(open) = &state.open {
            return Ok(Arc::clone(&open.files));
        }
        if let Some((failed, problem)) = &state.failed
            && failed.elapsed() < PAUSE
        {
            return Err(problem.clone());
        }
        let adopted = self.retire(state).and_then(|()| adopt(&self.path));
        state.failed = match &adopted {
            // These are found out quickly.
            Ok(_) | Err(SqliteFileError::Missing | SqliteFileError::Reopening) => None,
            Err(problem) => Some((Instant::now(), problem.clone())),
        };
        let open = adopted?;
        let files = Arc::clone(&open.files);
        state.open = Some(open);
        log::info!("the file of the database is there again");
        Ok(files)
    }

    fn retire(&self, state: &mut State) -> Result<(), SqliteFileError> {
        if let Some(retired) = &mut state.retired {
            if retired.is_used() {
                // Whoever reads why has to know whether there is anything to open.
                return Err(match Inode::at(&self.path)? {
                    Some(_) => SqliteFileError::Reopening,
                    None => SqliteFileError::Missing,
                });
            }
            retired.tidy().map_err(|error| SqliteFileError::Unusable {
                reason: format!("what a lost file left behind cannot be taken away: {error}"),
            })?;
            state.retired = None;
        }
        self.is_draining.store(false, Ordering::Release);
        Ok(())
    }

    /// Gives the file of this generation up, unless somebody did already.
    fn lose(&self, generation: u64, problem: &SqliteFileError) {
        if matches!(problem, SqliteFileError::Unreachable { .. }) {
            // It may be the same one behind a folder that may not be looked into at the moment.
            return;
        }
        let mut state = self.lock();
        if self.generation() != generation {
            return;
        }
        let Some(Open { files, anchor, uses }) = state.open.take() else { return };
        state.retired = Some(Retired::new(files, anchor, &uses, problem));
        self.is_draining.store(true, Ordering::Release);
        self.generation.store(generation + 1, Ordering::Release);
        log::error!(
            "{problem}; nothing is taken or answered until a database is at its path: {}",
            self.path.display()
        );
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the file that is at the path instead of one that was lost. It waits for no lock.
fn adopt(path: &Path) -> Result<Open, SqliteFileError> {
    let found = Inode::at(path)?.ok_or(SqliteFileError::Missing)?;
    let opening = |error| SqliteFileError::opening(&error);
    let asking = |error| SqliteFileError::asking(&error);
    let mut writer = open::existing(path, Duration::ZERO).map_err(opening)?;
    if !is_ready(&mut writer).map_err(asking)? {
        return Err(SqliteFileError::OtherSchema);
    }
    let size = std::fs::metadata(path).map_err(|error| SqliteFileError::from_io(&error))?.len();
    if size <= CHECKED && !open::is_sound(&mut writer).map_err(asking)? {
        return Err(SqliteFileError::Damaged);
    }
    open::switch_to_wal(&mut writer).map_err(asking)?;
    let anchor = Anchor::new(path, writer, Duration::ZERO).map_err(opening)?;
    let files = Files::at(path)?;
    if files.main() != found {
        return Err(SqliteFileError::Replaced);
    }
    Ok(Open { files: Arc::new(files), anchor, uses: Arc::default() })
}

impl Drop for SqliteFile {
    /// Nobody may have looked since the file was cut off.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(Open { files, anchor, uses }) = state.open.take()
            && files.is_cut_off()
        {
            state.retired = Some(Retired::new(files, anchor, &uses, &SqliteFileError::CutOff));
        }
        if let Some(retired) = &mut state.retired
            && let Err(error) = retired.tidy()
        {
            log::error!("what a lost database file left behind cannot be taken away: {error}");
        }
    }
}

impl std::fmt::Debug for SqliteFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteFile").field("path", &self.path).finish_non_exhaustive()
    }
}
