//! Limits of one message.

/// The most hits that a message may have, and how many bytes they may have together. There are some hundred rules, and
/// the largest reports that are known have some tens of hits; each reader of a report pays for all of its hits.
pub(crate) const MAX_HITS: usize = 5000;
pub(crate) const MAX_HITS_LENGTH: usize = 256 * 1024;

/// How many warnings are kept: a message can be odd in as many ways as it has bytes.
pub(crate) const MAX_WARNINGS: usize = 10;
