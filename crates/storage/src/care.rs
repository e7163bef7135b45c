//! What those who run the service ask for by hand: a copy of the database, the end of what is recorded of somebody, and what
//! is recorded of a cluster, whoever it belongs to. Nothing here serves a call.
//!
//! The statements are the same on both databases: SQLite takes `$1` for a parameter, too, and numbers such as it by their
//! first use, so each text uses its parameters in order.

pub(crate) mod backup;
pub(crate) mod erase;
pub(crate) mod erasures;
pub(crate) mod recorded;

/// Does the same on the driver's own connection of either database.
macro_rules! on_either {
    ($connection:expr, $driver:ident => $work:expr) => {
        match $connection {
            $crate::connection::any::AnyConnection::Postgres($driver) => $work,
            $crate::connection::any::AnyConnection::Sqlite($driver) => $work,
        }
    };
}
use on_either;
