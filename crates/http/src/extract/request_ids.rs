//! The list of request IDs in the body of a POST.

use std::borrow::Cow;
use std::fmt;

use actix_web::web;
use gathering_domain::ids::RequestId;
use gathering_domain::intake::Tenant;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::body::read;
use super::body_budget::{BodyBudget, BudgetGuard};
use crate::error::{ApiError, BodyError};
use crate::limits::Limits;

/// The memory for all lists of request IDs that are being read or answered.
pub(crate) struct ListBudget(pub(crate) BodyBudget);

/// Longer bodies, in bytes, are parsed on a thread for blocking work: other calls on this one would wait for it.
const MAX_INLINE: usize = 64 * 1024;

/// Reads the whole body, whatever its `Content-Type` says. The list's part of the budget is the second value.
pub(super) async fn read_request_ids(
    payload: web::Payload,
    declared: Option<usize>,
    limits: &Limits,
    budget: &ListBudget,
    tenant: Tenant,
) -> Result<(Vec<RequestId>, BudgetGuard), ApiError> {
    let mut guard = budget.0.guard(tenant);
    let body = read(payload, declared, &mut guard, || ApiError::TooManyBodies).await?;
    let limit = limits.max_request_ids;
    if body.len() <= MAX_INLINE {
        return Ok((parse(&body, limit)?, guard));
    }
    let work = move || Ok((parse(&body, limit)?, guard));
    // The threads of the pool outlive every call, so this does not fail; if it did, the body would be as good as cut off.
    web::block(work).await.unwrap_or(Err(ApiError::Body(BodyError::CutOff)))
}

/// Parses a JSON array of at most `limit` request IDs. Longer arrays are counted and not kept.
fn parse(body: &[u8], limit: usize) -> Result<Vec<RequestId>, ApiError> {
    if body.trim_ascii().is_empty() {
        return Err(ApiError::Body(BodyError::Empty));
    }
    let mut list = RequestIds { limit, count: 0, ids: Vec::new(), first_error: None };
    let mut parser = serde_json::Deserializer::from_slice(body);
    list.deserialize(&mut parser).and_then(|()| parser.end()).map_err(|error| {
        ApiError::Body(BodyError::NotAnArrayOfStrings { line: error.line(), column: error.column() })
    })?;
    if list.count > limit {
        return Err(ApiError::Body(BodyError::TooManyRequestIds { given: list.count, limit }));
    }
    list.first_error.map_or(Ok(list.ids), Err)
}

/// The part of the array that was read.
struct RequestIds {
    limit: usize,
    count: usize,
    ids: Vec<RequestId>,
    /// The error of the first text that is no request ID.
    first_error: Option<ApiError>,
}

impl RequestIds {
    fn add(&mut self, text: &str) {
        self.count += 1;
        if self.count > self.limit || self.first_error.is_some() {
            return;
        }
        match text.parse() {
            Ok(id) => self.ids.push(id),
            Err(reason) => self.first_error = Some(ApiError::parameter("requestID", text, reason)),
        }
    }
}

/// A text, borrowed from the body unless it has escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for &mut RequestIds {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut RequestIds {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(Text(text)) = list.next_element()? {
            self.add(&text);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_of_request_ids_and_nothing_else() {
        let ids =
            |body: &str| parse(body.as_bytes(), 3).map(|ids| ids.len()).map_err(|error| error.to_string());
        assert_eq!(ids("[]"), Ok(0));
        assert_eq!(ids(" [\"a\", \"b\", \"a\"]\n"), Ok(3));
        let invalid = "The request body is not valid: ";
        assert_eq!(ids(""), Err(format!("{invalid}it is empty; a JSON array of request IDs is expected")));
        assert_eq!(ids(" \n"), ids(""));
        for body in ["{}", "null", "\"a\"", "[1]", "[null]", "[\"a\"] x", "[\"a\"", "[[\"a\"]]", "\u{feff}[]"]
        {
            assert!(ids(body).unwrap_err().contains("not a JSON array of strings"), "{body}");
        }
        assert_eq!(
            ids("[\"a\",\"b\",\"c\",\"d\"]"),
            Err(format!("{invalid}it has 4 request IDs and at most 3 are allowed"))
        );
        let short = vec!["\"-a\""; 300_000].join(",");
        let too_many = format!("{invalid}it has 300000 request IDs and at most 3 are allowed");
        assert_eq!(ids(&format!("[{short}]")), Err(too_many), "too many is said before what they are");
        assert!(ids("[\"a\",\"-b\"]").unwrap_err().starts_with("Parameter 'requestID' with value '-b'"));
        assert!(ids("[\"\"]").unwrap_err().starts_with("Parameter 'requestID' with value ''"));
    }
}
