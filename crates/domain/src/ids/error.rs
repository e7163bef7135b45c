//! Why something is no identifier.

/// A text or number that is not the identifier it was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a decimal number from 1 to 4294967295.
    #[error("an organization is a whole number from 1 to 4294967295")]
    Organization,
    /// Not a UUID in an accepted spelling.
    #[error("a cluster ID is a UUID such as 5d5892d3-1f74-4ccf-91af-548dfc9767aa")]
    Cluster,
    /// Empty, longer than [`RequestId::MAX_LEN`](super::RequestId::MAX_LEN), with a character other than an ASCII letter, a
    /// digit or a hyphen, or with a hyphen at its start.
    #[error("a request ID is 1 to 128 ASCII letters, digits or hyphens, with no hyphen at its start")]
    Request,
}

impl IdError {
    /// What the API calls the identifier: `org_id` (in a token), `clusterID` or `requestID` (in a path).
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Organization => "org_id",
            Self::Cluster => "clusterID",
            Self::Request => "requestID",
        }
    }
}
