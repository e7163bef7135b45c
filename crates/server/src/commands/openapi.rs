//! `gathering openapi`

use gathering_http::DocumentSettings;

use super::console::print;
use crate::ServerError;
use crate::config::Config;

pub(super) fn run(config: &Config) -> Result<(), ServerError> {
    print(gathering_http::openapi_document(DocumentSettings {
        servers: config.http.base_paths.iter().map(ToString::to_string).collect(),
        takes_messages: config.ingest.http.enabled,
        auth_scheme: config.auth_scheme(),
        max_request_ids: config.http.max_request_ids,
    }))
}
