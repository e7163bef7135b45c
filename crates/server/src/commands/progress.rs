//! What commands show while something takes long: on a terminal only, on standard error, and gone when it is done.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::sleep;

/// How often what is shown is made anew.
const TICK: Duration = Duration::from_millis(100);

/// A bar over so many of something; the template is indicatif's.
pub(super) fn bar(length: u64, template: &str) -> ProgressBar {
    ProgressBar::new(length).with_style(style(template))
}

/// A line that says what is being done and for how long it has been. It moves by itself until the value is dropped.
pub(super) fn line(what: impl Into<String>) -> ProgressBar {
    let line = still_line();
    line.set_message(what.into());
    if !line.is_hidden() {
        line.enable_steady_tick(TICK);
    }
    line
}

/// Shows a line about work until it is done. The line is made anew again and again, with what is known by then.
pub(super) async fn watched<T>(line: impl Fn() -> String, work: impl Future<Output = T>) -> T {
    let shown = still_line();
    if shown.is_hidden() {
        return work.await;
    }
    let mut work = pin!(work);
    loop {
        shown.set_message(line());
        tokio::select! {
            done = &mut work => {
                shown.finish_and_clear();
                return done;
            }
            () = sleep(TICK) => {}
        }
    }
}

fn still_line() -> ProgressBar {
    ProgressBar::new_spinner().with_style(style("{spinner} {msg} ({elapsed})"))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
