//! The second phase of a start: the database is open and both addresses are taken, and nothing answers yet.

use std::sync::Arc;

use gathering_domain::time::Clock;
use gathering_http::BoundAddress;
use gathering_storage::Storage;

use crate::ServerError;
use crate::config::Config;
use crate::preparation::prepare_schema;

pub(super) struct Bound {
    pub(super) storage: Storage,
    /// None without an API.
    pub(super) api: Option<BoundAddress>,
    pub(super) admin: BoundAddress,
}

impl Bound {
    pub(super) async fn new(
        config: &Config,
        clock: &Arc<dyn Clock>,
        has_api: bool,
    ) -> Result<Self, ServerError> {
        for name in prepare_schema(config).await? {
            log::info!("applied the migration {name}");
        }
        let storage = Storage::open(&config.storage_settings(), Arc::clone(clock))?;
        let api = has_api.then(|| BoundAddress::bind("http.bind", config.http.bind)).transpose()?;
        let admin = BoundAddress::bind("admin.bind", config.admin.bind)?;
        Ok(Self { storage, api, admin })
    }
}
