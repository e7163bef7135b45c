//! Framing: where one message ends and the next one begins, in files and in bodies.

pub(crate) mod documents;
pub(crate) mod lines;
