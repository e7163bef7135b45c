//! What a store needs to know.

use std::time::Duration;

use gathering_domain::time::Retention;

use crate::connection::session::Pooler;
use crate::connection::url::DatabaseUrl;

/// What a store needs to know. See `config/default.toml` for defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which database.
    pub url: DatabaseUrl,
    /// A standby of that database on PostgreSQL, asked first for what may be processed.
    pub read_url: Option<DatabaseUrl>,
    /// What shares connections to PostgreSQL, if anything does.
    pub pooler: Pooler,
    /// Connections to PostgreSQL for writing and upkeep, beside up to two that answer lookups. SQLite has `readers` and one
    /// writer.
    pub pool_size: u32,
    /// Reading connections to SQLite: as many as there are threads that ask.
    pub readers: u32,
    /// How long a caller waits for a connection.
    pub pool_timeout: Duration,
    /// How long a caller waits in all, the wait for a connection included.
    pub query_timeout: Duration,
    /// How long records are kept.
    pub retention: Retention,
    /// What the keys of processed requests that are remembered may take up, in bytes; 0 remembers none.
    pub processed_cache: usize,
    /// How long an event may fail alone, while others are recorded, before it is refused.
    pub refuse_after: Duration,
}
