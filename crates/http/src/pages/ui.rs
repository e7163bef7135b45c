//! `/ui`: what became of the requests of a cluster.

use super::page::{CSS, File, Page, SCRIPT, SVG};

/// Everything comes from here, nothing is written into the document or its attributes, and a script cannot make markup of text
/// but in the one place that says so, where a report is read and not shown.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types report";

macro_rules! files {
    ($($name:literal: $content_type:expr),* $(,)?) => { &[$(
        File {
            name: $name,
            content_type: $content_type,
            content: include_bytes!(concat!("../../pages/", $name)),
            is_gzip: false,
        }
    ),*] };
}

pub(super) const PAGE: Page = Page {
    path: "/ui",
    files_path: "/ui/{file}",
    document: include_str!("../../pages/ui.html"),
    files: files![
        "ui.css": CSS,
        "icon.svg": SVG,
        "main.js": SCRIPT,
    ],
    policy: POLICY,
};
