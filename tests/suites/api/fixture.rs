//! Names and paths that the checks share.

pub(crate) const UNKNOWN_CLUSTER: &str = "00000000-0000-0000-0000-000000000001";

pub(crate) const REQUEST_NOT_FOUND: &str = "Request ID not found for given org_id and cluster_id";
pub(crate) const CLUSTER_NOT_FOUND: &str = "Requests for cluster not found";

pub(crate) fn status(cluster: &str, request: &str) -> String {
    format!("/cluster/{cluster}/request/{request}/status")
}

pub(crate) fn report(cluster: &str, request: &str) -> String {
    format!("/cluster/{cluster}/request/{request}/report")
}

pub(crate) fn requests(cluster: &str) -> String {
    format!("/cluster/{cluster}/requests")
}
