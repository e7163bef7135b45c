//! Arguments of `sample`.

use clap::{Args, Subcommand};
use gathering_domain::ids::{ClusterId, OrganizationId, RequestId};
use gathering_domain::rule::RuleHit;
use gathering_domain::time::Timestamp;

use super::care::since;
use super::options::With;

/// Arguments of `sample`.
#[derive(Debug, Args)]
pub struct Sample {
    #[command(subcommand)]
    pub(crate) what: SampleWhat,
}

/// What a sample is of.
#[derive(Debug, Subcommand)]
pub(crate) enum SampleWhat {
    /// Prints the result message of an analysis, for import results, POST /ingest/results and Kafka
    #[command(
        after_help = "Example: gathering sample result --request abc --hit 'rules.disk|FULL' | gathering import results -\n\
        Example: gathering sample result --org 42 --request abc --failed --at 2h"
    )]
    Result(With<SampleResult>),
    /// Prints the announcement of an upload, for POST /ingest/announcements and Kafka
    #[command(after_help = "Example: gathering sample announcement --org 42 --request abc")]
    Announcement(With<SampleRequest>),
}

/// Arguments of `sample announcement`.
#[derive(Debug, Args)]
pub(crate) struct SampleRequest {
    /// The organization, from 1 to 4294967295
    #[arg(long, value_name = "N", default_value = "42")]
    pub(crate) org: OrganizationId,
    /// The cluster
    #[arg(long, value_name = "UUID", default_value = "3f0a1c52-8a0e-4c3b-9a57-6d1f0c2b7e11")]
    pub(crate) cluster: ClusterId,
    /// The request; without it, a new one
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<RequestId>,
    /// When the cluster gathered its data: a time such as 2026-03-01T11:30:00Z, or how long ago, such as 2h; without it, now
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) at: Option<Timestamp>,
}

/// Arguments of `sample result`.
#[derive(Debug, Args)]
pub(crate) struct SampleResult {
    #[command(flatten)]
    pub(crate) request: SampleRequest,
    /// What the analysis found, each with its own --hit; without one, it found nothing
    #[arg(long = "hit", value_name = "MODULE|KEY")]
    pub(crate) hits: Vec<RuleHit>,
    /// The analysis failed: its report is empty
    #[arg(long, conflicts_with = "hits")]
    pub(crate) failed: bool,
}
