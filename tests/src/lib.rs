//! The integration test harness: real databases and real servers, one of their own for each test.
//!
//! ```no_run
//! use gathering_tests::{Message, TestDatabase, TestServer};
//!
//! let server = TestServer::start(TestDatabase::sqlite());
//! server.import(&[Message::new(42, "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "req1")]);
//! let answer = server.get("/cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa/requests").bearer(&server.token(42)).send();
//! assert_eq!(answer.status, 200);
//! ```
//!
//! A test that needs PostgreSQL fails when there is none; `make test` provides one.

mod broker;
mod call;
mod certificates;
mod database;
mod key_server;
mod load;
mod message;
mod program;
mod proxy;
mod raw;
mod scale;
mod secret;
mod server;

pub use broker::{Broker, Delivered, Publisher};
pub use call::{Answer, Call, Trust};
pub use certificates::{Authority, Certificate};
pub use database::{LockedSqlite, TestDatabase, execute_on_sqlite};
pub use key_server::KeyServer;
pub use load::{Calls, Load, Measured, median};
pub use message::Message;
pub use program::{Finished, Program, Running, signal};
pub use proxy::Proxy;
pub use raw::exchange;
pub use scale::Scale;
pub use server::{TestServer, TestServerBuilder};
