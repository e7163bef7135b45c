//! What is recorded of a cluster, for people.

use std::fmt::Write;

use gathering_domain::ids::RequestId;
use gathering_domain::time::Timestamp;
use gathering_support::visible;

use super::answer::{Fate, Owner, Request, Shown};

/// The columns of requests.
const HEAD: [&str; 6] = ["REQUEST", "STATE", "RECEIVED", "PROCESSED", "EXPIRES", "HITS"];

/// What stands between columns.
const GAP: usize = 2;

/// The text for a cluster, or for one request of it.
pub(super) fn table(shown: &Shown, request: Option<&RequestId>) -> String {
    let Shown { cluster, organizations } = shown;
    if organizations.is_empty() {
        return format!("nothing is recorded of cluster {cluster}, in no organization\n");
    }
    let mut text = format!("cluster {cluster}\n");
    for owner in organizations {
        // Writing to a String does not fail.
        let _ = write_owner(&mut text, owner, request);
    }
    text
}

fn write_owner(text: &mut String, owner: &Owner, request: Option<&RequestId>) -> std::fmt::Result {
    write!(text, "\norganization {}: ", owner.organization)?;
    match owner.known_since.zip(owner.last_seen) {
        Some((since, last)) => write!(text, "known since {}, last heard of {}", time(since), time(last))?,
        None => text.push_str("the cluster is not remembered, only requests of it are"),
    }
    match (request, owner.requests.len()) {
        (Some(request), 0) => writeln!(text, "\n  request {request} is not recorded")?,
        (None, 0) => text.push_str("\n  no request is recorded\n"),
        (None, few) if owner.total > few as u64 => {
            writeln!(text, "\n  {} requests, the newest {few} of them:", owner.total)?;
        }
        _ => text.push('\n'),
    }
    if owner.filter_unanswered {
        text.push_str("  report.filter gave no answer: hits count as shown that it would leave out\n");
    }
    let rows: Vec<[String; 6]> = owner.requests.iter().map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let head = HEAD.map(str::to_owned);
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    write_row(text, &head, &widths)?;
    for (request, row) in owner.requests.iter().zip(&rows) {
        write_row(text, row, &widths)?;
        if let Some(reason) = &request.reason {
            writeln!(text, "    reason: {}", visible(reason))?;
        }
        for rule in request.rules.iter().flatten() {
            let fate = match rule.fate {
                Fate::Shown => "shown",
                Fate::WithoutContent => "not shown: no rule content",
                Fate::Filtered => "not shown: report.filter",
            };
            writeln!(text, "    {}: {fate}", rule.rule)?;
        }
    }
    Ok(())
}

fn write_row(text: &mut String, row: &[String; 6], widths: &[usize]) -> std::fmt::Result {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    writeln!(text, "  {}", cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end())
}

fn row(request: &Request) -> [String; 6] {
    let expires = if request.expired { "expired " } else { "" };
    [
        request.id.to_string(),
        request.state.to_string(),
        time(request.received),
        request.processed.map_or_else(|| "-".to_owned(), time),
        format!("{expires}{}", time(request.expires)),
        hits(request),
    ]
}

fn hits(request: &Request) -> String {
    let mut left_out = Vec::new();
    if request.hits_without_content > 0 {
        left_out.push(format!("{} without content", request.hits_without_content));
    }
    if request.hits_filtered > 0 {
        left_out.push(format!("{} filtered", request.hits_filtered));
    }
    if left_out.is_empty() {
        request.hits.to_string()
    } else {
        format!("{} ({})", request.hits, left_out.join(", "))
    }
}

/// To the second: more is in the JSON.
fn time(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}
