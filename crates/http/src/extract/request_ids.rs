//! The list of request IDs in the body of a POST.

use std::borrow::Cow;
use std::fmt;

use actix_web::web;
use gathering_domain::{RequestId, Tenant};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::body::read;
use super::room::{Room, Taken};
use crate::error::{ApiError, BodyProblem};
use crate::limits::Limits;

/// What all lists that are being read may take up.
pub(crate) struct ListRoom(pub(crate) Room);

/// Longer bodies, in bytes, are parsed where that keeps nobody from being answered.
const INLINE: usize = 64 * 1024;

/// Reads the whole body, whatever its `Content-Type` says. The room that it takes is held by the second value.
pub(super) async fn read_request_ids(
    payload: web::Payload,
    declared: Option<usize>,
    limits: &Limits,
    room: &ListRoom,
    tenant: Tenant,
) -> Result<(Vec<RequestId>, Taken), ApiError> {
    let mut taken = room.0.enter(tenant);
    let body = read(payload, declared, &mut taken, || ApiError::TooManyBodies).await?;
    let limit = limits.max_request_ids;
    if body.len() <= INLINE {
        return Ok((parse(&body, limit)?, taken));
    }
    let work = move || Ok((parse(&body, limit)?, taken));
    // The pool's threads outlive every call; that one is gone is as good as a body that broke off.
    web::block(work).await.unwrap_or(Err(ApiError::Body(BodyProblem::CutOff)))
}

/// However many texts there are, no more than `limit` are kept.
fn parse(body: &[u8], limit: usize) -> Result<Vec<RequestId>, ApiError> {
    if body.trim_ascii().is_empty() {
        return Err(ApiError::Body(BodyProblem::Missing));
    }
    let mut list = List { limit, count: 0, ids: Vec::new(), refused: None };
    let mut parser = serde_json::Deserializer::from_slice(body);
    list.deserialize(&mut parser).and_then(|()| parser.end()).map_err(|error| {
        ApiError::Body(BodyProblem::NotAnArrayOfStrings { line: error.line(), column: error.column() })
    })?;
    if list.count > limit {
        return Err(ApiError::Body(BodyProblem::TooManyRequestIds { given: list.count, limit }));
    }
    list.refused.map_or(Ok(list.ids), Err)
}

/// A list as far as it was read.
struct List {
    limit: usize,
    count: usize,
    ids: Vec<RequestId>,
    /// What is wrong with the first text that is no ID.
    refused: Option<ApiError>,
}

impl List {
    fn add(&mut self, text: &str) {
        self.count += 1;
        if self.count > self.limit || self.refused.is_some() {
            return;
        }
        match text.parse() {
            Ok(id) => self.ids.push(id),
            Err(problem) => self.refused = Some(ApiError::parameter("requestID", text, problem)),
        }
    }
}

/// A text that is borrowed where it can be.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for &mut List {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut List {
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
        let short = vec!["\"a-\""; 300_000].join(",");
        let too_many = format!("{invalid}it has 300000 request IDs and at most 3 are allowed");
        assert_eq!(ids(&format!("[{short}]")), Err(too_many), "too many is said before what they are");
        assert!(ids("[\"a\",\"a-b\"]").unwrap_err().starts_with("Parameter 'requestID' with value 'a-b'"));
        assert!(ids("[\"\"]").unwrap_err().starts_with("Parameter 'requestID' with value ''"));
    }
}
