//! Rule content from a directory tree, as rule repositories lay it out.
//!
//! `config.yaml` at the top names the impacts. Below `external` and `internal`, a directory with a `plugin.yaml` is a
//! rule and each directory in it an error key. A rule or key that cannot be used is left out with a reason; only a tree
//! that cannot be read as a whole is an error. Content that is served, though hardly as it was meant, has a warning.

mod error;
mod findings;
mod load;
mod loaded;
mod risk;
mod rule;
mod tree;
mod yaml;

pub use error::TreeError;
pub use findings::{LeftOut, LeftOutReason, Oddity, Warning};
pub use load::load;
pub use loaded::LoadedContent;

#[cfg(test)]
mod tests;
