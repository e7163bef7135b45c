//! What both databases do where a request is there already that is to be written.

/// How the statement that writes requests goes on after its rows. The time of the write follows.
///
/// It is the table of states, as in `RequestState::transition`: codes rise in the order in which states give way to one another.
/// Whatever has expired counts as absent.
pub(super) const ON_CONFLICT: &str = "
    ON CONFLICT (org_id, cluster_id, request_id) DO UPDATE SET
        state = excluded.state, received_at = excluded.received_at,
        processed_at = excluded.processed_at, expires_at = excluded.expires_at,
        rule_hits = excluded.rule_hits, failure = excluded.failure
    WHERE (excluded.state > 0 AND excluded.state >= requests.state) OR requests.expires_at <= ";
