//! Small tools that several crates need and that say nothing about gathering: a cache with a size in bytes, a semaphore that is
//! fair, log lines that cannot flood, PEM files, URLs of services, what clients of HTTP
//! share, the proxy of the environment, texts in one line.

mod base_url;
mod bounded_cache;
mod fair_log;
mod fair_semaphore;
pub mod http_client;
mod one_line;
pub mod pem;
mod proxy;
mod service_url;
mod throttled_log;
pub mod trace;

pub use base_url::{BaseUrl, BaseUrlError};
pub use bounded_cache::BoundedCache;
pub use fair_log::FairLog;
pub use fair_semaphore::{FairSemaphore, Permit};
pub use one_line::{one_line, visible};
pub use proxy::{ProxyError, ProxySettings};
pub use service_url::{ServiceUrl, UrlRules};
pub use throttled_log::ThrottledLog;
