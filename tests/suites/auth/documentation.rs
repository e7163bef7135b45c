//! What `docs/SECURITY.md`, `docs/INGEST.md` and `docs/MONITORING.md` promise is shown by tests: each that they name is there.

use std::path::{Path, PathBuf};

/// Where the module of a test is: `suite::module::…`, or `gathering_crate::module::…` beside the code.
fn files_of(root: &Path, path: &[&str]) -> Option<Vec<PathBuf>> {
    let (first, modules) = path.split_first()?;
    let folder = match first.strip_prefix("gathering_") {
        Some(name) => root.join("crates").join(name).join("src"),
        None => root.join("tests/suites").join(first),
    };
    let module = modules.iter().fold(folder, |path, module| path.join(module));
    Some(vec![module.with_extension("rs"), module.join("mod.rs")])
}

/// Where tests are.
const PLACES: [&str; 8] = [
    "auth::",
    "api::",
    "kafka::",
    "program::",
    "storage::",
    "gathering_aggregator::",
    "gathering_auth::",
    "gathering_http::",
];

#[test]
fn every_test_that_the_documents_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (document, least) in [("docs/SECURITY.md", 50), ("docs/INGEST.md", 40), ("docs/MONITORING.md", 5)] {
        let content = std::fs::read_to_string(root.join(document)).unwrap();
        let names = content.split('`').skip(1).step_by(2).filter(|name| name.contains("::"));
        let names: Vec<Vec<&str>> = names
            .filter(|name| PLACES.iter().any(|place| name.starts_with(place)))
            .map(|name| name.split("::").collect())
            // Neither a type nor the name of a whole suite.
            .filter(|path: &Vec<&str>| {
                path.last().is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
            })
            .collect();
        assert!(names.len() >= least, "{} tests are named in {document}", names.len());
        for path in names {
            let (test, modules) = path.split_last().unwrap();
            let file_of = |modules: &[&str]| {
                let files = files_of(root, modules).into_iter().flatten();
                files.into_iter().find_map(|file| std::fs::read_to_string(file).ok())
            };
            // The last module may be inline in the file of the one before.
            let around = || modules.split_last().and_then(|(_, modules)| file_of(modules));
            let own = file_of(modules).or_else(around);
            // A module may be named itself.
            let whole = || files_of(root, &path).unwrap().into_iter().any(|file| file.exists());
            let is_there = own.is_some_and(|text| text.contains(&format!("fn {test}("))) || whole();
            assert!(is_there, "{document}: {}", path.join("::"));
        }
    }
}
