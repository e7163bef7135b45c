//! What tells the files of an open SQLite database from others at the same paths.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::sqlite_file::SqliteFileError;

/// A file on a disk, whatever it is called. As long as it is open, no other file gets its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    /// The file at this path, after links; `None` if there is none.
    pub(super) fn at(path: &Path) -> Result<Option<Self>, SqliteFileError> {
        Ok(look(path)?.as_ref().map(Self::from))
    }
}

impl From<&Metadata> for Inode {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}

/// What SQLite keeps beside the file of a database in WAL mode: what was committed and is not in the file yet, and an
/// index of it that processes share.
pub(super) const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// The files of a database that is open.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    /// The path without links: SQLite puts its companions beside it.
    real: PathBuf,
    main: Inode,
    companions: [Option<Inode>; 2],
    /// The largest size of the file so far. It shrinks only if others cut it off, or vacuum it.
    size: AtomicU64,
}

impl Files {
    /// The files at this path, after a connection to them was opened.
    pub(super) fn at(path: &Path) -> Result<Self, SqliteFileError> {
        let real = fs::canonicalize(path).map_err(|error| SqliteFileError::from_io(&error))?;
        let metadata = look(path)?.ok_or(SqliteFileError::Missing)?;
        let mut companions = [None; 2];
        for (companion, suffix) in companions.iter_mut().zip(COMPANIONS) {
            *companion = Inode::at(&beside(&real, suffix))?;
        }
        let (main, size) = (Inode::from(&metadata), AtomicU64::new(metadata.len()));
        Ok(Self { path: path.to_owned(), real, main, companions, size })
    }

    pub(super) const fn main(&self) -> Inode {
        self.main
    }

    /// Whether these are the files at their paths still.
    pub(super) fn check(&self) -> Result<(), SqliteFileError> {
        // Before the look: a size that somebody else sees later may be that of a file that has grown since.
        let known = self.size.load(Ordering::Acquire);
        let metadata = look(&self.path)?.ok_or(SqliteFileError::Missing)?;
        if Inode::from(&metadata) != self.main {
            return Err(SqliteFileError::Replaced);
        }
        if metadata.len() < known {
            return Err(SqliteFileError::CutOff);
        }
        self.size.fetch_max(metadata.len(), Ordering::AcqRel);
        for (opened, suffix) in self.companions.iter().zip(COMPANIONS) {
            if opened.is_some() && Inode::at(&beside(&self.real, suffix))? != *opened {
                return Err(SqliteFileError::CompanionLost { suffix });
            }
        }
        Ok(())
    }

    /// Whether the file itself is where SQLite opened it.
    pub(super) fn is_in_place(&self) -> bool {
        Inode::at(&self.real).is_ok_and(|found| found == Some(self.main))
    }

    /// Whether the file where SQLite opened it is smaller than it was.
    pub(super) fn is_cut_off(&self) -> bool {
        let known = self.size.load(Ordering::Acquire);
        let is_smaller = |found: Metadata| Inode::from(&found) == self.main && found.len() < known;
        look(&self.real).is_ok_and(|found| found.is_some_and(is_smaller))
    }

    /// Takes the companions away that were left behind by a file that is not there any more: SQLite would take them for
    /// those of the next file. What is not in the file yet is kept under another name.
    pub(super) fn take_companions(&self, wal_is_empty: bool) -> io::Result<()> {
        for (opened, suffix) in self.companions.iter().zip(COMPANIONS) {
            let path = beside(&self.real, suffix);
            let Some(opened) = opened else { continue };
            let Some(found) = fs::metadata(&path).ok().filter(|found| Inode::from(found) == *opened) else {
                continue;
            };
            let wal_is_empty = wal_is_empty || found.len() == 0;
            if suffix == "-wal" && !wal_is_empty {
                let kept = self.free_name();
                fs::rename(&path, &kept)?;
                log::error!(
                    "commits that may not be in the lost database file are kept in {}",
                    kept.display()
                );
            } else {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Where the WAL file can be kept: a file can be cut off more than once.
    fn free_name(&self) -> PathBuf {
        let number = self.main.number;
        let mut kept = beside(&self.real, &format!("-wal-of-{number}"));
        let mut again = 1_u64;
        while fs::symlink_metadata(&kept).is_ok() {
            again += 1;
            kept = beside(&self.real, &format!("-wal-of-{number}-{again}"));
        }
        kept
    }
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn look(path: &Path) -> Result<Option<Metadata>, SqliteFileError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) => match SqliteFileError::from_io(&error) {
            SqliteFileError::Missing => Ok(None),
            other => Err(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn a_file_that_grows_is_not_cut_off() {
        let path = std::env::temp_dir().join(format!("gathering-grows-{}", std::process::id()));
        let mut file = fs::File::create(&path).unwrap();
        let files = Files::at(&path).unwrap();
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_done.load(Ordering::Relaxed) {
                        assert_eq!(files.check(), Ok(()));
                    }
                });
            }
            for _ in 0..50_000 {
                file.write_all(b"x").unwrap();
            }
            is_done.store(true, Ordering::Relaxed);
        });
        file.set_len(1).unwrap();
        assert_eq!(files.check(), Err(SqliteFileError::CutOff));
        fs::remove_file(&path).unwrap();
    }
}
