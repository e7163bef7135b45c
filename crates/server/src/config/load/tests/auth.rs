//! What the settings of authentication demand of each other.

use super::*;

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
