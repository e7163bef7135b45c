//! Lookups that are answered together: a statement or two for each kind there is.

use diesel::{PgConnection, QueryResult};
use gathering_domain::ids::RequestKey;
use gathering_domain::request::RequestRecord;
use gathering_domain::store::StoreError;
use gathering_domain::time::Timestamp;

use super::lookup::{
    ClusterKey, List, ListLookup, Lookup, PendingLookup, PositionLookup, ReportLookup, Selection,
    SelectionLookup, StatesLookup, StatusLookup,
};
use super::reply::send_all;
use crate::columns::state_of;
use crate::read::postgres::clusters::known_clusters;
use crate::read::postgres::keys::{ClusterKeys, Position, RequestKeys};
use crate::read::postgres::lists::{ShortRows, short_lists};
use crate::read::postgres::position::position;
use crate::read::postgres::requests::{records, reports, states, statuses};
use crate::read::rows::{self, ReadTimes, RecordRow};

/// Lookups that have no reply yet, by kind.
#[derive(Debug, Default)]
pub(super) struct Batch {
    statuses: Vec<StatusLookup>,
    states: Vec<StatesLookup>,
    reports: Vec<ReportLookup>,
    lists: Vec<ListLookup>,
    selections: Vec<SelectionLookup>,
    positions: Vec<PositionLookup>,
}

impl Batch {
    pub(super) fn new(lookups: impl IntoIterator<Item = Lookup>) -> Self {
        let mut batch = Self::default();
        for lookup in lookups {
            match lookup {
                Lookup::Status(lookup) => batch.statuses.push(lookup),
                Lookup::States(lookup) => batch.states.push(lookup),
                Lookup::Report(lookup) => batch.reports.push(lookup),
                Lookup::List(lookup) => batch.lists.push(lookup),
                Lookup::Select(lookup) => batch.selections.push(lookup),
                Lookup::Position(lookup) => batch.positions.push(lookup),
            }
        }
        batch
    }

    /// Answers kind by kind. After an error some may have their reply; the others can be asked again.
    pub(super) fn answer(&mut self, connection: &mut PgConnection, times: ReadTimes) -> QueryResult<()> {
        let ReadTimes { now, cluster_cutoff } = times;
        answer_each(&mut self.statuses, |keys| statuses(connection, keys, now), rows::kept_status)?;
        answer_states(connection, &mut self.states, now)?;
        answer_each(&mut self.reports, |keys| reports(connection, keys, now), rows::report)?;
        answer_lists(connection, &mut self.lists, now, cluster_cutoff)?;
        answer_selections(connection, &mut self.selections, now)?;
        if !self.positions.is_empty() {
            let found = position(connection)?;
            send_all(self.positions.drain(..).map(|lookup| (lookup.reply, Ok(found.clone()))));
        }
        Ok(())
    }

    /// Answers all of them with an error.
    pub(super) fn fail(self, error: &StoreError) {
        fail_each(self.statuses, error);
        fail_each(self.states, error);
        fail_each(self.reports, error);
        fail_each(self.lists, error);
        fail_each(self.selections, error);
        fail_each(self.positions, error);
    }

    /// Those that have no reply yet.
    pub(super) fn into_lookups(self) -> Vec<Lookup> {
        let statuses = self.statuses.into_iter().map(Lookup::Status);
        let states = self.states.into_iter().map(Lookup::States);
        let reports = self.reports.into_iter().map(Lookup::Report);
        let lists = self.lists.into_iter().map(Lookup::List);
        let selections = self.selections.into_iter().map(Lookup::Select);
        let positions = self.positions.into_iter().map(Lookup::Position);
        statuses.chain(states).chain(reports).chain(lists).chain(selections).chain(positions).collect()
    }
}

fn fail_each<K, T>(lookups: Vec<PendingLookup<K, T>>, error: &StoreError) {
    send_all(lookups.into_iter().map(|lookup| (lookup.reply, Err(error.clone()))));
}

/// Lookups of single requests.
fn answer_each<R, T>(
    lookups: &mut Vec<PendingLookup<RequestKey, Option<T>>>,
    ask: impl FnOnce(&RequestKeys<'_>) -> QueryResult<Vec<(Position, R)>>,
    read: impl Fn(R) -> QueryResult<T>,
) -> QueryResult<()> {
    if lookups.is_empty() {
        return Ok(());
    }
    let mut keys = RequestKeys::default();
    for PendingLookup { key, .. } in lookups.iter() {
        keys.add(key.organization, key.cluster, &key.request);
    }
    let mut results: Vec<Option<QueryResult<T>>> = lookups.iter().map(|_| None).collect();
    for (position, row) in ask(&keys)? {
        if let Some(result) = at(&mut results, position) {
            *result = Some(read(row));
        }
    }
    let results = results.into_iter().map(|result| result.transpose().map_err(StoreError::defect));
    send_all(lookups.drain(..).map(|lookup| lookup.reply).zip(results));
    Ok(())
}

fn answer_lists(
    connection: &mut PgConnection,
    lookups: &mut Vec<ListLookup>,
    now: Timestamp,
    cluster_cutoff: Timestamp,
) -> QueryResult<()> {
    if lookups.is_empty() {
        return Ok(());
    }
    let mut clusters = ClusterKeys::default();
    for PendingLookup { key: ClusterKey(organization, cluster), .. } in lookups.iter() {
        clusters.add(*organization, *cluster);
    }
    let mut found: Vec<Option<List>> = lookups.iter().map(|_| None).collect();
    for (position, short) in short_lists(connection, &clusters, now)? {
        if let Some(list) = at(&mut found, position) {
            *list = match short {
                ShortRows::Expired => None,
                ShortRows::Records(records) => Some(List::Records(records)),
                ShortRows::TooMany => Some(List::TooLong),
            };
        }
    }
    let mut known: Vec<bool> = found.iter().map(Option::is_some).collect();
    if known.contains(&false) {
        // One that has requests is known without a look; asking for all of them is simpler, and one that has none is rare.
        for position in known_clusters(connection, &clusters, cluster_cutoff)? {
            if let Some(known) = at(&mut known, position) {
                *known = true;
            }
        }
    }
    let lists =
        found.into_iter().zip(known).map(|(list, known)| Ok(list.or_else(|| known.then_some(List::Empty))));
    send_all(lookups.drain(..).map(|lookup| lookup.reply).zip(lists));
    Ok(())
}

fn answer_states(
    connection: &mut PgConnection,
    lookups: &mut Vec<StatesLookup>,
    now: Timestamp,
) -> QueryResult<()> {
    if lookups.is_empty() {
        return Ok(());
    }
    let mut keys = RequestKeys::default();
    for key in lookups.iter().flat_map(|lookup| &lookup.key) {
        keys.add(key.organization, key.cluster, &key.request);
    }
    let mut found: Vec<Option<i16>> = lookups.iter().flat_map(|lookup| &lookup.key).map(|_| None).collect();
    for (position, code) in states(connection, &keys, now)? {
        if let Some(found) = at(&mut found, position) {
            *found = Some(code);
        }
    }
    let mut found = found.into_iter();
    send_all(lookups.drain(..).map(|PendingLookup { key, reply }| {
        let own = found.by_ref().take(key.len()).map(|code| code.map(state_of).transpose());
        (reply, own.collect::<QueryResult<_>>().map_err(StoreError::defect))
    }));
    Ok(())
}

fn answer_selections(
    connection: &mut PgConnection,
    lookups: &mut Vec<SelectionLookup>,
    now: Timestamp,
) -> QueryResult<()> {
    if lookups.is_empty() {
        return Ok(());
    }
    let mut keys = RequestKeys::default();
    let mut whose = Vec::new();
    for (number, lookup) in (1..).zip(lookups.iter()) {
        let Selection(organization, cluster, requests) = &lookup.key;
        for request in requests {
            keys.add(*organization, *cluster, request);
            whose.push(number);
        }
    }
    let found = grouped(lookups.len(), records(connection, &keys, now)?, |key| {
        index(key).and_then(|key| whose.get(key)).copied()
    });
    let found = found.into_iter().map(|found| found.map_err(StoreError::defect));
    send_all(lookups.drain(..).map(|lookup| lookup.reply).zip(found));
    Ok(())
}

/// The records of each of `count` lookups.
fn grouped(
    count: usize,
    rows: Vec<(Position, RecordRow)>,
    lookup_of: impl Fn(Position) -> Option<Position>,
) -> Vec<QueryResult<Vec<RequestRecord>>> {
    let mut groups: Vec<QueryResult<Vec<RequestRecord>>> = (0..count).map(|_| Ok(Vec::new())).collect();
    for (position, row) in rows {
        let Some(group) = lookup_of(position).and_then(|number| at(&mut groups, number)) else { continue };
        if let Ok(records) = group {
            match rows::record(row) {
                Ok(record) => records.push(record),
                Err(error) => *group = Err(error),
            }
        }
    }
    groups
}

fn at<T>(items: &mut [T], position: Position) -> Option<&mut T> {
    index(position).and_then(|index| items.get_mut(index))
}

/// PostgreSQL counts from 1.
fn index(position: Position) -> Option<usize> {
    usize::try_from(position).ok()?.checked_sub(1)
}
