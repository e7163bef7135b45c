//! Reading SQLite on the thread that asks, with connections that are kept.
//!
//! A lookup takes microseconds, so handing it to another thread, or to a pool and back, would cost more than it does.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use diesel::QueryResult;
use gathering_domain::store::StoreError;

use crate::connection::any::AnyConnection;
use crate::connection::pool::PoolState;
use crate::connection::pooled::Pooled;
use crate::connection::sqlite_file::SqliteFile;
use crate::error::lookup_error;

/// One connection for each thread that asks, opened when it first does.
#[derive(Debug)]
pub(crate) struct Readers {
    file: Arc<SqliteFile>,
    slots: Box<[Slot]>,
    busy: Duration,
    query_timeout: Duration,
}

/// How long a reader waits for a lock. In WAL mode readers wait for nobody but a recovery after a crash, and while one
/// waits, everything else on its thread does.
const BUSY: Duration = Duration::from_millis(100);

impl Readers {
    pub(crate) fn new(file: Arc<SqliteFile>, size: u32, query_timeout: Duration) -> Self {
        let slots = (0..size.max(1)).map(|_| Mutex::default()).collect();
        Self { file, slots, busy: BUSY.min(query_timeout), query_timeout }
    }

    /// Closes connections that nobody uses to a file that was lost.
    pub(crate) fn close_lost(&self) {
        for slot in &self.slots {
            if let Ok(mut slot) = slot.try_lock()
                && slot.as_ref().is_some_and(|reader| !reader.is_current())
            {
                *slot = None;
            }
        }
    }

    /// Asks on this very thread.
    pub(crate) fn ask<T>(
        &self,
        question: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        let none = StoreError::PoolExhausted { waited: Duration::ZERO };
        let mut slot = self.slot().ok_or(none)?;
        self.file.look().map_err(StoreError::unavailable)?;
        if slot.as_ref().is_some_and(|reader| reader.is_old() || !reader.is_current()) {
            *slot = None;
        }
        let reader = match &mut *slot {
            Some(reader) => reader,
            empty => empty.insert(Pooled::on_file(&self.file, self.busy).map_err(StoreError::unavailable)?),
        };
        let started = Instant::now();
        let error = match question(reader) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let is_lost = reader.lost_by(&error);
        let error = lookup_error(error, is_lost, started.elapsed(), self.query_timeout);
        if is_lost {
            *slot = None;
        }
        Err(error)
    }

    /// This thread's connection, or where more threads ask than there are connections, one that nobody uses. The lock is
    /// waited for only when all are used, and they are for microseconds.
    fn slot(&self) -> Option<MutexGuard<'_, Option<Pooled>>> {
        let own = thread_number() % self.slots.len().max(1);
        let (before, from) = self.slots.split_at_checked(own)?;
        let free = from.iter().chain(before).find_map(|slot| match slot.try_lock() {
            Ok(slot) => Some(slot),
            Err(TryLockError::Poisoned(error)) => Some(emptied(slot, error)),
            Err(TryLockError::WouldBlock) => None,
        });
        let own = from.first()?;
        Some(free.unwrap_or_else(|| own.lock().unwrap_or_else(|error| emptied(own, error))))
    }

    pub(crate) fn state(&self) -> PoolState {
        let mut state = PoolState {
            name: "sqlite_read",
            connections: 0,
            most: u32::try_from(self.slots.len()).unwrap_or(u32::MAX),
            idle: 0,
        };
        for slot in &self.slots {
            match slot.try_lock() {
                Ok(slot) if slot.is_none() => {}
                Ok(_) => {
                    state.connections += 1;
                    state.idle += 1;
                }
                Err(_) => state.connections += 1,
            }
        }
        state
    }
}

type Slot = Mutex<Option<Pooled>>;

/// A slot whose connection somebody left in the middle of its use, by a panic.
fn emptied<'a>(
    slot: &Slot,
    error: PoisonError<MutexGuard<'a, Option<Pooled>>>,
) -> MutexGuard<'a, Option<Pooled>> {
    slot.clear_poison();
    let mut guard = error.into_inner();
    *guard = None;
    guard
}

/// Threads are numbered as they come.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(next));
            next
        })
    })
}
