//! Errors of messages.

use gathering_domain::intake::NotGranted;

/// Why a message is refused. The sentences are ours and hold no part of the message, so that they can be
/// stored, logged and shown as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("the message is not one JSON document (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("the message is not a JSON object")]
    NotAnObject,
    #[error("the attribute '{0}' is missing")]
    Missing(&'static str),
    #[error("the attribute '{attribute}' is not {expected}")]
    Wrong { attribute: &'static str, expected: &'static str },
    /// The report says nothing: the pipeline could not analyse the archive.
    #[error("the report is empty")]
    EmptyReport,
    #[error("the report lacks the required key '{0}'")]
    ReportKey(&'static str),
    #[error("element {index} of the report's '{list}' is not {expected}")]
    ReportElement {
        list: &'static str,
        /// Which element, from 0.
        index: usize,
        expected: &'static str,
    },
    #[error("{0}")]
    NotGranted(#[from] NotGranted),
    #[error("the organization is not in the allow list")]
    NotListed,
    /// The database takes other events and not this one; the log says why.
    #[error("the database refuses the event")]
    RefusedByDatabase,
}
