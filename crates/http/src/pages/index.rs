//! `/`: what this is, for people, and for load balancers, which ask it by default.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde_json::json;

use super::answer::{REVALIDATED, harden};
use super::document::Document;
use super::page::HTML;
use super::site::Site;
use super::ui;
use crate::accept::prefers_html;
use crate::etag::{self, Tag};
use crate::methods::{self, GET, get_or_head};
use crate::wire::JSON;

/// The page, and the JSON object for those who are no browsers.
pub(crate) struct Index {
    html: (Bytes, Tag),
    json: (Bytes, Tag),
}

impl Index {
    pub(super) fn new(site: &Site, has_pages: bool) -> Self {
        let document = Document::new(include_str!("../../pages/index.html")).of_site(site, "./", None);
        let document = if has_pages { document } else { document.without("pages") };
        // The same members as on premises, where load balancers look for them.
        let json = json!({"service": "gathering", "status": "running", "version": site.build.version});
        let tagged = |text: String| {
            let tag = Tag::of(text.as_bytes());
            (Bytes::from(text), tag)
        };
        Self { html: tagged(document.into_text()), json: tagged(format!("{json}\n")) }
    }
}

/// The routes of `/`. Unlike elsewhere OPTIONS gets 200: some load balancers ask for just that.
pub(super) fn with_methods(resource: Resource) -> Resource {
    let options = || async { HttpResponse::Ok().insert_header((header::ALLOW, GET)).finish() };
    let resource = resource.route(get_or_head().to(index)).route(web::method(Method::OPTIONS).to(options));
    methods::with_methods(resource, GET)
}

async fn index(request: HttpRequest, index: web::Data<Index>) -> HttpResponse {
    let is_html = prefers_html(&request);
    let (text, tag) = if is_html { &index.html } else { &index.json };
    let mut response = etag::tagged(&request, tag, REVALIDATED, |mut response| {
        if is_html {
            harden(&mut response, ui::POLICY);
            response.insert_header((header::CONTENT_TYPE, HTML));
        } else {
            response.insert_header((header::CONTENT_TYPE, JSON));
        }
        response.body(text.clone())
    });
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    response
}
