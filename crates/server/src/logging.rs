//! Log lines on standard error, as text or as one JSON object a line, each with the ID of the call that it belongs to.

mod audit;
mod escaped;

use std::io::{self, Write};

use env_logger::fmt::Formatter;
use gathering_support::one_line;
use jiff::Timestamp;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource};

use self::escaped::escaped;
use crate::config::{Log, LogFormat};

/// Starts logging. `RUST_LOG` wins over `log.filter`. A second start in one process changes nothing.
pub(crate) fn init(config: &Log) {
    let mut builder = env_logger::Builder::new();
    // What the web server says of its threads, and of callers that do not speak HTTP or TLS as they should, is for those
    // who ask for it by name: otherwise everybody could write as many lines into the log as he wants.
    builder.filter_module("actix_server", log::LevelFilter::Warn);
    builder.filter_module("actix_http", log::LevelFilter::Off);
    builder.filter_module("rustls", log::LevelFilter::Error);
    builder.parse_filters(&std::env::var("RUST_LOG").unwrap_or_else(|_| config.filter.clone()));
    match config.format {
        LogFormat::Text => builder.format(text),
        LogFormat::Json => builder.format(json),
    };
    // Fails only where a logger is there already, as in a test that starts several services.
    let _ = audit::AuditingLogger::start(builder.build(), config.audit);
}

fn text(formatter: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let style = formatter.default_level_style(record.level());
    let (time, level, target) = (Timestamp::now(), record.level(), record.target());
    write!(
        formatter,
        "{time:.3} {style}{level:<5}{style:#} {target}: {}",
        one_line(&record.args().to_string())
    )?;
    for (key, value) in fields(record) {
        let value = value.as_str().map_or_else(|| value.to_string(), one_line);
        write!(formatter, " {key}={value}")?;
    }
    writeln!(formatter)
}

fn json(formatter: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = serde_json::Map::new();
    line.insert("time".to_owned(), format!("{:.6}", Timestamp::now()).into());
    line.insert("level".to_owned(), record.level().as_str().to_lowercase().into());
    line.insert("target".to_owned(), record.target().into());
    line.insert("message".to_owned(), record.args().to_string().into());
    line.extend(fields(record));
    writeln!(formatter, "{}", escaped(&serde_json::Value::Object(line).to_string()))
}

/// The key-value pairs of a record, and the ID of the call.
fn fields(record: &Record<'_>) -> serde_json::Map<String, serde_json::Value> {
    struct Fields(serde_json::Map<String, serde_json::Value>);
    impl<'kvs> VisitSource<'kvs> for Fields {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
            let json = match value.to_u64() {
                Some(number) => number.into(),
                None => value.to_string().into(),
            };
            self.0.insert(key.as_str().to_owned(), json);
            Ok(())
        }
    }
    let mut fields = Fields(serde_json::Map::new());
    // The visitor above refuses nothing.
    let _ = record.key_values().visit(&mut fields);
    if let Some(id) = gathering_http::current_call_id() {
        fields.0.insert("call_id".to_owned(), id.into());
    }
    fields.0
}
