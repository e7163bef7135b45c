//! The wire format of result messages: from the bytes of one to what is to be done about it.

pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod limits;
pub(crate) mod object;
pub(crate) mod parsed;
pub(crate) mod report;
pub(crate) mod result;
pub(crate) mod text;
pub(crate) mod warning;

#[cfg(test)]
pub(crate) mod fixture;
