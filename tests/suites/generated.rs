//! Pages of `docs` that are made from the code. `make reference` writes them, and tests compare them.

use std::path::Path;

/// Set where pages are to be written instead of compared.
const WRITE: &str = "GATHERING_WRITE_REFERENCE";

/// Fails where a page of `docs` is not this text.
pub(crate) fn is_current(page: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap();
    let differs = there.lines().zip(text.lines()).find(|(there, made)| there != made);
    assert!(there == text, "docs/{page} is out of date, `make reference` writes it: {differs:?}");
}
