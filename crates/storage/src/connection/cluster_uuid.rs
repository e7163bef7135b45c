//! The column type of a cluster ID: `uuid` on PostgreSQL, a blob of 16 bytes on SQLite, which has no UUID.

use std::io::Write;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Binary, SqlType};
use diesel::sqlite::Sqlite;
use gathering_domain::ids::ClusterId;

/// The SQL type. The numbers are those of `uuid` and `uuid[]` in PostgreSQL's catalogue; by name, diesel would ask each
/// new connection for them.
#[derive(Debug, Clone, Copy, Default, SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
// `pub` since the `table!` macro makes public items that name it; the module is private.
pub struct ClusterUuid;

/// The value of such a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = ClusterUuid)]
pub(crate) struct StoredCluster(pub(crate) [u8; 16]);

impl From<ClusterId> for StoredCluster {
    fn from(cluster: ClusterId) -> Self {
        Self(*cluster.as_bytes())
    }
}

impl ToSql<ClusterUuid, Pg> for StoredCluster {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

impl ToSql<ClusterUuid, Sqlite> for StoredCluster {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<ClusterUuid, Pg> for StoredCluster {
    fn from_sql(bytes: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(bytes.as_bytes().try_into()?))
    }
}

impl FromSql<ClusterUuid, Sqlite> for StoredCluster {
    fn from_sql(bytes: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(bytes)?;
        Ok(Self(bytes.as_slice().try_into()?))
    }
}
