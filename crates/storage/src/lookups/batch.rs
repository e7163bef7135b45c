//! Questions that are answered together: a statement or two for each kind there is.

use diesel::{PgConnection, QueryResult};
use gathering_domain::{RequestKey, RequestRecord, StoreError, Timestamp};

use super::answer::send_all;
use super::question::{
    Asked, List, ListAsked, Question, ReportAsked, Selection, SelectionAsked, StateAsked, Whole,
};
use crate::dialect::postgres::{
    AskedClusters, AskedRequests, Position, ShortRows, known_clusters, records, reports, short_lists, states,
};
use crate::rows::{self, ReadTimes, RecordRow};

/// Questions that have no answer yet, by kind.
#[derive(Debug, Default)]
pub(super) struct Batch {
    states: Vec<StateAsked>,
    reports: Vec<ReportAsked>,
    lists: Vec<ListAsked>,
    selections: Vec<SelectionAsked>,
}

impl Batch {
    pub(super) fn new(questions: impl IntoIterator<Item = Question>) -> Self {
        let mut batch = Self::default();
        for question in questions {
            match question {
                Question::State(asked) => batch.states.push(asked),
                Question::Report(asked) => batch.reports.push(asked),
                Question::List(asked) => batch.lists.push(asked),
                Question::Select(asked) => batch.selections.push(asked),
            }
        }
        batch
    }

    /// Answers kind by kind. After an error some may have their answer; the others can be asked again.
    pub(super) fn answer(&mut self, connection: &mut PgConnection, times: ReadTimes) -> QueryResult<()> {
        let ReadTimes { now, cluster_cutoff } = times;
        answer_each(&mut self.states, |asked| states(connection, asked, now), rows::kept_state)?;
        answer_each(&mut self.reports, |asked| reports(connection, asked, now), rows::report)?;
        answer_lists(connection, &mut self.lists, now, cluster_cutoff)?;
        answer_selections(connection, &mut self.selections, now)
    }

    /// Answers all of them with an error.
    pub(super) fn fail(self, error: &StoreError) {
        fail_each(self.states, error);
        fail_each(self.reports, error);
        fail_each(self.lists, error);
        fail_each(self.selections, error);
    }

    /// Those that have no answer yet.
    pub(super) fn into_questions(self) -> Vec<Question> {
        let states = self.states.into_iter().map(Question::State);
        let reports = self.reports.into_iter().map(Question::Report);
        let lists = self.lists.into_iter().map(Question::List);
        let selections = self.selections.into_iter().map(Question::Select);
        states.chain(reports).chain(lists).chain(selections).collect()
    }
}

fn fail_each<A, T>(asked: Vec<Asked<A, T>>, error: &StoreError) {
    send_all(asked.into_iter().map(|asked| (asked.answer, Err(error.clone()))));
}

/// Questions about single requests.
fn answer_each<R, T>(
    asked: &mut Vec<Asked<RequestKey, Option<T>>>,
    ask: impl FnOnce(&AskedRequests<'_>) -> QueryResult<Vec<(Position, R)>>,
    read: impl Fn(R) -> QueryResult<T>,
) -> QueryResult<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let mut keys = AskedRequests::default();
    for Asked { about: key, .. } in asked.iter() {
        keys.add(key.organization, key.cluster, &key.request);
    }
    let mut answers: Vec<Option<QueryResult<T>>> = asked.iter().map(|_| None).collect();
    for (position, row) in ask(&keys)? {
        if let Some(answer) = at(&mut answers, position) {
            *answer = Some(read(row));
        }
    }
    let answers = answers.into_iter().map(|answer| answer.transpose().map_err(StoreError::defect));
    send_all(asked.drain(..).map(|asked| asked.answer).zip(answers));
    Ok(())
}

fn answer_lists(
    connection: &mut PgConnection,
    asked: &mut Vec<ListAsked>,
    now: Timestamp,
    cluster_cutoff: Timestamp,
) -> QueryResult<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let mut clusters = AskedClusters::default();
    for Asked { about: Whole(organization, cluster), .. } in asked.iter() {
        clusters.add(*organization, *cluster);
    }
    let mut found: Vec<Option<List>> = asked.iter().map(|_| None).collect();
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
    send_all(asked.drain(..).map(|asked| asked.answer).zip(lists));
    Ok(())
}

fn answer_selections(
    connection: &mut PgConnection,
    asked: &mut Vec<SelectionAsked>,
    now: Timestamp,
) -> QueryResult<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let mut keys = AskedRequests::default();
    let mut whose = Vec::new();
    for (number, Asked { about: Selection(organization, cluster, requests), .. }) in (1..).zip(asked.iter()) {
        for request in requests {
            keys.add(*organization, *cluster, request);
            whose.push(number);
        }
    }
    let found = grouped(asked.len(), records(connection, &keys, now)?, |key| {
        index(key).and_then(|key| whose.get(key)).copied()
    });
    let found = found.into_iter().map(|found| found.map_err(StoreError::defect));
    send_all(asked.drain(..).map(|asked| asked.answer).zip(found));
    Ok(())
}

/// The records of each of `count` questions.
fn grouped(
    count: usize,
    rows: Vec<(Position, RecordRow)>,
    question: impl Fn(Position) -> Option<Position>,
) -> Vec<QueryResult<Vec<RequestRecord>>> {
    let mut groups: Vec<QueryResult<Vec<RequestRecord>>> = (0..count).map(|_| Ok(Vec::new())).collect();
    for (position, row) in rows {
        let Some(group) = question(position).and_then(|number| at(&mut groups, number)) else { continue };
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
