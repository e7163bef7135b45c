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
            content: include_bytes!(concat!("../../pages/ui/", $name)),
            is_gzip: false,
        }
    ),*] };
}

pub(super) const PAGE: Page = Page {
    path: "/ui",
    files_path: "/ui/{file}",
    document: include_str!("../../pages/ui/index.html"),
    files: files![
        "ui.css": CSS,
        "icon.svg": SVG,
        "api.js": SCRIPT,
        "copy.js": SCRIPT,
        "dom.js": SCRIPT,
        "form.js": SCRIPT,
        "fragment.js": SCRIPT,
        "live.js": SCRIPT,
        "main.js": SCRIPT,
        "pace.js": SCRIPT,
        "problems.js": SCRIPT,
        "report.js": SCRIPT,
        "request.js": SCRIPT,
        "requests.js": SCRIPT,
        "session.js": SCRIPT,
        "time.js": SCRIPT,
        "timeline.js": SCRIPT,
    ],
    policy: POLICY,
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The most that the page and `/` may take up together, in bytes.
    const MOST: usize = 60 * 1024;

    #[test]
    fn everything_is_small() {
        let index = include_str!("../../pages/index.html").len();
        let files: usize = PAGE.files.iter().map(|file| file.content.len()).sum();
        assert!(PAGE.document.len() + files + index <= MOST, "{}", PAGE.document.len() + files + index);
    }

    #[test]
    fn every_file_of_the_folder_is_served_and_every_import_leads_to_one() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/pages/ui")).unwrap();
        let in_folder = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let is_served = |name: &str| PAGE.files.iter().any(|file| file.name == name);
        for name in in_folder.filter(|name| name != "index.html") {
            assert!(is_served(&name), "{name}");
        }
        for file in PAGE.files.iter().filter(|file| file.content_type == SCRIPT) {
            let text = std::str::from_utf8(file.content).unwrap();
            for import in text.lines().filter(|line| line.starts_with("import ")) {
                let name = import.split("'./").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
                assert!(is_served(name), "{}: {import}", file.name);
            }
        }
    }

    #[test]
    fn nothing_needs_what_the_policy_refuses() {
        for document in [PAGE.document, include_str!("../../pages/index.html")] {
            for refused in [" style=", "<style", " onclick=", "javascript:", "http://", "https://", "=\"/"] {
                assert!(!document.contains(refused), "{refused}");
            }
            let scripts = document.matches("<script").count();
            assert_eq!(document.matches("<script type=\"module\" src=\"{{root}}ui/").count(), scripts);
        }
        for file in PAGE.files.iter().filter(|file| file.content_type == SCRIPT) {
            let text = std::str::from_utf8(file.content).unwrap();
            for sink in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "localStorage",
                ".style",
            ] {
                assert!(!text.contains(sink), "{} in {}", sink, file.name);
            }
        }
    }
}
