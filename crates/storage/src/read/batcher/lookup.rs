//! What can be looked up.

use gathering_domain::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use gathering_domain::request::{RequestRecord, RequestState, StoredReport};

use super::patience::Whose;
use super::reply::ReplySender;
use crate::read::postgres::position::ServerPosition;
use crate::read::rows::{KeptStatus, RecordColumns};

/// What is looked up, and where the reply goes.
#[derive(Debug)]
pub(super) struct PendingLookup<K, T> {
    pub(super) key: K,
    pub(super) reply: ReplySender<T>,
}

/// All requests of a cluster.
#[derive(Debug)]
pub(super) struct ClusterKey(pub(super) OrganizationId, pub(super) ClusterId);

/// What is known of all requests of a cluster.
#[derive(Debug)]
pub(super) enum List {
    Empty,
    Records(RecordColumns),
    /// They are too many to be read beside other lookups.
    TooLong,
}

/// Some requests of a cluster.
#[derive(Debug)]
pub(super) struct Selection(pub(super) OrganizationId, pub(super) ClusterId, pub(super) Vec<RequestId>);

/// What the server is, and how far it has come.
#[derive(Debug)]
pub(super) struct Position;

pub(super) type PositionLookup = PendingLookup<Position, ServerPosition>;
pub(super) type StatusLookup = PendingLookup<RequestKey, Option<KeptStatus>>;
pub(super) type StatesLookup = PendingLookup<Vec<RequestKey>, Vec<Option<RequestState>>>;
pub(super) type ReportLookup = PendingLookup<RequestKey, Option<StoredReport>>;
pub(super) type ListLookup = PendingLookup<ClusterKey, Option<List>>;
pub(super) type SelectionLookup = PendingLookup<Selection, Vec<RequestRecord>>;

/// A lookup of any kind.
#[derive(Debug)]
pub(super) enum Lookup {
    Status(StatusLookup),
    States(StatesLookup),
    Report(ReportLookup),
    List(ListLookup),
    Select(SelectionLookup),
    Position(PositionLookup),
}

impl Lookup {
    /// About how many rows the answer has.
    pub(super) fn weight(&self) -> usize {
        /// A guess at the requests of a cluster.
        const LIST: usize = 16;
        /// Its hits are as long as some rows.
        const REPORT: usize = 4;
        match self {
            Self::Status(_) | Self::Position(_) => 1,
            Self::States(lookup) => lookup.key.len().max(1),
            Self::Report(_) => REPORT,
            Self::List(_) => LIST,
            Self::Select(lookup) => lookup.key.2.len().max(1),
        }
    }

    /// Whose requests it is about.
    pub(super) fn whose(&self) -> Whose {
        match self {
            Self::Status(PendingLookup { key, .. }) | Self::Report(PendingLookup { key, .. }) => {
                Some((key.organization, key.cluster))
            }
            Self::List(PendingLookup { key: ClusterKey(organization, cluster), .. })
            | Self::Select(PendingLookup { key: Selection(organization, cluster, _), .. }) => {
                Some((*organization, *cluster))
            }
            Self::States(_) | Self::Position(_) => None,
        }
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Status(lookup) => lookup.reply.is_abandoned(),
            Self::States(lookup) => lookup.reply.is_abandoned(),
            Self::Report(lookup) => lookup.reply.is_abandoned(),
            Self::List(lookup) => lookup.reply.is_abandoned(),
            Self::Select(lookup) => lookup.reply.is_abandoned(),
            Self::Position(lookup) => lookup.reply.is_abandoned(),
        }
    }
}
