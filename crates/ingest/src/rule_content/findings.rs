//! Findings in a tree: what is left out, and what is odd.

use std::fmt;
use std::path::PathBuf;

use gathering_domain::report::{MIN_DESCRIPTION, TOTAL_RISKS};

/// A rule, or a key of one, that is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// From the root of the tree.
    pub path: PathBuf,
    pub reason: LeftOutReason,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// Why a rule or key is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftOutReason {
    /// It has files of a rule, and none says which rule it is.
    #[error("the rule is left out: it has no plugin.yaml")]
    NoPlugin,
    /// A symbolic link to a directory, or to nothing.
    #[error("what it leads to is left out: links to directories are not followed")]
    Link,
    /// Another rule, read later, lies in a directory of the same name.
    #[error("the rule is replaced by the one in {}", .0.display())]
    Replaced(PathBuf),
    /// A file cannot be read; the whole rule is left out.
    #[error("the rule is left out: {file} cannot be read ({problem})")]
    File {
        /// The file, from the rule's directory.
        file: String,
        problem: String,
    },
    /// A key has no generic or no reason text of its own or of its rule; the whole rule is left out.
    #[error("the rule is left out: its key {key} has no text in {file}")]
    NoText { key: String, file: &'static str },
    #[error("'{0}' is no name that a rule hit can have")]
    Name(String),
    #[error("the status '{0}' is neither active nor inactive")]
    Status(String),
    #[error("the publish_date '{0}' is neither YYYY-MM-DD hh:mm:ss nor RFC 3339")]
    PublishDate(String),
    #[error("its texts hold a NUL character or are not UTF-8")]
    Text,
    #[error("'{0}' is already served by another rule")]
    Duplicate(String),
}

/// Something that is served, though hardly as its author meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// From the root of the tree.
    pub path: PathBuf,
    pub oddity: Oddity,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.oddity)
    }
}

/// Why there is a warning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    #[error("it names no impact, so that each counts as 0")]
    NoImpacts,
    #[error("the impact '{name}' is {value}, which is not from 1 to 4")]
    ImpactRange { name: String, value: i64 },
    #[error("no impact is given; it counts as {counts}")]
    NoImpact {
        /// What `config.yaml` says of `null`.
        counts: i64,
    },
    #[error("the impact '{name}' is not in config.yaml and counts as 0{}", meant(similar.as_deref()))]
    UnknownImpact {
        name: String,
        /// The same name in other letter case.
        similar: Option<String>,
    },
    #[error("no likelihood is given; it counts as 0")]
    NoLikelihood,
    #[error("the likelihood {0} is not from 1 to 4")]
    LikelihoodRange(i64),
    #[error("the likelihood is no whole number and counts as {0}")]
    LikelihoodFraction(i64),
    #[error("the total risk, half of impact and likelihood together, is {risk}; reports show {}", shown(*risk))]
    TotalRisk { risk: i32 },
    #[error(
        "generic.md has fewer than {MIN_DESCRIPTION} characters; reports show the description of metadata.yaml, or where that \
         is as short, the key's name"
    )]
    ShortText,
    #[error("generic.md is blank, and reports show it")]
    BlankText,
    #[error("the rule has no error key: each is a directory in it")]
    NoKey,
    #[error("no hit has this content: python_module is '{0}', and hits are named without .report at the end")]
    ReportSuffix(String),
    #[error("the file {found} is not read; {meant} would be")]
    FileName { found: String, meant: &'static str },
}

fn shown(risk: i32) -> i32 {
    risk.clamp(*TOTAL_RISKS.start(), *TOTAL_RISKS.end())
}

fn meant(similar: Option<&str>) -> String {
    similar.map_or_else(String::new, |name| format!("; '{name}' may be meant"))
}
