//! What is wrong or odd in a tree, in the words of its author's files.

use std::fmt;
use std::path::PathBuf;

use gathering_domain::{MIN_DESCRIPTION, TOTAL_RISKS};

/// A rule, or a key of one, that is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it lies in the tree.
    pub path: PathBuf,
    /// Why.
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
        /// What the system or the YAML reader said.
        problem: String,
    },
    /// A key has no generic or no reason text of its own or of its rule; the whole rule is left out.
    #[error("the rule is left out: its key {key} has no text in {file}")]
    NoText {
        /// Which key.
        key: String,
        /// Which file.
        file: &'static str,
    },
    /// The module and key are not such that a hit can name them.
    #[error("'{0}' is no name that a rule hit can have")]
    Name(String),
    /// The status is another than `active` and `inactive`.
    #[error("the status '{0}' is neither active nor inactive")]
    Status(String),
    /// The date of publication cannot be read.
    #[error("the publish_date '{0}' is neither YYYY-MM-DD hh:mm:ss nor RFC 3339")]
    PublishDate(String),
    /// A text that a database cannot hold.
    #[error("its texts hold a NUL character or are not UTF-8")]
    Text,
    /// Another rule has a key of the same name.
    #[error("'{0}' is already served by another rule")]
    Duplicate(String),
}

/// Something that is served, and hardly as its author meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it lies in the tree.
    pub path: PathBuf,
    /// What is odd.
    pub oddity: Oddity,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.oddity)
    }
}

/// What is odd.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    /// `config.yaml` has no impacts at all.
    #[error("it names no impact, so that each counts as 0")]
    NoImpacts,
    /// `config.yaml` gives an impact a number that no impact has.
    #[error("the impact '{name}' is {value}, which is not from 1 to 4")]
    ImpactRange {
        /// Its name.
        name: String,
        /// Its number.
        value: i64,
    },
    /// A key has no impact.
    #[error("no impact is given; it counts as {counts}")]
    NoImpact {
        /// What `config.yaml` says of `null`.
        counts: i64,
    },
    /// A key has an impact that `config.yaml` does not name.
    #[error("the impact '{name}' is not in config.yaml and counts as 0{}", meant(similar.as_deref()))]
    UnknownImpact {
        /// Its name.
        name: String,
        /// The same name in other letter case.
        similar: Option<String>,
    },
    /// A key has no likelihood.
    #[error("no likelihood is given; it counts as 0")]
    NoLikelihood,
    /// A key has a likelihood that there is not.
    #[error("the likelihood {0} is not from 1 to 4")]
    LikelihoodRange(i64),
    /// A key has a likelihood that is no whole number.
    #[error("the likelihood is no whole number and counts as {0}")]
    LikelihoodFraction(i64),
    /// A key has a total risk that reports cannot show.
    #[error("the total risk, half of impact and likelihood together, is {risk}; reports show {}", shown(*risk))]
    TotalRisk {
        /// The risk.
        risk: i32,
    },
    /// The generic text of a key is too short for a report.
    #[error(
        "generic.md has fewer than {MIN_DESCRIPTION} characters; reports show the description of metadata.yaml, or where that \
         is as short, the key's name"
    )]
    ShortText,
    /// The generic text of a key shows nothing.
    #[error("generic.md is blank, and reports show it")]
    BlankText,
    /// A rule without keys.
    #[error("the rule has no error key: each is a directory in it")]
    NoKey,
    /// A module that ends as no hit's does.
    #[error("no hit has this content: python_module is '{0}', and hits are named without .report at the end")]
    ReportSuffix(String),
    /// A file whose name is almost one that is read.
    #[error("the file {found} is not read; {meant} would be")]
    FileName {
        /// Its name.
        found: String,
        /// The name that is read.
        meant: &'static str,
    },
}

fn shown(risk: i32) -> i32 {
    risk.clamp(*TOTAL_RISKS.start(), *TOTAL_RISKS.end())
}

fn meant(similar: Option<&str>) -> String {
    similar.map_or_else(String::new, |name| format!("; '{name}' may be meant"))
}
