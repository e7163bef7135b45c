//! Tells the program which commit it is built from, and when that was made. The variables `GATHERING_COMMIT` and
//! `SOURCE_DATE_EPOCH` say it where there is no repository, as in the build of a container; else Git does. The time is the
//! commit's and not the build's, so that two builds of a commit are the same file.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=GATHERING_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // Git writes a line into this file whenever HEAD moves. Cargo would build anew each time for a file that is not there.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && std::fs::exists(&log).unwrap_or(false)
    {
        println!("cargo::rerun-if-changed={log}");
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
    let commit = variable("GATHERING_COMMIT").or_else(|| git(&["rev-parse", "HEAD"]));
    let seconds =
        variable("SOURCE_DATE_EPOCH").or_else(|| git(&["show", "--no-patch", "--format=%ct", "HEAD"]));
    println!("cargo::rustc-env=GATHERING_BUILD_COMMIT={}", commit.unwrap_or_default());
    println!("cargo::rustc-env=GATHERING_BUILD_SECONDS={}", seconds.unwrap_or_default());
}

/// A variable of one word that is not empty.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?.trim().to_owned();
    (!value.is_empty() && !value.contains(char::is_whitespace)).then_some(value)
}

/// What Git prints, one line; `None` where there is no Git or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty() && !text.contains('\n')).then_some(text)
}
