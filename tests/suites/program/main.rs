//! The real program as its users run it: commands, exit codes, sentences, signals, crashes.

mod audit;
mod authorities;
mod backup;
mod bodies;
mod collectors;
mod configuration;
mod content;
mod crash;
mod demo;
mod ends;
mod erase;
mod files;
#[path = "../generated.rs"]
mod generated;
mod import;
mod least_rights;
mod logging;
mod memory;
mod migrate;
mod outages;
mod pages;
mod platform;
mod progress;
mod reference;
mod sample;
mod serving;
mod show;
mod started;
mod tokens;
mod watch;

/// A file with an HMAC secret in the folder of the program.
fn secret(program: &gathering_tests::Program) -> String {
    let secret = uuid::Uuid::new_v4().simple().to_string();
    let path = program.file("hmac.key", secret);
    format!("auth.keys.hmac_secret_file={}", path.display())
}

/// Arguments that have a service take ports that are free.
fn free_ports() -> [&'static str; 4] {
    ["--set", "http.bind=127.0.0.1:0", "--set", "admin.bind=127.0.0.1:0"]
}

/// A command that was refused: one sentence on standard error, nothing else anywhere.
fn refused(finished: &gathering_tests::Finished, code: i32) -> &str {
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(code), ""), "{finished:?}");
    let sentence = finished.stderr.trim_end();
    assert_eq!(sentence.lines().count(), 1, "{finished:?}");
    sentence.strip_prefix("gathering: ").unwrap_or_else(|| panic!("{finished:?}"))
}
