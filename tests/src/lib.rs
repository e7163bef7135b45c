//! The integration test harness: real databases and real servers, one of their own for each test.
//!
//! ```no_run
//! use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer};
//!
//! let server = TestServer::start(TestDatabase::sqlite());
//! server.import(&[Message::new(42, CLUSTER, "req1")]);
//! let answer = server.get(&format!("/cluster/{CLUSTER}/requests")).bearer(&server.token(42)).send();
//! assert_eq!(answer.status, 200);
//! ```
//!
//! A test that needs PostgreSQL fails when there is none; `make test` provides one. `tests/README.md` has an example of each
//! part.

mod aggregator;
mod apart;
#[cfg(feature = "kafka")]
mod broker;
mod call;
mod certificates;
mod collector;
mod database;
mod key_server;
mod load;
mod message;
mod outage;
mod program;
mod proxy;
mod raw;
mod scale;
mod secret;
mod server;
mod sqlite;
mod stand_in;
mod wait;

pub use aggregator::{Aggregator, AggregatorCall, Behaviour};
#[cfg(feature = "kafka")]
pub use broker::{Broker, Delivered, Publisher};
pub use call::{Answer, Call, Trust};
pub use certificates::{Authority, Certificate};
pub use collector::{CollectedSpan, Collector};
pub use database::TestDatabase;
/// What signatures of the harness need: tokens, times, states, and what became of messages.
pub use gathering_auth::{ClaimMapping, Scope, TokenRequest};
pub use gathering_domain::ids::{ClusterId, OrganizationId};
pub use gathering_domain::intake::{MessageOutcome, MessageRecord};
pub use gathering_domain::request::RequestState;
pub use gathering_domain::time::Timestamp;
pub use gathering_storage::Settings;
pub use key_server::KeyServer;
pub use load::{Calls, Load, Measured, median};
pub use message::{CLUSTER, Message, OTHER_CLUSTER, gzip};
pub use outage::Outage;
pub use program::{Finished, Program, Running, signal};
pub use proxy::Proxy;
pub use raw::exchange;
pub use scale::Scale;
pub use server::{TestServer, TestServerBuilder};
pub use sqlite::{LockedSqlite, execute_on_sqlite};
pub use ureq::http::HeaderMap;
pub use wait::{until, until_some};

/// Compiles the examples of the file.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles the examples of the page. The crate that it is about does not have the page.
#[cfg(doctest)]
#[doc = include_str!("../../docs/DOMAIN.md")]
struct DomainGuide;
