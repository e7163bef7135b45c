//! The body that lists requests of a cluster, all of them or those that were asked for.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::ids::{ClusterId, RequestId};
use crate::lookup::RequestList;
use crate::request::{RequestRecord, RequestState};
use crate::time::Timestamp;

/// The requests of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RequestList))]
pub struct ListBody<'a> {
    /// The cluster, in lower case.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub cluster: ClusterId,
    /// One entry for each request.
    pub requests: Vec<ListEntry<'a>>,
    /// Always `ok`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: ListStatus,
    /// True where the cluster has more requests, which are older than those of the list; left out otherwise.
    #[serde(default, skip_serializing_if = "is_false")]
    pub truncated: bool,
}

/// The `status` of a list, which says that there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListStatus {
    /// `ok`
    #[default]
    Ok,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl<'a> ListBody<'a> {
    /// The body for the requests that a cluster has.
    pub fn of_cluster(cluster: ClusterId, list: &'a RequestList) -> Self {
        let requests = list.records.iter().map(ListEntry::recorded).collect();
        Self { cluster, requests, status: ListStatus::Ok, truncated: list.is_truncated }
    }

    /// The body for the requests that were asked for, each with what was found of it.
    pub fn of_selection(
        cluster: ClusterId,
        asked: &'a [RequestId],
        found: &'a [Option<RequestRecord>],
    ) -> Self {
        let entry = |(request, record): (&'a RequestId, &'a Option<RequestRecord>)| {
            record.as_ref().map_or_else(|| ListEntry::unknown(request), ListEntry::recorded)
        };
        let requests = asked.iter().zip(found).map(entry).collect();
        Self { cluster, requests, status: ListStatus::Ok, truncated: false }
    }

    /// About how many bytes it has as JSON.
    pub const fn json_len(&self) -> usize {
        const FRAME: usize = 256;
        const ENTRY: usize = 220;
        FRAME + ENTRY * self.requests.len()
    }

    /// Appends it as JSON, byte for byte what serde makes of it: nothing in a list has to be escaped, and looking for what has
    /// to be takes a fifth of the instructions of a long one. Like serde it has an error, and no list leads to it.
    pub fn write_json(&self, out: &mut Vec<u8>) -> io::Result<()> {
        write!(out, "{{\"cluster\":\"{}\",\"requests\":[", self.cluster)?;
        for (index, entry) in self.requests.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"requestID\":\"");
            out.extend_from_slice(entry.request_id.as_str().as_bytes());
            out.extend_from_slice(if entry.valid { b"\",\"valid\":true" } else { b"\",\"valid\":false" });
            write_time(out, b",\"received\":", entry.received)?;
            write_time(out, b",\"processed\":", entry.processed)?;
            out.extend_from_slice(match entry.status {
                Some(RequestState::Received) => b",\"status\":\"received\"",
                Some(RequestState::Failed) => b",\"status\":\"failed\"",
                Some(RequestState::Processed) => b",\"status\":\"processed\"",
                None => b",\"status\":null",
            });
            write_time(out, b",\"expires\":", entry.expires)?;
            out.push(b'}');
        }
        out.extend_from_slice(b"],\"status\":\"ok\"");
        out.extend_from_slice(if self.truncated { b",\"truncated\":true}" } else { b"}" });
        Ok(())
    }
}

fn write_time(out: &mut Vec<u8>, name: &[u8], time: Option<Timestamp>) -> io::Result<()> {
    out.extend_from_slice(name);
    let Some(time) = time else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    out.push(b'"');
    time.write_to(out).map_err(io::Error::other)?;
    out.push(b'"');
    Ok(())
}

/// One request of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RequestEntry))]
pub struct ListEntry<'a> {
    /// The request.
    #[serde(rename = "requestID")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub request_id: Cow<'a, RequestId>,
    /// Whether it is recorded.
    pub valid: bool,
    /// When the cluster gathered the data; null if the request is not recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub received: Option<Timestamp>,
    /// When the result was recorded; null until then.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub processed: Option<Timestamp>,
    /// How far it has come; null if the request is not recorded.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub status: Option<RequestState>,
    /// When the service forgets it, unless it is recorded anew; null if it is not recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub expires: Option<Timestamp>,
}

impl<'a> ListEntry<'a> {
    /// The entry of a request that is recorded.
    pub const fn recorded(record: &'a RequestRecord) -> Self {
        Self {
            request_id: Cow::Borrowed(&record.request),
            valid: true,
            received: Some(record.received_at),
            processed: record.processed_at,
            status: Some(record.state),
            expires: Some(record.expires_at),
        }
    }

    /// The entry of a request that is not.
    pub const fn unknown(request_id: &'a RequestId) -> Self {
        Self {
            request_id: Cow::Borrowed(request_id),
            valid: false,
            received: None,
            processed: None,
            status: None,
            expires: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_as_serde_would_and_can_be_read_back() {
        let time = |text: &str| text.parse::<Timestamp>().ok();
        let ids: [RequestId; 4] = ["a", "aB9", "unknown", "c"].map(|id| id.parse().unwrap());
        let [a, capital, unknown, c] = &ids;
        let entry = |request_id, received: Option<Timestamp>, processed| ListEntry {
            valid: received.is_some(),
            received,
            processed,
            status: received
                .map(|_| if processed.is_some() { RequestState::Processed } else { RequestState::Failed }),
            expires: processed.or(received),
            ..ListEntry::unknown(request_id)
        };
        let (whole, split) = (time("2026-03-01T11:29:00Z"), time("2026-03-01T11:29:00.25Z"));
        for requests in [
            vec![],
            vec![entry(a, whole, split)],
            vec![entry(capital, whole, None), entry(unknown, None, None), entry(c, split, whole)],
        ] {
            let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
            let mut list = ListBody { cluster, requests, status: ListStatus::Ok, truncated: false };
            for truncated in [false, true] {
                list.truncated = truncated;
                let mut written = Vec::new();
                list.write_json(&mut written).unwrap();
                let written = String::from_utf8(written).unwrap();
                assert_eq!(written, serde_json::to_string(&list).unwrap());
                assert!(list.json_len() >= written.len());
                assert_eq!(serde_json::from_str::<ListBody<'static>>(&written).unwrap(), list);
            }
        }
        let mut written = Vec::new();
        write_time(&mut written, b"at ", split).unwrap();
        write_time(&mut written, b" and ", None).unwrap();
        assert_eq!(written, b"at \"2026-03-01T11:29:00.25Z\" and null");
    }
}
