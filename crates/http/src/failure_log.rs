//! Why calls could not be answered, in the log. However many calls fail, there are only as many lines as somebody can read.

use std::fmt::Arguments;

use gathering_support::ThrottledLog;
use log::Level;

const TARGET: &str = "gathering_http";

/// Lines about failed calls. Failures that may pass do not hide defects.
#[derive(Debug)]
pub(crate) struct FailureLog {
    passing: ThrottledLog,
    defects: ThrottledLog,
}

impl Default for FailureLog {
    fn default() -> Self {
        Self { passing: ThrottledLog::new(TARGET), defects: ThrottledLog::new(TARGET) }
    }
}

impl FailureLog {
    pub(crate) fn log(&self, level: Level, line: Arguments<'_>) {
        let log = if level == Level::Error { &self.defects } else { &self.passing };
        log.log(level, line);
    }
}
