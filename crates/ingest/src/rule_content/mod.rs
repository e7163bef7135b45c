//! Rule content from a directory tree, as rule repositories lay it out.
//!
//! `config.yaml` at the top names the impacts. Below `external` and `internal`, a directory with a `plugin.yaml` is a
//! rule and each directory in it an error key. A rule or key that cannot be used is left out with a reason; only a tree
//! that cannot be read as a whole is an error. What is served, and hardly as it was meant, is warned of.

mod findings;
mod risk;
mod tree;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gathering_domain::{MIN_DESCRIPTION, RuleContent, RuleContentSet, RuleHit, Timestamp};

pub use findings::{LeftOut, LeftOutReason, Oddity, Warning};
use tree::{GENERIC, KeyFiles, METADATA, PLUGIN, REASON, RuleFiles};
use yaml::{Config, Metadata, Plugin};

/// What a tree holds.
#[derive(Debug, Default)]
pub struct LoadedContent {
    /// What reports are worded with.
    pub content: RuleContentSet,
    /// How many rules have at least one key in `content`.
    pub rules: usize,
    /// What is not in `content`, and why.
    pub left_out: Vec<LeftOut>,
    /// What is in `content`, and odd.
    pub warnings: Vec<Warning>,
}

/// Why a tree as a whole cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file or directory that every tree has cannot be read.
    #[error("{} cannot be read ({source}); a rule content tree has config.yaml, external and internal", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `config.yaml` is not what it has to be.
    #[error("{} is not usable: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What the YAML reader said.
        problem: String,
    },
}

/// The file that every tree has at its top.
const CONFIG: &str = "config.yaml";

/// Loads a tree.
pub fn load(root: &Path) -> Result<LoadedContent, TreeError> {
    let path = root.join(CONFIG);
    let text =
        std::fs::read_to_string(&path).map_err(|source| TreeError::Read { path: path.clone(), source })?;
    let config: Config = yaml::parse(&text).map_err(|problem| TreeError::Config { path, problem })?;

    let mut loaded = LoadedContent::default();
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    // In this order: a rule that comes later takes the place of one with the same directory name.
    for part in ["external", "internal"] {
        let found = tree::rules(root, Path::new(part))?;
        loaded.left_out.extend(found.left_out);
        for files in found.rules {
            loaded.warn_of_names(&files);
            let path = files.path.clone();
            match Rule::read(root, &files) {
                Ok(rule) => {
                    if let Some(former) = rules.insert(files.name, rule) {
                        loaded.left_out(former.path, LeftOutReason::Replaced(path));
                    }
                }
                Err(reason) => loaded.left_out(path, reason),
            }
        }
    }
    for rule in rules.into_values() {
        rule.serve(&config, &mut loaded);
    }
    if !loaded.content.is_empty() {
        loaded.warn(Path::new(CONFIG), risk::oddities_of_table(&config));
    }
    Ok(loaded)
}

impl LoadedContent {
    fn left_out(&mut self, path: PathBuf, reason: LeftOutReason) {
        self.left_out.push(LeftOut { path, reason });
    }

    fn warn(&mut self, path: &Path, oddities: impl IntoIterator<Item = Oddity>) {
        let one = |oddity| Warning { path: path.to_owned(), oddity };
        self.warnings.extend(oddities.into_iter().map(one));
    }

    /// Warns of files whose names are almost those that are read.
    fn warn_of_names(&mut self, rule: &RuleFiles) {
        self.warn(&rule.path, odd_names(&rule.files, [PLUGIN, GENERIC, REASON]));
        for key in &rule.keys {
            self.warn(&key.path, odd_names(&key.files, [METADATA, GENERIC, REASON]));
        }
    }
}

fn odd_names(files: &[String], read: [&'static str; 3]) -> Vec<Oddity> {
    let missing = read.into_iter().filter(|read| files.iter().all(|name| name != read));
    missing
        .flat_map(|meant| {
            let almost = files.iter().filter(move |name| tree::is_almost(name, meant));
            almost.map(move |found| Oddity::FileName { found: found.clone(), meant })
        })
        .collect()
}

/// A rule whose files are whole.
struct Rule {
    path: PathBuf,
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
    fn read(root: &Path, files: &RuleFiles) -> Result<Self, LeftOutReason> {
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

    fn serve(self, config: &Config, loaded: &mut LoadedContent) {
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

/// The file's bytes; none where there is no such file.
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

/// The path, if a file is there. Anything else, a pipe for example, could keep us waiting for ever.
fn regular(path: &Path) -> std::io::Result<&Path> {
    if std::fs::metadata(path)?.is_file() { Ok(path) } else { Err(std::io::Error::other("not a file")) }
}

fn unreadable(rule: &Path, file: &Path, problem: String) -> LeftOutReason {
    let file = file.strip_prefix(rule).unwrap_or(file).display().to_string();
    LeftOutReason::File { file, problem }
}

#[cfg(test)]
mod tests;
