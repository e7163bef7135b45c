//! The allow list: organizations whose messages are accepted, from a file that may change while the service runs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use gathering_domain::ids::OrganizationId;

/// A list of organizations in a CSV file, in the format of today's services: a header line, then one organization in the first
/// column of each line.
#[derive(Debug)]
pub struct AllowList {
    path: PathBuf,
    organizations: RwLock<HashSet<OrganizationId>>,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AllowListError {
    #[error("the allow list {} cannot be read ({source}); check ingest.allowlist_file", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error(
        "line {line} of the allow list {} does not start with an organization from 1 to 4294967295; the first line \
         is a header",
        path.display()
    )]
    Line {
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
    },
}

impl AllowList {
    /// Reads the list.
    pub fn open(path: &Path) -> Result<Self, AllowListError> {
        Ok(Self { path: path.to_owned(), organizations: RwLock::new(load(path)?) })
    }

    /// Whether messages of this organization are accepted.
    pub fn contains(&self, organization: OrganizationId) -> bool {
        self.organizations.read().unwrap_or_else(PoisonError::into_inner).contains(&organization)
    }

    /// The number of organizations.
    pub fn len(&self) -> usize {
        self.organizations.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// True for a list without organizations, which accepts no message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// When it cannot be used; the list stays as it was.
    pub fn reload(&self) -> Result<(), AllowListError> {
        let organizations = load(&self.path)?;
        *self.organizations.write().unwrap_or_else(PoisonError::into_inner) = organizations;
        Ok(())
    }
}

fn load(path: &Path) -> Result<HashSet<OrganizationId>, AllowListError> {
    let file = |source| AllowListError::File { path: path.to_owned(), source };
    let content = std::fs::read(path).map_err(file)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(&*content);
    let wrong = |line| AllowListError::Line { path: path.to_owned(), line };
    if content.trim_ascii().is_empty() {
        // Without a header: somebody is about to write the file.
        return Err(wrong(1));
    }
    let mut organizations = HashSet::new();
    let mut row = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut row) {
            Ok(false) => return Ok(organizations),
            Ok(true) => {
                let line = row.position().map_or(0, csv::Position::line);
                let first = row.get(0).and_then(|column| std::str::from_utf8(column).ok());
                let organization = first.and_then(|text| text.parse().ok()).ok_or_else(|| wrong(line))?;
                organizations.insert(organization);
            }
            Err(error) => return Err(wrong(error.position().map_or(0, csv::Position::line))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    fn organization(number: u32) -> OrganizationId {
        number.try_into().unwrap()
    }

    #[test]
    fn the_first_column_counts_and_the_first_line_does_not() {
        let file = file("Organization,Name\n 42 ,\"x, y\"\n\n4294967295\n42\n");
        let list = AllowList::open(file.path()).unwrap();
        assert_eq!(list.len(), 2);
        assert!(list.contains(organization(42)) && list.contains(organization(u32::MAX)));
        assert!(!list.contains(organization(1)));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (content, expected) in [
            ("OrgID\n1\nx\n", 3),
            ("OrgID\n0\n", 2),
            ("OrgID\n1\n4294967296\n", 3),
            ("OrgID\n,1\n", 2),
            ("OrgID\n-1\n", 2),
            ("", 1),
            ("\n", 1),
        ] {
            let file = file(content);
            let error = AllowList::open(file.path()).unwrap_err();
            assert!(
                matches!(error, AllowListError::Line { line, .. } if line == expected),
                "{content:?}: {error:?}"
            );
        }
        assert!(AllowList::open(file("OrgID\n").path()).unwrap().is_empty());
        assert!(matches!(AllowList::open(Path::new("/nowhere")), Err(AllowListError::File { .. })));
    }

    #[test]
    fn changes_are_taken_and_broken_files_are_not() {
        let file = file("OrgID\n1\n");
        let list = AllowList::open(file.path()).unwrap();
        std::fs::write(file.path(), "OrgID\n1\n22\n").unwrap();
        list.reload().unwrap();
        assert!(list.contains(organization(22)));
        for broken in ["", "OrgID\nbroken\n"] {
            std::fs::write(file.path(), broken).unwrap();
            assert!(list.reload().is_err());
            assert!(list.contains(organization(22)), "the last good list stays");
        }
        std::fs::remove_file(file.path()).unwrap();
        assert!(list.reload().is_err());
    }
}
