//! Opening databases, keeping connections, and running work on them.

pub(crate) mod any;
mod authorities;
pub(crate) mod cluster_uuid;
pub(crate) mod epoch;
pub(crate) mod executor;
pub(crate) mod migrations;
pub(crate) mod network;
pub(crate) mod opener;
pub(crate) mod pool;
pub(crate) mod pooled;
pub(crate) mod progress;
pub(crate) mod session;
pub(crate) mod sqlite_file;
pub(crate) mod url;
