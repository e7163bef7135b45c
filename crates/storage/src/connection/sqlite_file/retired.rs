//! Leaving a lost file in order.

use std::io;
use std::sync::{Arc, Weak};

use super::anchor::Anchor;
use super::files::Files;
use crate::error::sqlite_file::SqliteFileError;

/// A file that was lost, with the connections that keep it.
pub(super) struct Retired {
    files: Arc<Files>,
    anchor: Option<Anchor>,
    uses: Weak<()>,
    is_cut_off: bool,
    wal_is_empty: bool,
}

impl Retired {
    pub(super) fn new(files: Arc<Files>, anchor: Anchor, uses: &Arc<()>, problem: &SqliteFileError) -> Self {
        // It may have grown again before it is left.
        let is_cut_off = *problem == SqliteFileError::CutOff;
        Self { files, anchor: Some(anchor), uses: Arc::downgrade(uses), is_cut_off, wal_is_empty: false }
    }

    /// Whether a connection to it is open, beside the anchor.
    pub(super) fn is_used(&self) -> bool {
        self.uses.strong_count() > 0
    }

    /// Writes what was committed into the file, wherever it is now, unless somebody else wrote to it: then that would mix the
    /// two. Takes away what SQLite would take for companions of the next file. Where that fails it can be tried again, and no
    /// other file may be opened before.
    pub(super) fn tidy(&mut self) -> io::Result<()> {
        if let Some(mut anchor) = self.anchor.take() {
            self.is_cut_off |= self.files.is_cut_off();
            if self.is_cut_off {
                anchor.leave();
            } else {
                self.wal_is_empty = anchor.empty_wal();
            }
        }
        // Of a whole file in its place SQLite takes care when the last connection is closed.
        if self.is_cut_off || !self.files.is_in_place() {
            self.files.take_companions(self.wal_is_empty)?;
        }
        Ok(())
    }
}
