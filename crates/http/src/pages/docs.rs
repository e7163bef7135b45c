//! `/docs`: the OpenAPI document, to read and to try. Swagger UI shows it; `build.rs` says where its files come from.

use super::page::{CSS, File, Page, SCRIPT};

/// As for `/ui`, but that Swagger UI writes styles into the document, and markup, and has pictures within its styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) const PAGE: Page = Page {
    path: "/docs",
    files_path: "/docs/{file}",
    document: include_str!("../../pages/docs/index.html"),
    files: &[
        File {
            name: "swagger-ui.css",
            content_type: CSS,
            content: include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.gz")),
            is_gzip: true,
        },
        File {
            name: "swagger-ui-bundle.js",
            content_type: SCRIPT,
            content: include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.gz")),
            is_gzip: true,
        },
        File {
            name: "docs.css",
            content_type: CSS,
            content: include_bytes!("../../pages/docs/docs.css"),
            is_gzip: false,
        },
        File {
            name: "docs.js",
            content_type: SCRIPT,
            content: include_bytes!("../../pages/docs/docs.js"),
            is_gzip: false,
        },
    ],
    policy: POLICY,
};

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn what_the_build_compressed_is_whole() {
        for (name, beginning, least) in
            [("swagger-ui-bundle.js", "/*!", 1_000_000), ("swagger-ui.css", ".swagger-ui", 100_000)]
        {
            let file = PAGE.files.iter().find(|file| file.name == name && file.is_gzip).unwrap();
            let mut text = String::new();
            // The decoder compares length and checksum at the end.
            GzDecoder::new(file.content).read_to_string(&mut text).unwrap();
            assert!(text.starts_with(beginning) && text.len() > least, "{name}: {}", &text[..40]);
        }
    }
}
