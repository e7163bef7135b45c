//! A database that is away for a while.

use crate::database::TestDatabase;

/// What every call needs one of.
const TABLES: [&str; 3] = ["requests", "clusters", "content_revision"];

/// A database without its tables: a service on it answers as if it could not be reached. The tables are back when this is
/// dropped.
#[derive(Debug)]
#[must_use = "the outage ends when this is dropped"]
pub struct Outage<'a>(&'a TestDatabase);

impl TestDatabase {
    /// Takes the tables of a migrated database away, until the answer is dropped.
    ///
    /// # Panics
    /// If they are not there.
    pub fn outage(&self) -> Outage<'_> {
        self.execute(&renamed(|table| (table.to_owned(), format!("{table}_away"))));
        Outage(self)
    }
}

impl Drop for Outage<'_> {
    fn drop(&mut self) {
        let back = renamed(|table| (format!("{table}_away"), table.to_owned()));
        // One panic is enough.
        if !std::thread::panicking() {
            self.0.execute(&back);
        }
    }
}

fn renamed(names: impl Fn(&str) -> (String, String)) -> String {
    let rename = |table: &str| {
        let (from, to) = names(table);
        format!("ALTER TABLE {from} RENAME TO {to};")
    };
    TABLES.map(rename).concat()
}
