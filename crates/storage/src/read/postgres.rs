//! Questions to PostgreSQL, many of one kind with one statement: what is asked comes as arrays, and each row of the answer
//! says which question it is for. Each statement says for itself that an expired row counts as absent.
//!
//! A plan is made once and kept, perhaps on a table that was nearly empty. So the statements leave the planner no choice:
//! `LATERAL` with a `GROUP BY` that changes nothing looks up key by key, and `+ 0` keeps the index on times out of it.
//!
//! The same statements run where Citus spreads the tables by cluster. That the cluster is one of those that were asked for,
//! which is `$2` again, tells it which shards to ask: it does not see that from the join.
//!
//! They are query fragments of their own with a static ID, since diesel prepares such statements once for each connection
//! and others every time.

pub(crate) mod clusters;
pub(crate) mod keys;
pub(crate) mod lists;
pub(crate) mod position;
pub(crate) mod requests;
pub(crate) mod session;
