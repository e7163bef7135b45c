//! Audit lines: apart from all other lines, since no filter may keep one out.

use std::io::{self, Write};

use gathering_domain::time::{Clock, SystemClock};
use gathering_http::AUDIT_TARGET;
use log::kv::{Error, Key, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record, SetLoggerError};
use serde_json::{Map, Value as Json};

use super::escaped::escaped;

/// Writes lines of the audit, if there is to be one, and gives all others to the usual logger.
pub(super) struct AuditingLogger {
    usual: env_logger::Logger,
    is_on: bool,
}

impl AuditingLogger {
    /// Starts logging.
    pub(super) fn start(usual: env_logger::Logger, is_on: bool) -> Result<(), SetLoggerError> {
        let filter = usual.filter();
        log::set_boxed_logger(Box::new(Self { usual, is_on }))?;
        log::set_max_level(if is_on { filter.max(LevelFilter::Info) } else { filter });
        Ok(())
    }
}

impl Log for AuditingLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.target() == AUDIT_TARGET { self.is_on } else { self.usual.enabled(metadata) }
    }

    fn log(&self, record: &Record<'_>) {
        if record.target() != AUDIT_TARGET {
            self.usual.log(record);
        } else if self.is_on {
            let mut line = escaped(&json(record).to_string());
            line.push('\n');
            // At once: lines of other threads do not come in between. Where standard error is closed, nobody can be told.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {
        self.usual.flush();
    }
}

/// What the line says. What is not known is left out.
fn json(record: &Record<'_>) -> Json {
    struct Fields(Map<String, Json>);
    impl<'kvs> VisitSource<'kvs> for Fields {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
            let json = match value.to_u64() {
                Some(number) => number.into(),
                None => Json::from(value.to_string()),
            };
            if json != "" {
                self.0.insert(key.as_str().to_owned(), json);
            }
            Ok(())
        }
    }
    let mut fields = Fields(Map::new());
    fields.0.insert("time".to_owned(), SystemClock.now().to_string().into());
    fields.0.insert("target".to_owned(), AUDIT_TARGET.into());
    // The visitor above refuses nothing.
    let _ = record.key_values().visit(&mut fields);
    Json::Object(fields.0)
}
