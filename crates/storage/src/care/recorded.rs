//! What is recorded of a cluster, whoever it belongs to and whether it has expired or not.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
use gathering_domain::ids::{ClusterId, OrganizationId, RequestId};
use gathering_domain::request::RequestState;
use gathering_domain::rule::RuleHit;
use gathering_domain::store::StoreError;
use gathering_domain::time::Timestamp;

use super::on_either;
use crate::columns::{hits_of, state_of, unreadable};
use crate::connection::any::AnyConnection;
use crate::connection::cluster_uuid::{ClusterUuid, StoredCluster};
use crate::storage::Storage;

/// What an organization has of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedOrganization {
    pub organization: OrganizationId,
    /// When the cluster was first and last heard of; `None` if only requests of it are recorded.
    pub known: Option<(Timestamp, Timestamp)>,
    /// How many requests are recorded of those that were asked for, expired ones included.
    pub total: u64,
    /// The newest of them.
    pub requests: Vec<RecordedRequest>,
}

/// A row of `requests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    pub request: RequestId,
    pub state: RequestState,
    pub received_at: Timestamp,
    pub processed_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub hits: Vec<RuleHit>,
    pub failure: Option<String>,
}

/// The most organizations that are told of; one is usual, and two are a mistake of somebody.
const ORGANIZATIONS: i64 = 100;

// No index begins with the cluster: both tables are read as a whole, on a distributed database those of one shard.
const OWNERS: &str = "SELECT owners.org_id FROM (
                          SELECT org_id FROM clusters WHERE cluster_id = $1
                          UNION SELECT org_id FROM requests WHERE cluster_id = $2) AS owners
                      ORDER BY owners.org_id LIMIT $3";

const KNOWN: &str = "SELECT first_seen, last_seen FROM clusters WHERE org_id = $1 AND cluster_id = $2";

// An empty text stands for every request.
const TOTAL: &str = "SELECT count(*) AS total FROM requests
                     WHERE org_id = $1 AND cluster_id = $2 AND ($3 = '' OR request_id = $3)";

const REQUESTS: &str =
    "SELECT request_id, state, received_at, processed_at, expires_at, rule_hits, failure FROM requests
     WHERE org_id = $1 AND cluster_id = $2 AND ($3 = '' OR request_id = $3)
     ORDER BY received_at DESC, request_id LIMIT $4";

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = BigInt)]
    org_id: i64,
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = BigInt)]
    first_seen: i64,
    #[diesel(sql_type = BigInt)]
    last_seen: i64,
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = SmallInt)]
    state: i16,
    #[diesel(sql_type = BigInt)]
    received_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    processed_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Text)]
    rule_hits: String,
    #[diesel(sql_type = Nullable<Text>)]
    failure: Option<String>,
}

impl Storage {
    /// What is recorded of a cluster, of one request or of all, by organization; of each organization the newest `most`
    /// requests. It reads tables as a whole, so the query timeout should be a long one.
    pub async fn recorded(
        &self,
        cluster: ClusterId,
        request: Option<RequestId>,
        most: u32,
    ) -> Result<Vec<RecordedOrganization>, StoreError> {
        self.database.prepare_for_work()?;
        let work = move |connection: &mut AnyConnection| {
            let owners = owners(connection, cluster)?;
            let all =
                owners.into_iter().map(|owner| of_owner(connection, owner, cluster, request.as_ref(), most));
            all.collect::<QueryResult<Vec<_>>>()
        };
        self.database.lists.run(work).await
    }
}

fn owners(connection: &mut AnyConnection, cluster: ClusterId) -> QueryResult<Vec<OrganizationId>> {
    let cluster = StoredCluster::from(cluster);
    let rows: Vec<Owner> = on_either!(connection, connection => sql_query(OWNERS)
        .bind::<ClusterUuid, _>(cluster)
        .bind::<ClusterUuid, _>(cluster)
        .bind::<BigInt, _>(ORGANIZATIONS)
        .load(connection))?;
    rows.into_iter().map(|row| organization(row.org_id)).collect()
}

fn organization(number: i64) -> QueryResult<OrganizationId> {
    let organization = u32::try_from(number).ok().and_then(|number| OrganizationId::try_from(number).ok());
    organization.ok_or_else(|| unreadable("no organization"))
}

fn of_owner(
    connection: &mut AnyConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    request: Option<&RequestId>,
    most: u32,
) -> QueryResult<RecordedOrganization> {
    let (number, stored) = (i64::from(organization.get()), StoredCluster::from(cluster));
    let wanted = request.map_or("", RequestId::as_str);
    let known: Option<Known> = on_either!(connection, connection => sql_query(KNOWN)
        .bind::<BigInt, _>(number)
        .bind::<ClusterUuid, _>(stored)
        .get_result(connection)
        .optional())?;
    let Total { total } = on_either!(connection, connection => sql_query(TOTAL)
        .bind::<BigInt, _>(number)
        .bind::<ClusterUuid, _>(stored)
        .bind::<Text, _>(wanted)
        .get_result(connection))?;
    let rows: Vec<Row> = on_either!(connection, connection => sql_query(REQUESTS)
        .bind::<BigInt, _>(number)
        .bind::<ClusterUuid, _>(stored)
        .bind::<Text, _>(wanted)
        .bind::<BigInt, _>(i64::from(most))
        .load(connection))?;
    let time = Timestamp::from_micros;
    Ok(RecordedOrganization {
        organization,
        known: known.map(|known| (time(known.first_seen), time(known.last_seen))),
        total: total.try_into().unwrap_or_default(),
        requests: rows.into_iter().map(recorded).collect::<QueryResult<_>>()?,
    })
}

fn recorded(row: Row) -> QueryResult<RecordedRequest> {
    Ok(RecordedRequest {
        request: RequestId::try_from(row.request_id).map_err(|_| unreadable("no request ID"))?,
        state: state_of(row.state)?,
        received_at: Timestamp::from_micros(row.received_at),
        processed_at: row.processed_at.map(Timestamp::from_micros),
        expires_at: Timestamp::from_micros(row.expires_at),
        hits: hits_of(&row.rule_hits)?,
        failure: row.failure,
    })
}
