//! What each crate is told of the configuration.

use gathering_auth as auth;
use gathering_domain::{ReportPolicy, Retention};
use gathering_ingest::kafka;
use gathering_storage as storage;

use super::{AuthMode, Config, Kafka};

impl Config {
    /// What the API needs to know.
    pub fn http_settings(&self) -> gathering_http::Settings {
        gathering_http::Settings {
            bind: self.http.bind,
            base_paths: self.http.base_paths.clone(),
            workers: self.workers(),
            max_body: self.http.max_body,
            ingest: self.ingest.http.enabled.then_some(gathering_http::IngestSettings {
                max_body: self.ingest.http.max_body,
                max_in_flight: self.ingest.http.max_in_flight,
            }),
            max_request_ids: self.http.max_request_ids,
            pending_status: self.http.pending_status,
            shutdown_grace: self.http.shutdown_grace,
            cors_origins: self.http.cors_origins.clone(),
        }
    }

    /// What authentication needs to know.
    pub fn auth_settings(&self) -> auth::Settings {
        auth::Settings {
            mode: match self.auth.mode {
                AuthMode::Jwt => auth::Mode::Jwt,
                AuthMode::Disabled => auth::Mode::Disabled { organization: self.auth.disabled_org },
            },
            issuer: self.auth.issuer.clone(),
            audience: self.auth.audience.clone(),
            leeway: self.auth.leeway,
            hmac_secret_file: self.auth.keys.hmac_secret_file.clone(),
            public_key_files: self.auth.keys.public_key_files.clone(),
        }
    }

    /// What storage needs to know.
    pub fn storage_settings(&self) -> storage::Settings {
        storage::Settings {
            url: self.storage.url.clone(),
            pool_size: self.storage.pool_size,
            readers: u32::try_from(self.workers()).unwrap_or(u32::MAX),
            pool_timeout: self.storage.pool_timeout,
            query_timeout: self.storage.query_timeout,
            retention: Retention {
                requests: self.storage.retention,
                clusters: self.storage.cluster_retention,
            },
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
                password_file: security.password_file.clone(),
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

    fn workers(&self) -> usize {
        match self.http.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        }
    }
}
