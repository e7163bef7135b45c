//! Tokens with the right signature of providers that have claims of their own: what the mapping does not open stays closed.

use gathering_auth::Algorithm;
use gathering_auth::testing::token_of_parts;
use gathering_tests::{CLUSTER, OTHER_CLUSTER, TestDatabase, TestServer};
use serde_json::{Value, json};

use super::{Target, check_no_defect};
use crate::fixture::{Folder, RSA, claims as standard, record, status as path};

const CLAIMS: [&str; 5] = [
    "auth.claims.organization=/organization/id",
    "auth.claims.cluster=/organization/clusters/0",
    "auth.claims.scope=/access/roles",
    "auth.scopes.read=[\"gathering-read\"]",
    "auth.scopes.write=[\"gathering-write\"]",
];

/// Claims that are let in, with something else in `organization` and in `access`.
fn claims(organization: &Value, access: &Value) -> Value {
    let mut claims = Target::claims();
    claims.as_object_mut().unwrap().remove("org_id");
    claims["organization"] = organization.clone();
    claims["access"] = access.clone();
    claims
}

fn roles(roles: &Value) -> Value {
    claims(&json!({"id": 42}), &json!({"roles": roles}))
}

fn reader() -> Value {
    roles(&json!(["offline_access", "gathering-read"]))
}

fn status(target: &Target, claims: &Value) -> u16 {
    target.try_token(&target.signed(claims)).status
}

/// A token whose payload is this very text, behind the claims that are let in.
fn raw(inner: &str) -> String {
    let mut standard = Target::claims();
    standard.as_object_mut().unwrap().remove("org_id");
    let payload = format!("{},{inner}}}", standard.to_string().trim_end_matches('}'));
    token_of_parts(r#"{"alg":"RS256","kid":"r1"}"#, payload.as_bytes(), |text| {
        RSA[0].sign(Algorithm::RS256, text)
    })
}

#[test]
fn organizations_that_are_none() {
    for default in [&[][..], &["auth.default_organization=42"]] {
        let target = Target::with_settings(&[&CLAIMS[..], default].concat());
        let access = json!({"roles": ["gathering-read"]});
        for organization in [
            json!({"id": 0}),
            json!({"id": -42}),
            json!({"id": 42.0}),
            json!({"id": 42.5}),
            json!({"id": 4_294_967_338_u64}),
            json!({"id": 1e300}),
            json!({"id": ""}),
            json!({"id": "0"}),
            json!({"id": " 42"}),
            json!({"id": "+42"}),
            json!({"id": "42 OR 1=1"}),
            json!({"id": true}),
            json!({"id": [42]}),
            json!({"id": {"id": 42}}),
            json!({"id": null}),
            json!(null),
            json!(42),
            json!("42"),
            json!([42]),
            json!([{"id": 42}]),
            json!([]),
            json!(false),
            json!({}),
            json!({"ID": 42, "name": "42"}),
        ] {
            let token = target.signed(&claims(&organization, &access));
            target.refuses(&organization.to_string(), &token, "token's organization");
        }
        for twice in [
            r#""organization":{"id":42},"organization":{"id":42},"access":{"roles":["gathering-read"]}"#,
            r#""organization":{"id":43,"id":42},"access":{"roles":["gathering-read"]}"#,
            r#""organization":{"id":null,"\u0069d":42},"access":{"roles":["gathering-read"]}"#,
            r#""organization":{"id":42},"access":{"roles":[],"roles":["gathering-read"]}"#,
            r#""organization":{"id":42},"access":null,"access":{"roles":["gathering-read"]}"#,
            r#""organization":{"id":42,"clusters":[],"clusters":null},"access":{"roles":["gathering-read"]}"#,
        ] {
            target.refuses(twice, &raw(twice), "not a JSON Web Token");
        }
        // One that names none is of the default one, if there is one, and of no other.
        let mut nobody = claims(&json!({}), &access);
        nobody.as_object_mut().unwrap().remove("organization");
        nobody["org_id"] = json!(43);
        assert_eq!(status(&target, &nobody), if default.is_empty() { 401 } else { 200 });
        nobody["Organization"] = json!({"id": 43});
        target.refuses("another letter case", &target.signed(&nobody), "token's organization");
        let elsewhere = target.ask(CLUSTER, "theirs", authorization(&target, &reader()).as_bytes());
        assert_eq!((status(&target, &reader()), elsewhere.status), (200, 404));
        assert_eq!(status(&target, &claims(&json!({"id": "43"}), &access)), 404);
    }
}

fn authorization(target: &Target, claims: &Value) -> String {
    format!("Authorization: Bearer {}\r\n", target.signed(claims))
}

#[test]
fn bindings_that_are_none_bind_all_the_same() {
    let target = Target::with_settings(&CLAIMS);
    let bound = |clusters: Value| {
        claims(&json!({"id": 42, "clusters": clusters}), &json!({"roles": ["gathering-read"]}))
    };
    assert_eq!(status(&target, &bound(json!([CLUSTER]))), 200);
    assert_eq!(status(&target, &bound(json!([OTHER_CLUSTER, CLUSTER]))), 403);
    for clusters in
        [json!([]), json!([null]), json!([""]), json!(["*"]), json!([[CLUSTER]]), json!(CLUSTER), json!(7)]
    {
        let token = target.signed(&bound(clusters.clone()));
        target.refuses(&clusters.to_string(), &token, "token's cluster");
    }
    // The claim of another provider binds nobody here, and neither does it widen what is bound.
    let mut both = bound(json!([OTHER_CLUSTER]));
    both["cluster_id"] = json!(CLUSTER);
    assert_eq!(status(&target, &both), 403);
}

#[test]
fn words_that_grant_nothing() {
    let target = Target::with_settings(&[&CLAIMS[..], &["auth.scopes.absent=nothing"]].concat());
    assert_eq!(status(&target, &reader()), 200);
    let mut hidden = roles(&json!(["offline_access"]));
    hidden["scope"] = json!("gathering-read read write write:any");
    hidden["roles"] = json!(["gathering-read"]);
    hidden["access"]["other"] = json!(["gathering-read"]);
    let mut rows =
        vec![hidden, claims(&json!({"id": 42}), &json!({})), claims(&json!({"id": 42}), &json!(null))];
    for none in [
        json!([]),
        json!(null),
        json!(""),
        json!([""]),
        json!([null]),
        json!("read"),
        json!(["read", "write", "write:any"]),
        json!("Gathering-Read"),
        json!(["gathering-read "]),
        json!(["offline_access gathering-read"]),
        json!("offline_access\tgathering-read"),
        json!("offline_access,gathering-read"),
        json!("offline_access\u{a0}gathering-read"),
        json!("gathering-reader"),
        json!("gathering-write"),
    ] {
        rows.push(roles(&none));
    }
    for claims in rows {
        let answer = target.try_token(&target.signed(&claims));
        assert_eq!(
            (answer.status, answer.sentence().as_str()),
            (403, "Forbidden: the caller lacks the scope 'read'"),
            "{claims}"
        );
    }
    for improper in [
        json!({"gathering-read": true}),
        json!([["gathering-read"]]),
        json!(["gathering-read", {"name": "gathering-write"}]),
        json!(["gathering-read", 7]),
        json!(true),
        json!(1),
    ] {
        target.refuses(&improper.to_string(), &target.signed(&roles(&improper)), "token's scopes");
    }
    let access = json!(["gathering-read"]);
    target.refuses(
        "a list on the way",
        &target.signed(&claims(&json!({"id": 42}), &access)),
        "token's scopes",
    );
    let writes = |claims: &Value| {
        let call = target.server.post("/ingest/results", "{}").header("Content-Type", "application/json");
        call.bearer(&target.signed(claims)).send().status
    };
    assert_eq!(writes(&roles(&json!("x gathering-write"))), 200);
    assert_eq!(writes(&reader()), 403);
    assert_eq!(writes(&roles(&json!(["write", "gathering-write "]))), 403);
}

#[test]
fn what_is_deep_or_long_costs_little_and_opens_nothing() {
    let target = Target::with_settings(&[&CLAIMS[..], &["auth.max_token=64KiB"]].concat());
    let nested = |open: &str, close: &str| format!("{}7{}", open.repeat(6000), close.repeat(6000));
    let lists = nested("[", "]");
    let objects = "{\"id\":".repeat(3000) + "42" + &"}".repeat(3000);
    for (organization, roles, part) in [
        (lists.as_str(), "[]", "token's organization"),
        (&format!("{{\"id\":{lists}}}"), "[]", "token's organization"),
        (&objects, "[]", "token's organization"),
        ("{\"id\":42}", &lists, "token's scopes"),
        (&format!("{{\"id\":42,\"clusters\":{lists}}}"), "[]", "token's cluster"),
        ("{\"id\":42}", &format!("[{}7]", "\"x\",".repeat(10_000)), "token's scopes"),
    ] {
        let token = raw(&format!(r#""organization":{organization},"access":{{"roles":{roles}}}"#));
        target.refuses(part, &token, part);
    }
    // What nobody reads may be as deep as it likes.
    let many = format!("[{}\"gathering-read\"]", "\"x\",".repeat(2000));
    let token =
        raw(&format!(r#""x":{objects},"organization":{{"y":{lists},"id":42}},"access":{{"roles":{many}}}"#));
    assert_eq!(target.try_token(&token).status, 200);
    check_no_defect(&target);
}

#[test]
fn an_issuer_has_claims_of_its_own() {
    let folder = Folder::new();
    let keys = folder.key_set("jwks.json", &[RSA[0].jwk("r1")]);
    let issuers = [
        format!("{{issuer=\"a\",keys={{jwks_file=\"{keys}\"}}}}"),
        format!(
            "{{issuer=\"b\",keys={{jwks_file=\"{keys}\"}},claims={{organization=\"/tenant/id\"}},default_organization=0,\
             scopes={{read=[\"view\"],write=[],write_any=[],absent=\"nothing\"}}}}"
        ),
    ];
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set("auth.default_organization=42")
        .set("auth.claims.scope=roles")
        .set(&format!("auth.issuers=[{}]", issuers.join(",")))
        .start();
    record(&server);
    let ask = |claims: Value| {
        let mut all = standard();
        all.as_object_mut().unwrap().remove("org_id");
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let token = RSA[0].token_of(Algorithm::RS256, Some("r1"), &all);
        let call = || server.get(&path()).bearer(&token).send().status;
        let first = call();
        assert_eq!(call(), first, "a token that is remembered is what it was");
        first
    };
    for (claims, expected) in [
        (json!({"iss": "a"}), 200),
        (json!({"iss": "a", "org_id": 43}), 404),
        (json!({"iss": "a", "tenant": {"id": 43}}), 200),
        (json!({"iss": "a", "roles": ["view"]}), 403),
        (json!({"iss": "a", "roles": ["read"]}), 200),
        (json!({"iss": "b"}), 401),
        (json!({"iss": "b", "org_id": 42, "roles": ["view"]}), 401),
        (json!({"iss": "b", "tenant": {"id": 42}, "roles": ["view"]}), 200),
        (json!({"iss": "b", "tenant": {"id": 43}, "roles": ["view"], "org_id": 42}), 404),
        (json!({"iss": "b", "tenant": {"id": 42}, "roles": ["read"]}), 403),
        (json!({"iss": "b", "tenant": {"id": 42}, "scope": "view"}), 403),
        (json!({"tenant": {"id": 42}, "roles": ["view", "read"]}), 401),
    ] {
        assert_eq!(ask(claims.clone()), expected, "{claims}");
    }
}
