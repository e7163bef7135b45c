//! What `docs/SECURITY.md` promises is shown by tests: each that it names is there.

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

#[test]
fn every_test_that_the_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = std::fs::read_to_string(root.join("docs/SECURITY.md")).unwrap();
    let names = document.split('`').skip(1).step_by(2).filter(|name| name.contains("::"));
    let names: Vec<Vec<&str>> = names
        .filter(|name| {
            ["auth::", "api::", "program::", "gathering_auth::"].iter().any(|one| name.starts_with(one))
        })
        .map(|name| name.split("::").collect())
        // Neither a type nor the name of a whole suite.
        .filter(|path: &Vec<&str>| {
            path.last().is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        })
        .collect();
    assert!(names.len() > 50, "{} tests are named", names.len());
    for path in names {
        let (test, modules) = path.split_last().unwrap();
        let own =
            files_of(root, modules).unwrap().into_iter().find_map(|file| std::fs::read_to_string(file).ok());
        // The module may be inline, or be named itself.
        let whole = || files_of(root, &path).unwrap().into_iter().any(|file| file.exists());
        let is_there = own.is_some_and(|text| text.contains(&format!("fn {test}("))) || whole();
        assert!(is_there, "{}", path.join("::"));
    }
}
