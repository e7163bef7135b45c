//! Authorities of the database as a file, since that is how its client takes them.

use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::config::error::ConfigError;

/// Writes them into a folder of this user's own, in the folder for temporary files.
///
/// The name of the file is made of what it holds: each process that has these authorities writes the same anew, and none takes it
/// away from another. So there are as many files as there ever were authorities, however processes end.
pub(super) fn write_authorities(authorities: &str) -> Result<PathBuf, ConfigError> {
    let folder = std::env::temp_dir().join(format!("gathering-{}", rustix::process::geteuid().as_raw()));
    let mut hasher = DefaultHasher::new();
    authorities.hash(&mut hasher);
    let path = folder.join(format!("database-ca-{:016x}.pem", hasher.finish()));
    let write = || -> io::Result<()> {
        make_private(&folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(authorities.as_bytes())?;
        // It takes the place of what has its name at once: others may be reading that.
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|source| ConfigError::AuthorityFile { folder: folder.clone(), source })?;
    Ok(path)
}

/// Makes sure that there is such a folder, and that nobody else can put anything into it.
fn make_private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // Of the name itself: a link leads to a place of somebody else's choice.
    let found = fs::symlink_metadata(folder)?;
    let is_own = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    if is_own && found.mode() & 0o777 == 0o700 {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is no folder of this user alone"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_folder_of_others_is_not_used() {
        let parent = tempfile::tempdir().unwrap();
        let own = parent.path().join("own");
        make_private(&own).unwrap();
        make_private(&own).unwrap();
        assert_eq!(own.metadata().unwrap().mode() & 0o777, 0o700);
        let link = parent.path().join("link");
        symlink(&own, &link).unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let open = parent.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        for other in [link, file, open] {
            assert!(make_private(&other).is_err(), "{}", other.display());
        }
    }
}
