//! A report as HTML, for people and for pages that show it.

use std::fmt::{self, Write};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use gathering_domain::answer::{ReportBody, ReportHit};
use gathering_domain::request::RequestState;
use pulldown_cmark_escape::escape_html;

use super::answer::harden;
use super::markdown;
use super::page::HTML;
use crate::etag::{self, PRIVATE, Tag};
use crate::wire;

/// Where it is opened by itself, nothing is loaded or runs, and it is no page of the site that it is on: rule content is written by
/// others.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// Answers with the report as a document.
pub(crate) fn answer(request: &HttpRequest, report: &ReportBody<'_>) -> HttpResponse {
    let mut text = String::with_capacity(2 * report.json_len());
    // Writing to a text cannot fail.
    if write_document(&mut text, report).is_err() {
        return wire::cannot_be_written();
    }
    etag::tagged(request, &Tag::of(text.as_bytes()), PRIVATE, |mut response| {
        harden(&mut response, POLICY);
        response.insert_header((header::CONTENT_TYPE, HTML)).body(text)
    })
}

/// Everything that the JSON has is in attributes, too, but for the descriptions.
fn write_document(out: &mut String, report: &ReportBody<'_>) -> fmt::Result {
    let ReportBody { cluster, request_id, status, report: hits, reason, expires } = report;
    let state = match status {
        RequestState::Received => "received",
        RequestState::Failed => "failed",
        RequestState::Processed => "processed",
    };
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Report of request {request_id}</title>\n</head>\n<body>\n\
         <main data-cluster=\"{cluster}\" data-request=\"{request_id}\" data-state=\"{state}\" data-expires=\"{expires}\">\n\
         <h1>Report of request {request_id}</h1>\n\
         <p>Cluster {cluster}. The request is {state}. It is kept until <time datetime=\"{expires}\">{expires}</time>.</p>\n",
        request_id = request_id.as_str(),
    )?;
    if let Some(reason) = reason {
        out.push_str("<p data-reason dir=\"auto\">");
        escape_html(&mut *out, reason.as_str())?;
        out.push_str("</p>\n");
    }
    if hits.is_empty() && *status == RequestState::Processed {
        out.push_str("<p>The analysis found nothing.</p>\n");
    }
    for hit in hits {
        write_hit(out, hit)?;
    }
    out.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

fn write_hit(out: &mut String, hit: &ReportHit<'_>) -> fmt::Result {
    let ReportHit { rule_fqdn, error_key, description, total_risk } = hit;
    let risk = match total_risk {
        4.. => "Critical",
        3 => "Important",
        2 => "Moderate",
        _ => "Low",
    };
    write!(out, "<section data-risk=\"{total_risk}\" data-rule=\"")?;
    escape_html(&mut *out, rule_fqdn)?;
    out.push_str("\" data-key=\"");
    escape_html(&mut *out, error_key)?;
    write!(out, "\">\n<h2>{risk}</h2>\n<div dir=\"auto\">\n")?;
    markdown::write_html(out, description, 3)?;
    out.push_str("</div>\n<p>Rule <code>");
    escape_html(&mut *out, rule_fqdn)?;
    out.push_str("</code>, error key <code>");
    escape_html(&mut *out, error_key)?;
    out.push_str("</code></p>\n</section>\n");
    Ok(())
}
