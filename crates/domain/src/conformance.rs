//! The suite that every store has to pass: our own do, and so can those of others.
//!
//! ```
//! use gathering_domain::conformance;
//! use gathering_domain::prelude::*;
//!
//! // In a test, with whatever runtime the store needs:
//! pollster::block_on(conformance::check(async |clock| MemoryStore::new(clock, Retention::default())));
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "these are tests, which fail by panicking; they are compiled for those only who ask for them"
)]

mod content;
mod long_lists;
mod purging;
mod reading;
mod states;
mod subject;

use std::sync::Arc;

pub use self::subject::Store;
use self::subject::{START, Subject};
use crate::store::Purge;
use crate::time::ManualClock;

/// Runs these checks, each on a store of its own.
macro_rules! run_each {
    ($make:expr, $($check:path),+ $(,)?) => { $( {
        let clock = Arc::new(ManualClock::at(START));
        let store = $make(Arc::clone(&clock)).await;
        $check(&Subject { store, clock }).await;
    } )+ };
}

/// Checks everything that is asked of a store: the table of states, retention, lists, selections, reports and rule content.
///
/// `make` gives an empty store, with the default [`Retention`](crate::time::Retention), that takes the time from the clock it
/// is given and from nowhere else. It is called once for each check, which moves the clock on.
///
/// # Panics
/// If the store does not do what is asked of it. The place in the message is the check's.
pub async fn check<S: Store>(make: impl AsyncFn(Arc<ManualClock>) -> S) {
    run_each!(
        make,
        states::every_transition,
        states::an_ignored_event_changes_nothing,
        states::a_result_replaces_hits_and_times,
        states::expired_counts_as_absent,
        states::a_batch_is_coalesced_in_order,
        states::a_batch_may_span_organizations_and_clusters,
        reading::a_list_is_newest_first,
        reading::lists_asked_for_at_once_are_kept_apart,
        reading::a_cluster_stays_known_without_requests,
        reading::states_of_many_are_in_the_order_of_the_keys,
        reading::a_selection_finds_each_once,
        reading::only_results_have_hits,
        reading::times_keep_their_microseconds,
        long_lists::a_list_is_cut_to_the_newest,
        long_lists::expired_requests_are_left_out_of_a_long_list,
        content::content_is_replaced_as_a_whole,
    );
}

/// Checks the purging of a store that has it. `make` is that of [`check`].
///
/// # Panics
/// If the store does not do what is asked of it. The place in the message is the check's.
pub async fn check_purging<S: Store + Purge>(make: impl AsyncFn(Arc<ManualClock>) -> S) {
    run_each!(
        make,
        purging::purging_deletes_only_what_expired,
        purging::a_cluster_stays_known_while_it_is_recorded,
    );
}
