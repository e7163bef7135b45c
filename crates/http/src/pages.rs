//! Pages for people: `/`, `/ui` and `/docs`, and a report as HTML.
//!
//! Their files are in the folder `pages` of the crate and within the program. A page is told of the service in what is written into
//! its document; all else it asks the API, as every client does. What a browser may do with a page says its policy.

mod answer;
mod docs;
mod document;
mod index;
mod markdown;
mod page;
pub(crate) mod report;
mod site;
mod ui;

use actix_web::web;

use crate::methods::{GET, get_or_head, with_methods};
use crate::metrics::Endpoint;

use self::index::Index;
use self::page::{Page, ServedPage};
pub use self::site::PageSettings;
pub(crate) use self::site::Site;

/// The pages that `ui.enabled` switches on.
const PAGES: &[Page] = &[ui::PAGE, docs::PAGE];

/// The pages, ready to be served by every worker.
#[derive(Clone)]
pub(crate) struct Pages {
    index: web::Data<Index>,
    others: Vec<web::Data<ServedPage>>,
}

impl Pages {
    /// Without settings there is `/` alone.
    pub(crate) fn new(site: &Site, settings: Option<PageSettings>) -> Self {
        let serve = |settings: PageSettings| {
            PAGES.iter().map(move |page| web::Data::new(ServedPage::new(page, site, settings)))
        };
        let others = settings.into_iter().flat_map(serve).collect();
        Self { index: web::Data::new(Index::new(site, settings.is_some())), others }
    }

    /// Adds the routes of the pages.
    pub(crate) fn configure(&self, config: &mut web::ServiceConfig) {
        let index = web::resource("/").app_data(Endpoint::new("/")).app_data(self.index.clone());
        config.service(index::with_methods(index));
        for page in &self.others {
            let resource = |path: &str, label: &'static str| {
                web::resource(format!("{path}{{slash:/?}}"))
                    .app_data(Endpoint::new(label))
                    .app_data(page.clone())
            };
            let (document, files) = (page.path(), page.files_path());
            config.service(with_methods(
                resource(document, document).route(get_or_head().to(page::document)),
                GET,
            ));
            config.service(with_methods(resource(files, files).route(get_or_head().to(page::file)), GET));
        }
    }
}
