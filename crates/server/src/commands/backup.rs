//! `gathering backup`

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use gathering_storage::{DatabaseUrl, copy_sqlite};
use indicatif::HumanBytes;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use super::audit::{Of, audit};
use super::console::print;
use super::private_folder::private_folder;
use super::progress::watched;
use super::runtime::block_on;
use super::signals::Signals;
use crate::cli::Backup;
use crate::config::Config;
use crate::{ServerError, preparation};

/// What PostgreSQL has for this is better than a program beside it could be.
const POSTGRES: &str = "gathering backup copies SQLite files; for PostgreSQL use pg_dump or your server's own backups, as \
                        docs/DATABASES.md says";

pub(super) fn run(config: &Config, arguments: &Backup) -> Result<(), ServerError> {
    let DatabaseUrl::Sqlite(database) = config.storage_settings().url else {
        return Err(ServerError::Usage(POSTGRES));
    };
    preparation::existing_database(config)?;
    let target = std::path::absolute(&arguments.file).map_err(writing(&arguments.file))?;
    if is_part_of(&database, &target) {
        return Err(ServerError::Usage("a backup cannot take the place of the database itself"));
    }
    if let Ok(there) = target.symlink_metadata() {
        if !arguments.overwrite {
            return Err(ServerError::BackupExists { path: arguments.file.clone() });
        }
        // The copy would take the place of a device or a link, and not be written to it.
        if !there.is_file() {
            return Err(ServerError::BackupTarget { path: arguments.file.clone() });
        }
    }
    let copied = block_on(copy(database, &target, arguments));
    let size = copied.inspect_err(|_| audit("backup", Of::default(), "failed"))?;
    audit("backup", Of::default(), &format!("{size} bytes"));
    print(format!("wrote {size} bytes to {}\n", arguments.file.display()))
}

/// Returns the size of the copy in bytes.
async fn copy(database: PathBuf, target: &Path, arguments: &Backup) -> Result<u64, ServerError> {
    // Before there is a file to leave behind.
    let mut signals = Signals::new().map_err(ServerError::system("signals cannot be handled"))?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    // Only its owner may read it. It is beside its later place, and gone if this ends early, with all that SQLite puts beside it.
    let private = private_folder(".gathering-backup-", folder);
    let private = private.map_err(writing(&arguments.file))?;
    let copy = NamedTempFile::new_in(&private).map_err(writing(&arguments.file))?;
    let path = copy.path().to_owned();
    let size = |path: &Path| HumanBytes(path.metadata().map_or(0, |metadata| metadata.len()));
    let (from, into) = (database.clone(), path.clone());
    let line = || format!("copied {} of a database of {}", size(&into), size(&from));
    let copied = watched(line, spawn_blocking(move || copy_sqlite(&database, &path)));
    tokio::select! {
        copied = copied => copied.map_err(ServerError::system("the copy was given up"))??,
        _ = signals.next() => return Err(ServerError::Interrupted),
    }
    keep(copy, folder, target, arguments)
}

/// Makes the copy durable and gives it its name.
fn keep(copy: NamedTempFile, folder: &Path, target: &Path, arguments: &Backup) -> Result<u64, ServerError> {
    let shown = &arguments.file;
    copy.as_file().sync_all().map_err(writing(shown))?;
    // Somebody may have put something there meanwhile.
    if arguments.overwrite && target.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        return Err(ServerError::BackupTarget { path: shown.clone() });
    }
    let named = if arguments.overwrite { copy.persist(target) } else { copy.persist_noclobber(target) };
    let file = named.map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => ServerError::BackupExists { path: shown.clone() },
        _ => writing(shown)(failed.error),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing(shown))?;
    Ok(file.metadata().map_err(writing(shown))?.len())
}

/// Whether the target is the file of the database, links included, or one of those that SQLite keeps beside it.
fn is_part_of(database: &Path, target: &Path) -> bool {
    let Ok(database) = database.canonicalize() else { return false };
    let folder = target.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
    let in_folder = target.file_name().map(|name| folder.join(name)).unwrap_or_default();
    let found = target.canonicalize().unwrap_or(in_folder);
    let beside = |suffix: &str| {
        let mut name = database.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    ["", "-wal", "-shm", "-journal"].into_iter().any(|suffix| found == beside(suffix))
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> ServerError {
    let path = path.to_owned();
    move |source| ServerError::Write { path, source }
}
