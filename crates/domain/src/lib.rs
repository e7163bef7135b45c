//! The field itself: requests, events, rule hits, rule content and reports, and the questions asked of them.
//!
//! An `OpenShift` cluster asks for an analysis and gets a *request ID*; a pipeline publishes the *rule hits* it found.
//! This crate says what such a request is, how events change it, what its report looks like, and which ports a store
//! has to offer. It knows no transport, no database and no async runtime: those stay in the crates around it.
//!
//! | to | see |
//! |---|---|
//! | answer the four questions of the API | [`lookup::LookupService`], [`answer`] for the bodies |
//! | keep requests in a database | [`store`] for the ports and the rule of a row, `conformance` for the suite |
//! | keep them in memory | [`memory::MemoryStore`] |
//! | word reports | [`report::ContentCache`], [`content`], [`rule`] |
//! | leave rules out of reports that an organization acknowledged | [`report::RuleFilter`] |
//! | record what the pipeline says | [`event`], [`intake`] for transports |
//! | let callers wait for results | [`wait`] |
//! | name things | [`ids`], [`request`], [`time`] |
//!
//! Most of it comes with `use gathering_domain::prelude::*`:
//!
//! ```
//! use gathering_domain::prelude::*;
//!
//! # pollster::block_on(async {
//! let store = MemoryStore::new(SystemClock, Retention::default());
//! let lookup = LookupService::over(store, ReportPolicy::default());
//! lookup.refresh().await?;
//!
//! let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "6d2eede257644308a8949c4ec251c5c4")?;
//! let hits = vec!["ccx_rules.external.tutorial_rule|TUTORIAL_ERROR".parse()?];
//! let received_at = SystemClock.now();
//! let result = RequestEvent { key: key.clone(), received_at, kind: EventKind::Processed(hits) };
//! lookup.store().store(vec![result]).await?;
//!
//! assert_eq!(lookup.status(&key).await?.map(|status| status.state), Some(RequestState::Processed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! Features, none on by default: `conformance`, the suite for stores; `openapi`, schemas of the bodies for `utoipa`.

pub mod answer;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod content;
pub mod event;
pub mod ids;
pub mod intake;
pub mod lookup;
pub mod memory;
pub mod prelude;
pub mod report;
pub mod request;
pub mod rule;
pub mod store;
pub mod time;
pub mod wait;

/// Compiles the example of the file.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
