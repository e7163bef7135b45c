//! `gathering openapi`

use super::console::print;
use crate::ServerError;
use crate::config::Config;

pub(super) fn run(config: &Config) -> Result<(), ServerError> {
    print(gathering_http::openapi_document(
        &config.http.base_paths,
        config.ingest.http.enabled,
        config.auth_scheme(),
    ))
}
