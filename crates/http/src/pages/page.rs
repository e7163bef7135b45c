//! One page: a document, and the files that it loads.

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};

use super::answer::{NOT_KEPT, REVALIDATED, harden};
use super::document::Document;
use super::site::{PageSettings, Site};
use crate::connections::SharedBody;
use crate::error::ApiError;
use crate::etag::{self, Tag};

/// A page as it is compiled in.
pub(super) struct Page {
    /// Where its document is, such as `/ui`.
    pub(super) path: &'static str,
    /// Where its files are, as the router and metrics have it, such as `/ui/{file}`.
    pub(super) files_path: &'static str,
    /// Its document, with places that are filled in: see [`Document`].
    pub(super) document: &'static str,
    pub(super) files: &'static [File],
    /// The Content-Security-Policy of the document and its files.
    pub(super) policy: &'static str,
}

/// A file that a page loads.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) content: &'static [u8],
    /// Whether the content is compressed with gzip. It is sent so to everybody: no browser is without it.
    pub(super) is_gzip: bool,
}

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const CSS: &str = "text/css; charset=utf-8";
pub(super) const SCRIPT: &str = "text/javascript; charset=utf-8";
pub(super) const SVG: &str = "image/svg+xml";

/// A page as it is served.
pub(crate) struct ServedPage {
    page: &'static Page,
    /// The document as it is at the page's path, and as it is there with a slash at the end: addresses in it are relative, so
    /// that it works behind proxies that put something in front of the path.
    documents: [ServedFile; 2],
    files: Vec<ServedFile>,
}

struct ServedFile {
    name: &'static str,
    content_type: &'static str,
    content: Bytes,
    is_gzip: bool,
    tag: Tag,
    cache: HeaderValue,
}

impl ServedFile {
    fn document(text: String) -> Self {
        let content = Bytes::from(text);
        let tag = Tag::of(&content);
        Self { name: "", content_type: HTML, tag, content, is_gzip: false, cache: NOT_KEPT }
    }

    fn file(&File { name, content_type, content, is_gzip }: &File) -> Self {
        let content = Bytes::from_static(content);
        Self { name, content_type, tag: Tag::of(&content), content, is_gzip, cache: REVALIDATED }
    }

    fn answer(&self, request: &HttpRequest, policy: &'static str) -> HttpResponse {
        etag::tagged(request, &self.tag, self.cache.clone(), |mut response| {
            harden(&mut response, policy);
            response.insert_header((header::CONTENT_TYPE, self.content_type));
            if self.is_gzip {
                response.insert_header((header::CONTENT_ENCODING, "gzip"));
            }
            let mut response = response.body(self.content.clone());
            response.extensions_mut().insert(SharedBody);
            response
        })
    }
}

impl ServedPage {
    pub(super) fn new(page: &'static Page, site: &Site, settings: PageSettings) -> Self {
        let document = |root| {
            let document = Document::new(page.document).of_site(site, root, Some(settings));
            ServedFile::document(document.into_text())
        };
        let files = page.files.iter().map(ServedFile::file).collect();
        Self { page, documents: ["./", "../"].map(document), files }
    }

    pub(super) const fn path(&self) -> &'static str {
        self.page.path
    }

    pub(super) const fn files_path(&self) -> &'static str {
        self.page.files_path
    }
}

/// `GET` of a page's document.
pub(super) async fn document(request: HttpRequest, page: web::Data<ServedPage>) -> HttpResponse {
    let [plain, with_slash] = &page.documents;
    let document = if request.path().ends_with('/') { with_slash } else { plain };
    document.answer(&request, page.page.policy)
}

/// `GET` of a file that a page loads.
pub(super) async fn file(
    request: HttpRequest,
    page: web::Data<ServedPage>,
) -> Result<HttpResponse, ApiError> {
    let name = request.match_info().get("file").unwrap_or_default();
    let file = page.files.iter().find(|file| file.name == name).ok_or(ApiError::NoSuchPath)?;
    Ok(file.answer(&request, page.page.policy))
}
