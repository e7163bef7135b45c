//! What commands write for people and pipes.

use std::io::{self, Write};

use gathering_support::one_line;

use crate::ServerError;

/// Writes to standard output.
pub(super) fn print(text: impl AsRef<str>) -> Result<(), ServerError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_ref().as_bytes()).and_then(|()| stdout.flush()).map_err(ServerError::Output)
}

/// Writes one line to standard error. Where that fails, there is nowhere left to say so.
pub(super) fn print_error(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "{}", one_line(line.as_ref()));
}

/// Prints what the reader of the command line has to say: errors, help, the version.
pub(super) fn print_usage(error: &clap::Error) {
    let text = error.render().to_string();
    if text.split(SEPARATORS).any(is_token) {
        let _ = write!(io::stderr(), "{}", without_tokens(&text));
    } else {
        let _ = error.print();
    }
}

/// What words of a message stand between.
const SEPARATORS: [char; 6] = [' ', '\n', '\'', '"', '=', ','];

/// A token that was given where none is taken; the message about it must not repeat it.
fn is_token(word: &str) -> bool {
    word.len() > 30 && word.matches('.').count() == 2 && !word.contains('/')
}

fn without_tokens(text: &str) -> String {
    let words = text.split_inclusive(SEPARATORS).map(|word| {
        let (bare, separator) = word.split_at(word.trim_end_matches(SEPARATORS).len());
        if is_token(bare) { format!("***{separator}") } else { word.to_owned() }
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_the_wrong_place_is_not_repeated() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJvcmdfaWQiOiI0MiJ9.c2lnbmF0dXJl";
        let text = format!("error: unexpected argument '{token}' found\n\nUsage: x {token}");
        assert!(text.split(SEPARATORS).any(is_token));
        assert_eq!(without_tokens(&text), "error: unexpected argument '***' found\n\nUsage: x ***");
        for harmless in
            ["error: a value is required for '--set <SECTION.KEY=VALUE>'", "http://127.0.0.1:9464", "1.2.3"]
        {
            assert!(!harmless.split(SEPARATORS).any(is_token), "{harmless}");
        }
    }
}
