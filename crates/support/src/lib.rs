//! Small tools that several crates need and that say nothing about gathering: a cache with a size in bytes, log lines that
//! cannot flood, PEM files, texts in one line.

mod bounded_cache;
mod one_line;
pub mod pem;
mod throttled_log;

pub use bounded_cache::BoundedCache;
pub use one_line::one_line;
pub use throttled_log::ThrottledLog;
