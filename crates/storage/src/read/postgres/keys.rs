//! Keys that are asked for, as arrays.

use gathering_domain::ids::{ClusterId, OrganizationId, RequestId};

use crate::connection::cluster_uuid::StoredCluster;

/// The position of a question in what was asked, from 1.
pub(crate) type Position = i64;

/// Requests that are asked for, one entry of each list for each.
#[derive(Debug, Default)]
pub(crate) struct RequestKeys<'a> {
    pub(super) clusters: ClusterKeys,
    pub(super) requests: Vec<&'a str>,
}

/// Clusters that are asked for, one entry of each list for each.
#[derive(Debug, Default)]
pub(crate) struct ClusterKeys {
    pub(crate) organizations: Vec<i64>,
    pub(crate) clusters: Vec<StoredCluster>,
}

impl<'a> RequestKeys<'a> {
    pub(crate) fn add(&mut self, organization: OrganizationId, cluster: ClusterId, request: &'a RequestId) {
        self.clusters.add(organization, cluster);
        self.requests.push(request.as_str());
    }
}

impl ClusterKeys {
    pub(crate) fn add(&mut self, organization: OrganizationId, cluster: ClusterId) {
        self.organizations.push(i64::from(organization.get()));
        self.clusters.push(cluster.into());
    }
}

impl FromIterator<(i64, StoredCluster)> for ClusterKeys {
    fn from_iter<I: IntoIterator<Item = (i64, StoredCluster)>>(keys: I) -> Self {
        let (organizations, clusters) = keys.into_iter().unzip();
        Self { organizations, clusters }
    }
}
