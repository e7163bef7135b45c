//! How running processes learn that something was erased, and forget what they remember of it.

use diesel::prelude::*;
use gathering_domain::store::StoreError;

use super::on_either;
use crate::connection::any::AnyConnection;
use crate::database::Reads;
use crate::schema::erasures;
use crate::storage::Storage;

impl Storage {
    /// Looks whether something was erased since the last look, and if so, forgets what is remembered of requests.
    pub async fn notice_erasures(&self) -> Result<(), StoreError> {
        let database = &self.database;
        let generation = match &database.reads {
            Reads::Sqlite(reads) => database.ask(reads, generation)?,
            Reads::Postgres(_) => database.writes.run(generation).await?,
        };
        if database.processed.notice_erasures(generation)
            && let Reads::Postgres(reads) = &database.reads
        {
            reads.notice_erasure();
        }
        Ok(())
    }
}

fn generation(connection: &mut AnyConnection) -> QueryResult<i64> {
    on_either!(connection, connection => erasures::table.select(erasures::generation).get_result(connection))
}
