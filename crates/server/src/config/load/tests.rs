//! What is accepted, what is refused, and with which sentence.

use std::io::Write;
use std::time::Duration;

use gathering_domain::report::ReportPolicy;
use gathering_domain::time::Retention;
use gathering_http::PendingStatus;

use super::*;
use crate::config::{AuthMode, Kafka};

fn load(assignments: &[&str]) -> Result<Config, String> {
    let assignments = assignments.iter().map(|&text| text.to_owned()).collect();
    Config::load(&Sources { assignments, ..Sources::default() }).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_what_the_documents_say() {
    let config = load(&[]).unwrap();
    assert_eq!(config.http.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.base_paths.len(), 3);
    assert_eq!((config.http.max_body, config.http.max_request_ids), (1 << 20, 1000));
    assert_eq!((config.http.max_in_flight, config.ingest.http.max_in_flight), (16 << 20, 64 << 20));
    assert_eq!(config.http.max_list, 10_000);
    assert_eq!(config.http.pending_status, PendingStatus::Auto);
    assert_eq!(config.admin.bind.to_string(), "127.0.0.1:9090");
    assert_eq!((config.auth.mode, config.auth.disabled_org.get()), (AuthMode::Jwt, 1));
    assert_eq!(config.auth.max_token, 16 * 1024);
    assert_eq!(config.storage.url.to_string(), "sqlite://data/gathering.db");
    assert_eq!(config.storage_settings().retention, Retention::default());
    assert_eq!(config.report_policy(), ReportPolicy::default());
}

#[test]
fn names_of_properties_have_dots_and_later_layers_win_all_the_same() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(
        b"[ingest.kafka.properties]\n\"fetch.min.bytes\" = 1\nfetch.wait.max.ms = 5\n\"enable.metrics.push\" = false",
    )
    .unwrap();
    let config = Config::load(&Sources {
        file: Some(file.path().to_owned()),
        environment: vec![(
            "GATHERING__INGEST__KAFKA__PROPERTIES__FETCH__MAX__BYTES".to_owned(),
            "100".to_owned(),
        )],
        assignments: vec!["ingest.kafka.properties.fetch.min.bytes=2".to_owned()],
        ..Sources::default()
    })
    .unwrap();
    let properties: Vec<_> = config.ingest.kafka.properties.into_iter().collect();
    let expected = [
        ("enable.metrics.push", "false"),
        ("fetch.max.bytes", "100"),
        ("fetch.min.bytes", "2"),
        ("fetch.wait.max.ms", "5"),
    ];
    assert_eq!(properties, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[test]
fn every_layer_goes_over_the_one_before() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"[storage]\npool_size = 2\nretention = \"2h\"\nquery_timeout = \"2s\"").unwrap();
    let config = Config::load(&Sources {
        file: Some(file.path().to_owned()),
        environment: vec![
            ("GATHERING__STORAGE__RETENTION".to_owned(), "3h".to_owned()),
            ("GATHERING__STORAGE__URL".to_owned(), "sqlite://production.db".to_owned()),
        ],
        demo: Some("[storage]\nurl = \"sqlite://demo.db\"".to_owned()),
        assignments: vec!["storage.query_timeout=4s".to_owned()],
        for_tokens: false,
    })
    .unwrap();
    let storage = config.storage_settings();
    assert_eq!((storage.pool_size, storage.url.to_string().as_str()), (2, "sqlite://demo.db"));
    assert_eq!(storage.retention.requests, Duration::from_secs(3 * 3600));
    assert_eq!(storage.query_timeout, Duration::from_secs(4));
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Config, String> {
    let environment = variables.iter().map(|&(name, value)| (format!("GATHERING__{name}"), value.to_owned()));
    let sources = Sources { environment: environment.collect(), ..Sources::default() };
    Config::load(&sources).map_err(|error| error.to_string())
}

#[test]
fn a_variable_for_a_text_is_that_text_whatever_it_looks_like() {
    for text in [
        "12345",
        "1e3",
        "0x10",
        "-1",
        "+5",
        "1_000",
        "1.50",
        "true",
        "inf",
        "nan",
        "1979-05-27",
        "07:32:00",
        "1979-05-27T07:32:00Z",
        "[]",
        "[1, 2]",
        "[\"a\"]",
        "{}",
        "{a = 1}",
        " 12345",
        "007",
        "12345 # ok",
        "a=b",
    ] {
        let config = from_variables(&[
            ("INGEST__KAFKA__SECURITY__USERNAME", text),
            ("INGEST__KAFKA__GROUP", text),
            ("AUTH__AUDIENCE", text),
            ("AUTH__KEYS__JWKS_FILE", text),
            ("INGEST__KAFKA__PROPERTIES__SSL__KEY__PASSWORD", text),
        ])
        .unwrap();
        let Kafka { security, group, properties, .. } = config.ingest.kafka;
        assert_eq!(security.username.as_deref(), Some(text));
        assert_eq!((group.as_str(), config.auth.audience.as_deref()), (text, Some(text)));
        assert_eq!(config.auth.keys.jwks_file, Some(text.into()));
        assert_eq!(properties.get("ssl.key.password").map(String::as_str), Some(text));
    }
    // Quotes around a text are those of TOML.
    let config = from_variables(&[("AUTH__ISSUER", "\"12345\"")]).unwrap();
    assert_eq!(config.auth.issuer.as_deref(), Some("12345"));
}

#[test]
fn a_variable_for_something_else_is_toml() {
    let config = from_variables(&[
        ("HTTP__WORKERS", "7"),
        ("HTTP__MAX_BODY", "64 KiB"),
        ("STORAGE__PROCESSED_CACHE", "1048576"),
        ("STORAGE__MIGRATE_ON_START", "false"),
        ("AUTH__KEYS__PUBLIC_KEY_FILES", "[\"1.pem\", \"2.pem\"]"),
        ("AUTH__KEYS", "{jwks_file = \"3\"}"),
        ("AUTH__LEEWAY", "5s"),
    ])
    .unwrap();
    assert_eq!((config.http.workers, config.http.max_body), (7, 64 << 10));
    assert_eq!((config.storage.processed_cache, config.storage.migrate_on_start), (1 << 20, false));
    let keys = config.auth.keys;
    assert_eq!((keys.public_key_files.len(), keys.jwks_file), (2, Some("3".into())));
    for (name, value, sentence) in [
        (
            "HTTP__WORKERS",
            "9999",
            "the setting http.workers = 9999 (from the variable GATHERING__HTTP__WORKERS)",
        ),
        ("AUTH__LEEWAY", "5", "the setting auth.leeway = 5 (from"),
        ("HTTP__MAX_BODY", "true", "the setting http.max_body = true (from"),
        ("STORAGE__MIGRATE_ON_START", "1", "the setting storage.migrate_on_start = 1 (from"),
        ("AUTH__KEYS__PUBLIC_KEY_FILES", "1", "the setting auth.keys.public_key_files = 1 (from"),
        ("AUTH__ALGORITHMS", "[1]", "the setting auth.algorithms = [1] (from"),
        ("HTTP__BIND", "8080", "the setting http.bind = 8080 (from"),
    ] {
        let error = from_variables(&[("INGEST__KAFKA__GROUP", "1"), (name, value)]).unwrap_err();
        assert!(error.starts_with(sentence), "{error}");
    }
}

#[test]
fn the_command_line_is_toml_and_properties_are_as_they_are_written() {
    let config = load(&["auth.issuer=\"12345\"", "ingest.kafka.properties.ssl.key.password=1e10"]).unwrap();
    assert_eq!(config.auth.issuer.as_deref(), Some("12345"));
    assert_eq!(config.ingest.kafka.properties["ssl.key.password"], "1e10");
}

#[test]
fn unknown_keys_are_named_with_their_origin() {
    for key in [
        "http.bnd",
        "nosuch.key",
        "auth.keys.jwks",
        "auth.claims.org",
        "auth.scopes.admin",
        "http.tls.ca",
        "storage.read_url",
    ] {
        let all = "config/default.toml lists all of them";
        assert_eq!(
            load(&[&format!("{key}=1")]).unwrap_err(),
            format!("there is no setting {} (from --set); {all}", key.replace("nosuch.key", "nosuch")),
        );
    }
}

#[test]
fn bad_values_are_named_with_their_key_and_origin() {
    for (assignment, key, value, part) in [
        ("http.bind=localhost", "http.bind", "\"localhost\"", "an IP address and a port"),
        ("http.workers=many", "http.workers", "\"many\"", "a whole number from 0 to 1024"),
        ("http.workers=-1", "http.workers", "-1", "a whole number from 0"),
        ("http.workers=9999", "http.workers", "9999", "from 0 to 1024"),
        ("http.base_paths=[]", "http.base_paths", "[]", "at least one base path"),
        ("http.base_paths=[\"api\"]", "http.base_paths", "[\"api\"]", "a base path starts with /"),
        ("http.pending_status=202", "http.pending_status", "202", "\"auto\", 200 or 404"),
        ("http.max_body=big", "http.max_body", "\"big\"", "a size such as"),
        ("http.cors_origins=[\"*\"]", "http.cors_origins", "[\"*\"]", "an origin is"),
        ("http.shutdown_grace=30", "http.shutdown_grace", "30", "a duration such as"),
        (
            "auth.mode=none",
            "auth.mode",
            "\"none\"",
            "`jwt`, `identity-header`, `client-certificate`, `disabled`",
        ),
        ("auth.disabled_org=0", "auth.disabled_org", "0", "a whole number from 1"),
        ("storage.url=mysql://u:secret@h/d", "storage.url", "\"mysql://u:***@h/d\"", "a database URL is"),
        ("storage.pool_size=0", "storage.pool_size", "0", "from 1 to 1000"),
        ("storage.retention=0s", "storage.retention", "\"0s\"", "longer than 0s"),
        ("storage.migrate_on_start=1", "storage.migrate_on_start", "1", "a boolean"),
        ("report.unknown_content=show", "report.unknown_content", "\"show\"", "\"omit\" or \"include\""),
        ("log.format=xml", "log.format", "\"xml\"", "`text` or `json`"),
        ("log.filter=a=b=c", "log.filter", "\"a=b=c\"", "target=level pairs"),
        ("log.filter=inof", "log.filter", "\"inof\"", "off, error, warn"),
        ("admin.bind=127.0.0.1:8080", "admin.bind", "\"127.0.0.1:8080\"", "another address"),
        ("auth.keys.public_key_files=a", "auth.keys.public_key_files", "\"a\"", "expected a list"),
        ("auth.issuer=1", "auth.issuer", "1", "expected a text in quotes"),
        ("auth.algorithms=[\"none\"]", "auth.algorithms", "[\"none\"]", "one of HS256"),
        ("auth.algorithms=RS256", "auth.algorithms", "\"RS256\"", "expected a list"),
        (
            "auth.keys.jwks_url=http://sso/keys",
            "auth.keys.jwks_url",
            "\"http://sso/keys\"",
            "a URL with https",
        ),
        ("auth.trusted_proxies=[\"gateway\"]", "auth.trusted_proxies", "[\"gateway\"]", "a network such as"),
        ("auth.rate_limit.per_identity=-1", "auth.rate_limit.per_identity", "-1", "from 0 to 1000000"),
        ("auth.leeway=60d", "auth.leeway", "\"60d\"", "at most 10m"),
        ("auth.issuer=", "auth.issuer", "\"\"", "must not be empty"),
        ("auth.audience=", "auth.audience", "\"\"", "must not be empty"),
        ("auth.issuers=[{issuer=\"\"}]", "auth.issuers[0].issuer", "\"\"", "must not be empty"),
        (
            "auth.trusted_proxies=[\"10.0.0.1/8\"]",
            "auth.trusted_proxies",
            "[\"10.0.0.1/8\"]",
            "a network such as",
        ),
        (
            "auth.trusted_proxies=[\"::ffff:10.0.0.0/104\"]",
            "auth.trusted_proxies",
            "[\"::ffff:10.0.0.0/104\"]",
            "a network such as",
        ),
        (
            "auth.trusted_proxies=[\"10.0.0.0/8\"]",
            "auth.trusted_proxies",
            "[\"10.0.0.0/8\"]",
            "identity-header",
        ),
        ("auth.gateway_secret_file=x", "auth.gateway_secret_file", "\"x\"", "identity-header"),
        ("auth.keys.ca_file=x", "auth.keys.ca_file", "\"x\"", "with jwks_url or discovery only"),
        ("auth.max_token=0", "auth.max_token", "0", "from 1 KiB to 64 KiB"),
        ("auth.max_token=1MiB", "auth.max_token", "\"1MiB\"", "from 1 KiB to 64 KiB"),
        ("auth.token_cache=much", "auth.token_cache", "\"much\"", "a size such as"),
        (
            "auth.issuers=[{issuer=\"a\",keys={jwks_url=\"x\"}}]",
            "auth.issuers[0].keys.jwks_url",
            "\"x\"",
            "a URL with https",
        ),
        (
            "auth.issuers=[{issuer=\"a\"},{issuer=\"a\"}]",
            "auth.issuers[1].issuer",
            "\"a\"",
            "another entry of auth.issuers",
        ),
        ("http.tls.cert=a.crt", "http.tls.key", "(nothing)", "beside the certificate"),
        ("admin.tls.key=a.key", "admin.tls.cert", "(nothing)", "beside the key"),
        ("http.tls.client_ca=a.crt", "http.tls.client_ca", "\"a.crt\"", "with cert and key only"),
        ("storage.query_timeout=25h", "storage.query_timeout", "\"25h\"", "at most 24h"),
        (
            "storage.url=[\"postgres://u:secret@h/d\"]",
            "storage.url",
            "[\"postgres://u:***@h/d\"]",
            "expected",
        ),
        (
            "storage.url={x=\"postgres://u:secret@h/d\"}",
            "storage.url",
            "{ x = \"postgres://u:***@h/d\" }",
            "expected",
        ),
    ] {
        check_refusal(assignment, key, value, part);
    }
}

fn check_refusal(assignment: &str, key: &str, value: &str, part: &str) {
    let error = load(&[assignment]).unwrap_err();
    let origin = if value == "(nothing)" { "the defaults" } else { "--set" };
    let start = format!("the setting {key} = {value} (from {origin}) is not usable: ");
    assert!(error.starts_with(&start) && error.contains(part), "{assignment}: {error}");
    assert!(!error.contains(":secret") && !error.contains("secret@") && !error.contains('\n'), "{error}");
}

#[test]
fn claims_and_words_that_nothing_could_be_are_refused() {
    for (assignment, key, value, part) in [
        ("auth.claims.organization=", "auth.claims.organization", "\"\"", "has to name a claim"),
        ("auth.claims.organization=/", "auth.claims.organization", "\"/\"", "no name may be empty"),
        ("auth.claims.cluster=/a/~2", "auth.claims.cluster", "\"/a/~2\"", "a / within a name as ~1"),
        ("auth.claims.scope=\"scope \"", "auth.claims.scope", "\"scope \"", "neither spaces around it"),
        ("auth.claims.scope=7", "auth.claims.scope", "7", "expected a text in quotes"),
        ("auth.scopes.read=read", "auth.scopes.read", "\"read\"", "expected a list"),
        ("auth.scopes.read=[\"\"]", "auth.scopes.read", "[\"\"]", "words without spaces"),
        (
            "auth.scopes.write=[\"a\",\"b c\"]",
            "auth.scopes.write",
            "[\"a\", \"b c\"]",
            "words without spaces",
        ),
        ("auth.scopes.write_any=[7]", "auth.scopes.write_any", "[7]", "words without spaces"),
        ("auth.scopes.absent=write", "auth.scopes.absent", "\"write\"", "\"read\" or \"nothing\""),
        ("auth.default_organization=-1", "auth.default_organization", "-1", "from 0 to 4294967295"),
        ("auth.default_organization=42.0", "auth.default_organization", "42.0", "from 0 to 4294967295"),
        (
            "auth.default_organization=4294967296",
            "auth.default_organization",
            "4294967296",
            "from 0 to 4294967295",
        ),
        ("auth.gateway_binding=0", "auth.gateway_binding", "0", "a boolean"),
        (
            "auth.issuers=[{issuer=\"a\",claims={cluster=\"/\"}}]",
            "auth.issuers[0].claims.cluster",
            "\"/\"",
            "no name may be empty",
        ),
    ] {
        check_refusal(assignment, key, value, part);
    }
}

#[test]
fn bad_values_of_certificates_and_service_accounts() {
    for (assignment, key, value, part) in [
        ("auth.certificate.organization=0", "auth.certificate.organization", "0", "from 1"),
        ("auth.certificate.cluster=cn", "auth.certificate.cluster", "\"cn\"", "\"none\" or \"common-name\""),
        (
            "auth.certificate.cluster=common-name",
            "auth.certificate.cluster",
            "\"common-name\"",
            "client-certificate",
        ),
        ("auth.certificate.writers=[\"a\"]", "auth.certificate.writers", "[\"a\"]", "client-certificate"),
        ("auth.certificate.writers=[\"\"]", "auth.certificate.writers", "[\"\"]", "1 to 256 bytes"),
        ("auth.certificate.writers=[\"a \"]", "auth.certificate.writers", "[\"a \"]", "without blanks"),
        (
            "auth.certificate.writers=[\"a\\u0000b\"]",
            "auth.certificate.writers",
            "[\"a\\u0000b\"]",
            "control characters",
        ),
        ("auth.rbac.enforce=true", "auth.rbac.enforce", "true", "needs auth.rbac.url"),
        ("auth.rbac.enforce=yes", "auth.rbac.enforce", "\"yes\"", "a boolean"),
        ("auth.rbac.url=rbac", "auth.rbac.url", "\"rbac\"", "identity-header"),
        ("auth.rbac.url=http://rbac", "auth.rbac.url", "\"http://rbac\"", "a URL with https"),
        ("auth.rbac.url=u:secret@rbac", "auth.rbac.url", "\"***@rbac\"", "without a password"),
        ("auth.rbac.url=", "auth.rbac.url", "\"\"", "a URL with https"),
    ] {
        check_refusal(assignment, key, value, part);
    }
}

#[test]
fn bad_values_of_the_filter_are_named_too() {
    for (assignment, key, value, part) in [
        ("report.filter.aggregator=", "report.filter.aggregator", "\"\"", "a URL with http or https"),
        (
            "report.filter.aggregator=http://u:secret@h/",
            "report.filter.aggregator",
            "\"http://u:***@h/\"",
            "without user, password, query and fragment",
        ),
        (
            "report.filter.aggregator=http://h/?q",
            "report.filter.aggregator",
            "\"http://h/?q\"",
            "such as http://",
        ),
        ("report.filter.timeout=0s", "report.filter.timeout", "\"0s\"", "longer than 0s"),
        ("report.filter.timeout=31s", "report.filter.timeout", "\"31s\"", "at most 30s"),
        (
            "report.filter.fresh_for=61m",
            "report.filter.fresh_for",
            "\"61m\"",
            "at most report.filter.stale_for",
        ),
        ("report.filter.stale_for=soon", "report.filter.stale_for", "\"soon\"", "a duration such as"),
    ] {
        check_refusal(assignment, key, value, part);
    }
}

/// One sentence names the key, its value and where it came from, and has this part.

#[test]
fn several_issuers_have_keys_of_their_own() {
    let issuers =
        "auth.issuers=[{issuer=\"a\",keys={hmac_secret_file=\"x\"}},{issuer=\"b\",algorithms=[\"RS256\"]}]";
    let config = load(&[issuers]).unwrap();
    let names: Vec<_> = config.issuers().into_iter().map(|issuer| issuer.issuer.unwrap()).collect();
    assert_eq!(names, ["a", "b"]);
    for alone in [
        "auth.issuer=c",
        "auth.audience=c",
        "auth.algorithms=[\"RS256\"]",
        "auth.keys.hmac_secret_file=y",
        "auth.keys.discovery=true",
    ] {
        let error = load(&[issuers, alone]).unwrap_err();
        let key = alone.split('=').next().unwrap();
        assert!(error.starts_with(&format!("the setting {key} = ")), "{error}");
        assert!(
            error.ends_with("each issuer has this key of its own, and it must not be set here"),
            "{error}"
        );
    }
    let error = load(&["auth.keys.discovery=true", "auth.keys.jwks_url=https://sso/keys"]).unwrap_err();
    assert!(error.contains("jwks_url says where the keys are already"), "{error}");
    let error = load(&["auth.issuers=[{issuer=\"a\",key={}}]"]).unwrap_err();
    assert!(error.starts_with("there is no setting auth.issuers[0].key (from --set)"), "{error}");
}

#[test]
fn what_an_issuer_leaves_out_of_its_claims_is_as_it_is_for_all() {
    let config = load(&[
        "auth.claims.organization=/organization/id",
        "auth.default_organization=7",
        "auth.scopes.read=[\"view\"]",
        "auth.scopes.absent=nothing",
        "auth.issuers=[{issuer=\"a\"},{issuer=\"b\",claims={organization=\"org\"},default_organization=0,scopes={read=[]}},\
         {issuer=\"c\",claims={scope=\"scp\"},default_organization=8,scopes={absent=\"read\"}}]",
    ])
    .unwrap();
    let mappings: Vec<_> = config.issuers().into_iter().map(|issuer| issuer.mapping).collect();
    let shown = |mapping: &gathering_auth::ClaimMapping| {
        let gathering_auth::ClaimMapping { organization, cluster, scope, default_organization, scopes } =
            mapping;
        format!(
            "{organization} {cluster} {scope} {:?} {:?} {:?} {:?}",
            default_organization.map(gathering_domain::ids::OrganizationId::get),
            scopes.read,
            scopes.write,
            scopes.absent
        )
    };
    let shown: Vec<_> = mappings.iter().map(shown).collect();
    assert_eq!(
        shown,
        [
            r#"/organization/id cluster_id scope Some(7) ["view"] ["write"] Nothing"#,
            r#"org cluster_id scope None [] ["write"] Nothing"#,
            r#"/organization/id cluster_id scp Some(8) ["view"] ["write"] Read"#,
        ]
    );
    // Without issuers, the one of `auth` has them. The defaults are what is minted.
    let [default] = &load(&[]).unwrap().issuers()[..] else { panic!("one issuer") };
    assert_eq!(default.mapping, gathering_auth::ClaimMapping::default());
    let variables = [("AUTH__CLAIMS__ORGANIZATION", "12345"), ("AUTH__DEFAULT_ORGANIZATION", "9")];
    let [own] = &from_variables(&variables).unwrap().issuers()[..] else { panic!("one issuer") };
    assert_eq!(
        (own.mapping.organization.to_string().as_str(), own.mapping.default_organization.unwrap().get()),
        ("12345", 9)
    );
}

#[test]
fn a_value_in_place_of_a_section_is_refused() {
    let sources =
        Sources { environment: vec![("GATHERING__HTTP".to_owned(), "1".to_owned())], ..Sources::default() };
    let error = Config::load(&sources).unwrap_err().to_string();
    assert!(
        error.starts_with("the setting http = 1 (from the variable GATHERING__HTTP) is not usable"),
        "{error}"
    );
}

#[test]
fn files_say_what_is_wrong_with_them() {
    let with_file = |content: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
        (Config::load(&sources).unwrap_err().to_string(), file.path().display().to_string())
    };
    let (error, path) = with_file("[http]\nbind = \n");
    assert!(error.starts_with(&format!("the file {path} is not TOML, see line 2 (")), "{error}");
    let (error, path) = with_file("[http]\nbnd = 1\n");
    assert!(error.starts_with(&format!("there is no setting http.bnd (from the file {path})")), "{error}");
    let missing = Sources { file: Some("/no/such/file.toml".into()), ..Sources::default() };
    let error = Config::load(&missing).unwrap_err().to_string();
    assert!(error.starts_with("the configuration file /no/such/file.toml cannot be read"), "{error}");
}

#[test]
fn client_certificates_need_an_authority_and_an_organization() {
    const UUID: &str = "5D5892D3-1f74-4ccf-91af-548dfc9767aa";
    let (writers, with_cluster) =
        ("auth.certificate.writers=[\"a\"]", format!("auth.certificate.writers=[\"a\",\"{UUID}\"]"));
    let mut settings = vec!["auth.mode=client-certificate", "auth.certificate.cluster=common-name", writers];
    for (missing, value) in [
        ("http.tls.cert", "http.tls.cert=a.crt"),
        ("http.tls.key", "http.tls.key=a.key"),
        ("http.tls.client_ca", "http.tls.client_ca=ca.crt"),
        ("auth.certificate.organization", "auth.certificate.organization=7"),
    ] {
        let error = load(&settings).unwrap_err();
        assert!(error.starts_with(&format!("the setting {missing} = (nothing)")), "{error}");
        settings.push(value);
    }
    let config = load(&settings).unwrap();
    assert!(config.api_tls().unwrap().admits_without_certificate);
    settings.push(&with_cluster);
    let error = load(&settings).unwrap_err();
    assert!(
        error.starts_with("the setting auth.certificate.writers = ") && error.contains("UUID"),
        "{error}"
    );
    settings.push("auth.certificate.cluster=none");
    assert!(load(&settings).is_ok(), "a writer may have any name where none is bound");
    // Elsewhere nobody connects without a certificate of the authority.
    settings.extend([writers, "auth.certificate.writers=[]", "auth.mode=identity-header"]);
    assert!(!load(&settings).unwrap().api_tls().unwrap().admits_without_certificate);
}

#[test]
fn mapped_scopes_that_may_be_absent_are_told_of() {
    let told = |settings: &[&str]| load(settings).unwrap().settings_for_strangers().join(" ");
    let all = "auth.scopes.absent";
    for mapped in [
        "auth.claims.scope=roles",
        "auth.scopes.read=[\"view\"]",
        "auth.scopes.write=[]",
        "auth.scopes.write_any=[]",
        "auth.issuers=[{issuer=\"a\"},{issuer=\"b\",claims={scope=\"scp\"}},{issuer=\"c\",scopes={read=[]}}]",
    ] {
        assert_eq!(told(&[mapped]), all, "{mapped}");
        assert_eq!(told(&[mapped, "auth.scopes.absent=read"]), all, "{mapped}");
        assert_eq!(told(&[mapped, "auth.scopes.absent=nothing"]), "", "{mapped}");
    }
    let issuers = "auth.issuers=[{issuer=\"a\",scopes={absent=\"nothing\"}},{issuer=\"b\",scopes={absent=\"read\"}},\
                   {issuer=\"c\",claims={scope=\"scp\"}}]";
    assert_eq!(told(&[issuers]), all);
    assert_eq!(
        told(&[issuers, "auth.scopes.read=[\"view\"]"]),
        "auth.issuers[1].scopes.absent auth.scopes.absent"
    );
    assert_eq!(
        told(&[issuers, "auth.claims.scope=roles", "auth.scopes.absent=nothing"]),
        "auth.issuers[1].scopes.absent"
    );
    // What this service mints itself, another place of something else, and modes without tokens.
    for own in ["auth.claims.scope=scope", "auth.claims.organization=org", "auth.mode=disabled"] {
        assert_eq!(told(&[own]), "", "{own}");
    }
}

#[test]
fn what_does_not_count_in_a_mode_is_refused_unless_it_is_as_by_default() {
    const OF_TOKENS: [(&str, &str); 8] = [
        ("auth.claims.organization=org", "auth.claims.organization=org_id"),
        ("auth.claims.cluster=/sub", "auth.claims.cluster=cluster_id"),
        ("auth.claims.scope=roles", "auth.claims.scope=scope"),
        ("auth.default_organization=7", "auth.default_organization=0"),
        ("auth.scopes.read=[]", "auth.scopes.read=[\"read\"]"),
        ("auth.scopes.write=[\"w\"]", "auth.scopes.write=[\"write\"]"),
        ("auth.scopes.write_any=[]", "auth.scopes.write_any=[\"write:any\"]"),
        ("auth.scopes.absent=nothing", "auth.scopes.absent=read"),
    ];
    const BINDING: (&str, &str) = ("auth.gateway_binding=false", "auth.gateway_binding=true");
    const CERTIFICATES: [&str; 4] = [
        "http.tls.cert=a.crt",
        "http.tls.key=a.key",
        "http.tls.client_ca=ca.crt",
        "auth.certificate.organization=7",
    ];
    for mode in ["jwt", "identity-header", "client-certificate", "disabled"] {
        let set_mode = format!("auth.mode={mode}");
        let load = |for_tokens, setting: &str| {
            let assignments = CERTIFICATES.into_iter().chain([set_mode.as_str(), setting]).map(str::to_owned);
            let sources = Sources { assignments: assignments.collect(), for_tokens, ..Sources::default() };
            Config::load(&sources).map_err(|error| error.to_string())
        };
        let settings = OF_TOKENS.map(|setting| (setting, "jwt"));
        for ((set, default), counts_in) in settings.into_iter().chain([(BINDING, "identity-header")]) {
            assert!(load(false, default).is_ok() && load(true, set).is_ok(), "{mode} {set}");
            match load(false, set) {
                Ok(_) => assert_eq!(mode, counts_in, "{set}"),
                Err(error) => {
                    let start = format!("the setting {} = ", set.split('=').next().unwrap());
                    let end = format!("it counts in auth.mode = \"{counts_in}\" only");
                    assert!(error.starts_with(&start) && error.ends_with(&end), "{mode}: {error}");
                    assert_ne!(mode, counts_in, "{error}");
                }
            }
        }
    }
}

#[test]
fn without_authentication_only_loopback() {
    assert!(load(&["auth.mode=disabled"]).is_ok());
    assert!(load(&["auth.mode=disabled", "http.bind=[::1]:80"]).is_ok());
    let error = load(&["auth.mode=disabled", "http.bind=0.0.0.0:8080"]).unwrap_err();
    assert!(error.starts_with("the setting auth.mode = \"disabled\" (from --set) is not usable"), "{error}");
}

#[test]
fn what_is_shown_has_no_secrets_and_can_be_read_back() {
    let config = load(&["storage.url=postgres://u:secret@h/d", "auth.issuer=me"]).unwrap();
    assert!(!config.shown.contains("secret@") && config.shown.contains("postgres://u:***@h/d"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.shown.as_bytes()).unwrap();
    let again = Config::load(&Sources { file: Some(file.path().to_owned()), ..Sources::default() }).unwrap();
    assert_eq!(again.auth.issuer.as_deref(), Some("me"));
}

#[test]
fn what_is_shown_of_variables_is_what_counts() {
    let variables =
        [("INGEST__KAFKA__GROUP", "12345"), ("AUTH__AUDIENCE", "[\"a\"]"), ("HTTP__WORKERS", "7")];
    let shown = from_variables(&variables).unwrap().shown;
    for line in ["group = \"12345\"", "audience = '[\"a\"]'", "workers = 7"] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in {shown}");
    }
    // What is refused is shown as it was given, and with what was expected in the words of TOML.
    for (name, value, expected) in [
        (
            "AUTH__DISABLED_ORG",
            "-1",
            "auth.disabled_org = -1 (from the variable GATHERING__AUTH__DISABLED_ORG)",
        ),
        ("AUTH__DISABLED_ORG", "me", "expected a whole number"),
        ("INGEST__KAFKA__DEAD_LETTER_TOPIC", "ccx.ocp.results", "another topic than those that are read"),
    ] {
        let error = from_variables(&[(name, value)]).unwrap_err();
        assert!(error.contains(expected) && !error.contains("u32"), "{error}");
    }
}

#[test]
fn a_password_in_the_wrong_place_is_hidden_too() {
    let from = |name: &str, value: &str| {
        let environment = vec![(name.to_owned(), value.to_owned())];
        Config::load(&Sources { environment, ..Sources::default() }).unwrap_err().to_string()
    };
    for error in [
        from("GATHERING__STORAGE", "postgres://u:secret@h/d"),
        from("GATHERING__STORAGE", "{url=\"mysql://u:secret@h/d\"}"),
        from("GATHERING__STORAGE__URL__X", "postgres://u:secret@h/d"),
        load(&["url=postgres://u:secret@h/d"]).unwrap_err(),
        load(&["storage.url=postgres"]).unwrap_err(),
    ] {
        assert!(!error.contains("secret"), "{error}");
    }
}
