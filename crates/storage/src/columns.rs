//! How values of the domain are kept in the columns of `requests`, the same on both databases.

use std::str::FromStr;

use diesel::QueryResult;
use diesel::result::Error;
use gathering_domain::request::RequestState;
use gathering_domain::rule::RuleHit;

/// The codes of states rise in the order in which states give way to one another: the statement that writes a request relies
/// on it.
pub(crate) const fn state_code(state: RequestState) -> i16 {
    match state {
        RequestState::Received => 0,
        RequestState::Failed => 1,
        RequestState::Processed => 2,
    }
}

pub(crate) fn state_of(code: i16) -> QueryResult<RequestState> {
    match code {
        0 => Ok(RequestState::Received),
        1 => Ok(RequestState::Failed),
        2 => Ok(RequestState::Processed),
        _ => Err(unreadable("a state other than 0, 1 and 2")),
    }
}

/// Commas cannot occur in a hit, so they separate them.
pub(crate) fn hits_text(hits: &[RuleHit]) -> String {
    let length = hits.iter().map(|hit| hit.as_str().len() + 1).sum();
    let mut text = String::with_capacity(length);
    for hit in hits {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(hit.as_str());
    }
    text
}

pub(crate) fn hits_of(text: &str) -> QueryResult<Vec<RuleHit>> {
    let hits = text.split(',').filter(|hit| !hit.is_empty()).map(RuleHit::from_str);
    hits.collect::<Result<_, _>>().map_err(|_| unreadable("no rule hit"))
}

/// The error of a row that no program of this kind wrote.
pub(crate) fn unreadable(what: &'static str) -> Error {
    Error::DeserializationError(format!("a row of requests holds {what}").into())
}
