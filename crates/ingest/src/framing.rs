//! Where one message ends and the next begins: the documents of a file, the lines of a body.

pub(crate) mod documents;
pub(crate) mod lines;
