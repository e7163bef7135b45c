//! A rule and its keys: their files, read and turned into rule content.

use std::path::{Path, PathBuf};

use gathering_domain::content::RuleContent;
use gathering_domain::report::MIN_DESCRIPTION;
use gathering_domain::rule::RuleHit;
use gathering_domain::time::Timestamp;

use super::findings::{LeftOutReason, Oddity};
use super::loaded::LoadedContent;
use super::risk;
use super::tree::{GENERIC, KeyFiles, METADATA, PLUGIN, REASON, RuleFiles};
use super::yaml::{self, Config, Metadata, Plugin};

/// A rule whose files could be read.
pub(super) struct Rule {
    pub(super) path: PathBuf,
    module: String,
    keys: Vec<Key>,
}

struct Key {
    path: PathBuf,
    name: String,
    generic: Vec<u8>,
    metadata: Metadata,
}

impl Rule {
    pub(super) fn read(root: &Path, files: &RuleFiles) -> Result<Self, LeftOutReason> {
        let plugin: Plugin = read_yaml(root, &files.path, &files.path.join(PLUGIN))?;
        let generic = read_text(root, &files.path, &files.path.join(GENERIC))?;
        let reason = read_text(root, &files.path, &files.path.join(REASON))?;
        let key = |KeyFiles { path, name, .. }: &KeyFiles| {
            let own = |file: &'static str, fallback: &[u8]| {
                let text = read_text(root, &files.path, &path.join(file))?;
                let text = if text.is_empty() { fallback.to_vec() } else { text };
                if text.is_empty() {
                    Err(LeftOutReason::NoText { key: name.clone(), file })
                } else {
                    Ok(text)
                }
            };
            let metadata = read_yaml(root, &files.path, &path.join(METADATA))?;
            own(REASON, &reason)?;
            Ok(Key { path: path.clone(), name: name.clone(), generic: own(GENERIC, &generic)?, metadata })
        };
        let keys = files.keys.iter().map(key).collect::<Result<_, _>>()?;
        Ok(Self { path: files.path.clone(), module: plugin.python_module.0, keys })
    }

    pub(super) fn serve(self, config: &Config, loaded: &mut LoadedContent) {
        let before = loaded.content.len();
        if self.keys.is_empty() {
            loaded.warn(&self.path, [Oddity::NoKey]);
        }
        if self.module.ends_with(".report") {
            loaded.warn(&self.path, [Oddity::ReportSuffix(self.module.clone())]);
        }
        for key in self.keys {
            let (path, odd) = (key.path.clone(), key.oddities(config));
            match key.content(&self.module, config) {
                Ok((hit, _)) if loaded.content.get(&hit).is_some() => {
                    loaded.left_out(path, LeftOutReason::Duplicate(hit.to_string()));
                }
                Ok((hit, content)) => {
                    loaded.content.insert(hit, content);
                    loaded.warn(&path, odd);
                }
                Err(reason) => loaded.left_out(path, reason),
            }
        }
        loaded.rules += usize::from(loaded.content.len() > before);
    }
}

impl Key {
    fn oddities(&self, config: &Config) -> Vec<Oddity> {
        let mut odd = risk::oddities(&self.metadata, config);
        match std::str::from_utf8(&self.generic) {
            Ok(text) if text.chars().count() < MIN_DESCRIPTION => odd.push(Oddity::ShortText),
            Ok(text) if text.trim().is_empty() => odd.push(Oddity::BlankText),
            // What is not UTF-8 is left out.
            _ => {}
        }
        odd
    }

    fn content(self, module: &str, config: &Config) -> Result<(RuleHit, RuleContent), LeftOutReason> {
        let hit = RuleHit::new(module, &self.name)
            .map_err(|_| LeftOutReason::Name(format!("{module}|{}", self.name)))?;
        let status = self.metadata.status.0.trim().to_lowercase();
        if !["", "active", "inactive"].contains(&status.as_str()) {
            return Err(LeftOutReason::Status(status));
        }
        if !is_publish_date(&self.metadata.publish_date.0) {
            return Err(LeftOutReason::PublishDate(self.metadata.publish_date.0));
        }
        let total_risk = risk::total_risk(&self.metadata, config);
        let generic = String::from_utf8(self.generic).map_err(|_| LeftOutReason::Text)?;
        let summary = self.metadata.description.0;
        if generic.contains('\0') || summary.contains('\0') {
            return Err(LeftOutReason::Text);
        }
        Ok((hit, RuleContent { generic, summary, total_risk }))
    }
}

fn is_publish_date(text: &str) -> bool {
    let is_time = |text: &str| text.parse::<Timestamp>().is_ok();
    text.is_empty()
        || is_time(text)
        || (!text.contains('T') && is_time(&format!("{}Z", text.replacen(' ', "T", 1))))
}

/// The bytes of a file; none if there is no such file.
fn read_text(root: &Path, rule: &Path, file: &Path) -> Result<Vec<u8>, LeftOutReason> {
    match regular(&root.join(file)).and_then(std::fs::read) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(unreadable(rule, file, error.to_string())),
    }
}

fn read_yaml<T: serde::de::DeserializeOwned + Default>(
    root: &Path,
    rule: &Path,
    file: &Path,
) -> Result<T, LeftOutReason> {
    let text = regular(&root.join(file))
        .and_then(std::fs::read_to_string)
        .map_err(|error| unreadable(rule, file, error.to_string()))?;
    yaml::parse(&text).map_err(|problem| unreadable(rule, file, problem))
}

/// The path, if it is that of a regular file. Reading a pipe, for example, could take for ever.
fn regular(path: &Path) -> std::io::Result<&Path> {
    if std::fs::metadata(path)?.is_file() { Ok(path) } else { Err(std::io::Error::other("not a file")) }
}

fn unreadable(rule: &Path, file: &Path, problem: String) -> LeftOutReason {
    let file = file.strip_prefix(rule).unwrap_or(file).display().to_string();
    LeftOutReason::File { file, problem }
}
