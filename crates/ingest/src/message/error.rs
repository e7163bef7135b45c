//! What can be wrong with a message.

use gathering_domain::NotGranted;

/// Why a message is refused. The sentences are ours and hold no part of the message, so that they can be
/// stored, logged and shown as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not JSON, or something follows the document.
    #[error("the message is not one JSON document (line {line}, column {column})")]
    NotJson {
        /// Where reading stopped, from 1.
        line: usize,
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// JSON, but no object.
    #[error("the message is not a JSON object")]
    NotAnObject,
    /// A required attribute is absent or null.
    #[error("the attribute '{0}' is missing")]
    Missing(&'static str),
    /// An attribute is there and is not what it has to be.
    #[error("the attribute '{attribute}' is not {expected}")]
    Wrong {
        /// Its name.
        attribute: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// The report says nothing: the pipeline could not analyse the archive.
    #[error("the report is empty")]
    EmptyReport,
    /// The report says something, but lacks parts that every report has.
    #[error("the report lacks the required key '{0}'")]
    ReportKey(&'static str),
    /// An element of a list in the report is not what it has to be.
    #[error("element {index} of the report's '{list}' is not {expected}")]
    ReportElement {
        /// The list's key.
        list: &'static str,
        /// Which element, from 0.
        index: usize,
        /// What it has to be.
        expected: &'static str,
    },
    /// Its sender may not write it.
    #[error("{0}")]
    NotGranted(#[from] NotGranted),
    /// There is an allow list, and it does not have the organization.
    #[error("the organization is not in the allow list")]
    NotListed,
    /// The database takes other events and not this one; the log says why.
    #[error("the database refuses the event")]
    RefusedByDatabase,
}
