//! Keys and values that are refused, and with which sentence.

use super::*;

#[test]
fn unknown_keys_are_named_with_their_origin() {
    for key in [
        "http.bnd",
        "nosuch.key",
        "auth.keys.jwks",
        "auth.claims.org",
        "auth.scopes.admin",
        "http.tls.ca",
        "storage.standby",
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
        ("storage.url=mysql://u:secret@h/d", "storage.url", "\"mysql://***\"", "a database URL is"),
        ("storage.pooler=session", "storage.pooler", "\"session\"", "\"none\" or \"transaction\""),
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
fn a_standby_and_a_pooler_are_of_postgres() {
    let (url, reads) = ("storage.url=postgres://a,b/d", "storage.read_url=postgres://u:secret@c/d");
    assert!(load(&[url, reads, "storage.pooler=transaction"]).is_ok());
    assert!(load(&["storage.url=postgres://a,b/d?target_session_attrs=any"]).is_ok());
    for (assignments, key, part) in [
        (&[reads][..], "storage.read_url", "SQLite has no standby"),
        (&[url, "storage.read_url=sqlite://x.db"], "storage.read_url", "a standby on PostgreSQL"),
        (&[url, "storage.read_url=mysql://u:secret@c/d"], "storage.read_url", "a database URL is"),
        (
            &[url, "storage.read_url=postgres://c/d?target_session_attrs=read-write"],
            "storage.read_url",
            "a standby takes none",
        ),
        (
            &["storage.url=postgres://a/d?target_session_attrs=prefer-standby"],
            "storage.url",
            "storage.read_url",
        ),
        (&["storage.pooler=transaction"], "storage.pooler", "on PostgreSQL only"),
    ] {
        let error = load(assignments).unwrap_err();
        let named = error.starts_with(&format!("the setting {key} = "));
        assert!(named && error.contains(part) && !error.contains("secret"), "{error}");
    }
}
