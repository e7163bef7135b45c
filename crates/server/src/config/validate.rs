//! What one setting demands of another. What a setting demands of itself is in its type.

use gathering_auth::{ClaimMapping, ClusterBinding, ScopeWords};
use gathering_domain::ids::ClusterId;
use gathering_storage::{DatabaseUrl, Pooler};

use super::auth::{Auth, AuthMode, Certificate, Keys};
use super::ingest::Kafka;
use super::report_filter::ReportFilter;
use super::sections::{Config, Storage, Tls};

/// A setting that does not go together with others.
#[derive(Debug)]
pub(super) struct Invalid {
    pub(super) key: String,
    pub(super) problem: &'static str,
}

impl Invalid {
    fn new(key: impl Into<String>, problem: &'static str) -> Self {
        Self { key: key.into(), problem }
    }
}

/// `for_tokens` is for commands that make tokens or look at them, to which what tokens say counts in every mode.
pub(super) fn validate(config: &Config, for_tokens: bool) -> Result<(), Invalid> {
    let Config { http, admin, auth, ingest, report, storage, wait, .. } = config;
    if auth.mode == AuthMode::Disabled && !http.bind.ip().is_loopback() {
        let problem = "without authentication, http.bind has to be a loopback address such as 127.0.0.1:8080";
        return Err(Invalid::new("auth.mode", problem));
    }
    validate_auth(auth)?;
    if !for_tokens {
        validate_mapping(config)?;
    }
    validate_tls("http.tls", &http.tls)?;
    validate_certificate(config)?;
    validate_tls("admin.tls", &admin.tls)?;
    validate_storage(storage)?;
    validate_kafka(&ingest.kafka)?;
    if wait.hold > wait.max {
        return Err(Invalid::new("wait.hold", "it has to be wait.max at most"));
    }
    validate_filter(&report.filter)?;
    if admin.bind == http.bind && http.bind.port() != 0 {
        return Err(Invalid::new("admin.bind", "it has to be another address than http.bind"));
    }
    Ok(())
}

fn validate_tls(section: &str, tls: &Tls) -> Result<(), Invalid> {
    let (key, problem) = match (&tls.cert, &tls.key, &tls.client_ca) {
        (Some(_), None, _) => ("key", "it is needed beside the certificate"),
        (None, Some(_), _) => ("cert", "it is needed beside the key"),
        (None, None, Some(_)) => ("client_ca", "it is of use with cert and key only"),
        _ => return Ok(()),
    };
    Err(Invalid::new(format!("{section}.{key}"), problem))
}

fn validate_auth(auth: &Auth) -> Result<(), Invalid> {
    validate_issuers(auth)?;
    if auth.mode != AuthMode::IdentityHeader {
        let problem = "it counts in auth.mode = \"identity-header\" only, and here it would keep nobody out";
        if !auth.trusted_proxies.is_empty() {
            return Err(Invalid::new("auth.trusted_proxies", problem));
        }
        if auth.gateway_secret_file.is_some() {
            return Err(Invalid::new("auth.gateway_secret_file", problem));
        }
        if auth.rbac.url.is_some() {
            return Err(Invalid::new("auth.rbac.url", problem));
        }
    }
    if auth.rbac.enforce && auth.rbac.url.is_none() {
        let problem = "it needs auth.rbac.url, and without it would keep nobody out";
        return Err(Invalid::new("auth.rbac.enforce", problem));
    }
    validate_keys("auth", &auth.keys)?;
    for (number, issuer) in auth.issuers.iter().enumerate() {
        validate_keys(&format!("auth.issuers[{number}]"), &issuer.keys)?;
    }
    Ok(())
}

/// What callers are bound to, in the modes that know it. Elsewhere whoever set it would think that it counts.
fn validate_mapping(config: &Config) -> Result<(), Invalid> {
    let mode = config.auth.mode;
    let ClaimMapping { organization, cluster, scope, default_organization, scopes } = config.claim_mapping();
    let ScopeWords { read, write, write_any, absent } = scopes;
    let default = ClaimMapping::default();
    let of_tokens = [
        ("claims.organization", organization != default.organization),
        ("claims.cluster", cluster != default.cluster),
        ("claims.scope", scope != default.scope),
        ("default_organization", default_organization != default.default_organization),
        ("scopes.read", read != default.scopes.read),
        ("scopes.write", write != default.scopes.write),
        ("scopes.write_any", write_any != default.scopes.write_any),
        ("scopes.absent", absent != default.scopes.absent),
    ];
    if let Some((key, _)) = of_tokens.iter().find(|(_, is_set)| *is_set && mode != AuthMode::Jwt) {
        return Err(Invalid::new(format!("auth.{key}"), "it counts in auth.mode = \"jwt\" only"));
    }
    if !config.auth.gateway_binding && mode != AuthMode::IdentityHeader {
        let problem = "it counts in auth.mode = \"identity-header\" only";
        return Err(Invalid::new("auth.gateway_binding", problem));
    }
    Ok(())
}

/// Mode `client-certificate`, and what counts in it alone.
fn validate_certificate(config: &Config) -> Result<(), Invalid> {
    let (Certificate { organization, cluster, writers }, tls) = (&config.auth.certificate, &config.http.tls);
    let is_bound = *cluster == ClusterBinding::CommonName;
    let has_cluster = writers.iter().any(|name| name.parse::<ClusterId>().is_ok());
    let needed = "it is needed in auth.mode = \"client-certificate\"";
    let elsewhere = "it counts in auth.mode = \"client-certificate\" only";
    let both =
        "with auth.certificate.cluster = \"common-name\", a UUID names a cluster, which does not write";
    let is_mode = config.auth.mode == AuthMode::ClientCertificate;
    let (key, problem) = match () {
        () if is_mode && tls.cert.is_none() => ("http.tls.cert", needed),
        () if is_mode && tls.client_ca.is_none() => ("http.tls.client_ca", needed),
        () if is_mode && organization.is_none() => ("auth.certificate.organization", needed),
        () if is_mode && is_bound && has_cluster => ("auth.certificate.writers", both),
        () if !is_mode && is_bound => ("auth.certificate.cluster", elsewhere),
        () if !is_mode && !writers.is_empty() => ("auth.certificate.writers", elsewhere),
        () => return Ok(()),
    };
    Err(Invalid::new(key, problem))
}

/// Either there is one issuer, in `auth` itself, or each has an entry of its own.
fn validate_issuers(auth: &Auth) -> Result<(), Invalid> {
    let set_in_auth = [
        ("issuer", auth.issuer.is_some()),
        ("audience", auth.audience.is_some()),
        ("algorithms", !auth.algorithms.is_empty()),
        ("keys.hmac_secret_file", auth.keys.hmac_secret_file.is_some()),
        ("keys.public_key_files", !auth.keys.public_key_files.is_empty()),
        ("keys.jwks_file", auth.keys.jwks_file.is_some()),
        ("keys.jwks_url", auth.keys.jwks_url.is_some()),
        ("keys.discovery", auth.keys.discovery),
        ("keys.ca_file", auth.keys.ca_file.is_some()),
    ];
    let set_in_auth = set_in_auth.into_iter().find(|(_, is_set)| *is_set);
    if let Some((key, _)) = set_in_auth.filter(|_| !auth.issuers.is_empty()) {
        let problem = "with auth.issuers, each issuer has this key of its own, and it must not be set here";
        return Err(Invalid::new(format!("auth.{key}"), problem));
    }
    for (number, issuer) in auth.issuers.iter().enumerate() {
        if auth.issuers.iter().take(number).any(|other| other.issuer == issuer.issuer) {
            let problem = "another entry of auth.issuers has it too; give one entry all its keys";
            return Err(Invalid::new(format!("auth.issuers[{number}].issuer"), problem));
        }
    }
    Ok(())
}

fn validate_keys(section: &str, keys: &Keys) -> Result<(), Invalid> {
    let (key, problem) = if keys.discovery && keys.jwks_url.is_some() {
        ("discovery", "jwks_url says where the keys are already")
    } else if keys.ca_file.is_some() && !keys.discovery && keys.jwks_url.is_none() {
        ("ca_file", "it is of use with jwks_url or discovery only")
    } else {
        return Ok(());
    };
    Err(Invalid::new(format!("{section}.keys.{key}"), problem))
}

fn validate_filter(filter: &ReportFilter) -> Result<(), Invalid> {
    if filter.fresh_for > filter.stale_for {
        let problem = "it has to be at most report.filter.stale_for, since what is fresh is of use";
        return Err(Invalid::new("report.filter.fresh_for", problem));
    }
    Ok(())
}

fn validate_storage(storage: &Storage) -> Result<(), Invalid> {
    let Storage { url, read_url, pooler, .. } = storage;
    let is_sqlite = |url: &DatabaseUrl| matches!(url, DatabaseUrl::Sqlite(_));
    let read_url = read_url.as_ref();
    let (key, problem) = if url.asks_for_standby() {
        let problem = "its target_session_attrs asks for a server that only reads; a standby goes into storage.read_url";
        ("url", problem)
    } else if read_url.is_some_and(is_sqlite) {
        ("read_url", "it has to be a standby on PostgreSQL: postgres://user@host/database")
    } else if read_url.is_some() && is_sqlite(url) {
        ("read_url", "it counts where storage.url is on PostgreSQL only: SQLite has no standby")
    } else if read_url.is_some_and(DatabaseUrl::asks_for_primary) {
        ("read_url", "its target_session_attrs asks for a server that takes writes, and a standby takes none")
    } else if *pooler != Pooler::None && is_sqlite(url) {
        ("pooler", "it counts where storage.url is on PostgreSQL only")
    } else {
        return Ok(());
    };
    Err(Invalid::new(format!("storage.{key}"), problem))
}

fn validate_kafka(kafka: &Kafka) -> Result<(), Invalid> {
    if kafka.enabled && kafka.brokers.trim().is_empty() {
        let problem = "it has to name a broker, such as \"kafka:9092\", when ingest.kafka.enabled is set";
        return Err(Invalid::new("ingest.kafka.brokers", problem));
    }
    if kafka.security.password.is_some() && kafka.security.password_file.is_some() {
        let problem = "there is a password_file, too; only one of them can count";
        return Err(Invalid::new("ingest.kafka.security.password", problem));
    }
    // A service that reads what it writes would meet its own messages for ever.
    let read = [Some(&kafka.results_topic), kafka.announcements_topic.as_ref()];
    let written = [
        ("dead_letter_topic", kafka.dead_letter_topic.as_ref()),
        ("payload_tracker_topic", kafka.payload_tracker_topic.as_ref()),
    ];
    for (key, topic) in written {
        if topic.is_some() && read.contains(&topic) {
            let problem = "it has to be another topic than those that are read";
            return Err(Invalid::new(format!("ingest.kafka.{key}"), problem));
        }
    }
    Ok(())
}
