//! What each crate is told of the configuration.

use std::num::NonZeroUsize;
use std::sync::Arc;

use gathering_aggregator as aggregator;
use gathering_auth as auth;
use gathering_domain::report::ReportPolicy;
use gathering_domain::time::Retention;
use gathering_http::{AuthScheme, TlsSettings};
use gathering_ingest::kafka;
use gathering_storage as storage;

use super::auth::{Auth, AuthMode, Issuer, Keys};
use super::ingest::Kafka;
use gathering_telemetry::TelemetrySettings;

use super::report_filter::ReportFilter;
use super::sections::{Config, Tls};
use crate::build_info::build_info;
use crate::open_files;

impl Config {
    /// What the API needs to know.
    pub fn http_settings(&self, tls: Option<Arc<gathering_http::Tls>>) -> gathering_http::Settings {
        gathering_http::Settings {
            tls,
            build: build_info(),
            auth_scheme: self.auth_scheme(),
            base_paths: self.http.base_paths.clone(),
            workers: self.workers(),
            max_connections: open_files::connections(self.http.max_connections),
            write_timeout: self.http.write_timeout,
            max_body: self.http.max_body,
            max_in_flight: self.http.max_in_flight,
            ingest: self.ingest.http.enabled.then_some(gathering_http::IngestSettings {
                max_body: self.ingest.http.max_body,
                max_in_flight: self.ingest.http.max_in_flight,
            }),
            pages: self
                .ui
                .enabled
                .then_some(gathering_http::PageSettings { retention: self.storage.retention }),
            max_request_ids: self.http.max_request_ids,
            max_list: NonZeroUsize::new(self.http.max_list),
            pending_status: self.http.pending_status,
            wait: gathering_http::WaitSettings {
                max: self.wait.max,
                hold: self.wait.hold,
                retry_after: self.wait.retry_after,
            },
            shutdown_grace: self.http.shutdown_grace,
            cors_origins: self.http.cors_origins.clone(),
        }
    }

    /// How many calls may wait at once: at most three quarters of the connections there may be, so that those who wait leave
    /// some to others.
    pub fn max_waiters(&self) -> usize {
        let room = open_files::connections(self.http.max_connections) / 4 * 3;
        if self.wait.max_waiters > room {
            log::warn!(
                "wait.max_waiters is lowered to {room}, three quarters of the connections that there may be"
            );
        }
        self.wait.max_waiters.min(room)
    }

    /// What authentication needs to know.
    pub fn auth_settings(&self) -> auth::Settings {
        let mode = match self.auth.mode {
            AuthMode::Jwt => auth::Mode::Jwt(auth::TokenSettings {
                issuers: self.issuers(),
                leeway: self.auth.leeway,
                max_token: self.auth.max_token,
                cache_size: self.auth.token_cache,
            }),
            AuthMode::IdentityHeader => auth::Mode::IdentityHeader(auth::GatewaySettings {
                trusted_proxies: self.auth.trusted_proxies.clone(),
                secret_file: self.auth.gateway_secret_file.clone(),
                client_certificates: self.http.tls.client_ca.is_some(),
                any_cluster: !self.auth.gateway_binding,
                rbac: self
                    .auth
                    .rbac
                    .url
                    .clone()
                    .map(|url| auth::RbacSettings { url, enforce: self.auth.rbac.enforce }),
            }),
            AuthMode::ClientCertificate => auth::Mode::ClientCertificate(auth::CertificateSettings {
                organization: self.auth.certificate.organization,
                cluster: self.auth.certificate.cluster,
                writers: self.auth.certificate.writers.clone(),
            }),
            AuthMode::Disabled => auth::Mode::Disabled { organization: self.auth.disabled_org },
        };
        let rate_limit = auth::RateLimit {
            per_organization: self.auth.rate_limit.per_organization,
            per_identity: self.auth.rate_limit.per_identity,
        };
        auth::Settings { mode, rate_limit }
    }

    /// Those of `auth.issuers`, or the one of `auth` itself.
    pub fn issuers(&self) -> Vec<auth::IssuerSettings> {
        let mapping = self.claim_mapping();
        if self.auth.issuers.is_empty() {
            let Auth { issuer, audience, algorithms, keys, .. } = self.auth.clone();
            return vec![auth::IssuerSettings { issuer, audience, algorithms, keys: keys.into(), mapping }];
        }
        let one = |issuer: Issuer| auth::IssuerSettings {
            mapping: issuer.claim_mapping(&mapping),
            issuer: Some(issuer.issuer),
            audience: issuer.audience,
            algorithms: issuer.algorithms,
            keys: issuer.keys.into(),
        };
        self.auth.issuers.iter().cloned().map(one).collect()
    }

    /// What the OpenAPI document says of callers.
    pub const fn auth_scheme(&self) -> AuthScheme {
        match self.auth.mode {
            AuthMode::Jwt => AuthScheme::BearerToken,
            AuthMode::IdentityHeader => AuthScheme::IdentityHeader,
            AuthMode::ClientCertificate => AuthScheme::ClientCertificate,
            AuthMode::Disabled => AuthScheme::None,
        }
    }

    /// What the API's listener needs to know of TLS; nothing if it is to speak plain HTTP. Where certificates say who calls, who
    /// has none is told so, and may read what everybody may.
    pub fn api_tls(&self) -> Option<TlsSettings> {
        let admits_without_certificate = self.auth.mode == AuthMode::ClientCertificate;
        self.http.tls.settings().map(|settings| TlsSettings { admits_without_certificate, ..settings })
    }

    /// What storage needs to know.
    pub fn storage_settings(&self) -> storage::Settings {
        storage::Settings {
            url: self.storage.url.clone(),
            read_url: self.storage.read_url.clone(),
            pooler: self.storage.pooler,
            pool_size: self.storage.pool_size,
            readers: u32::try_from(self.workers()).unwrap_or(u32::MAX),
            pool_timeout: self.storage.pool_timeout,
            query_timeout: self.storage.query_timeout,
            retention: Retention {
                requests: self.storage.retention,
                clusters: self.storage.cluster_retention,
            },
            processed_cache: self.storage.processed_cache,
            refuse_after: self.ingest.refuse_after,
        }
    }

    /// What the consumer needs to know; nothing if there is to be none.
    pub fn kafka_settings(&self) -> Option<kafka::KafkaSettings> {
        let Kafka { security, .. } = &self.ingest.kafka;
        let kafka = self.ingest.kafka.clone();
        kafka.enabled.then(|| kafka::KafkaSettings {
            brokers: kafka.brokers,
            group: kafka.group,
            client_id: kafka.client_id,
            results_topic: kafka.results_topic,
            announcements_topic: kafka.announcements_topic,
            dead_letter_topic: kafka.dead_letter_topic,
            payload_tracker_topic: kafka.payload_tracker_topic,
            service_name: kafka.service_name,
            start: kafka.start,
            security: kafka::Security {
                protocol: security.protocol,
                ca_file: security.ca_file.clone(),
                cert_file: security.cert_file.clone(),
                key_file: security.key_file.clone(),
                mechanism: security.mechanism,
                username: security.username.clone(),
                password: security.password(),
            },
            properties: kafka.properties,
        })
    }

    /// How reports are made.
    pub const fn report_policy(&self) -> ReportPolicy {
        ReportPolicy {
            unknown_content: self.report.unknown_content,
            max_entries: self.report.max_entries,
            max_description: self.report.max_description,
        }
    }

    /// What the filter of reports needs to know; nothing if there is to be none.
    pub fn filter_settings(&self) -> Option<aggregator::Settings> {
        let ReportFilter { aggregator, timeout, fresh_for, stale_for } = self.report.filter.clone();
        aggregator.map(|url| aggregator::Settings { url, timeout, fresh_for, stale_for })
    }

    /// Where traces go; nothing if nothing is traced.
    pub fn telemetry_settings(&self) -> Option<TelemetrySettings> {
        let endpoint = self.telemetry.otlp_endpoint.clone()?;
        Some(TelemetrySettings { endpoint, version: env!("CARGO_PKG_VERSION") })
    }

    fn workers(&self) -> usize {
        match self.http.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        }
    }
}

impl Tls {
    /// What a listener needs to know; nothing if it is to speak plain HTTP.
    pub fn settings(&self) -> Option<TlsSettings> {
        let (cert, key) = self.cert.clone().zip(self.key.clone())?;
        let client_ca = self.client_ca.clone();
        Some(TlsSettings { cert, key, client_ca, admits_without_certificate: false })
    }
}

impl From<Keys> for auth::KeySettings {
    fn from(keys: Keys) -> Self {
        let Keys { hmac_secret_file, public_key_files, jwks_file, jwks_url, discovery, ca_file } = keys;
        Self { hmac_secret_file, public_key_files, jwks_file, jwks_url, discovery, ca_file }
    }
}
