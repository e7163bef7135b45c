//! Claims where each provider has them, and what is wrong with them.

use gathering_domain::intake::WriteGrant;
use serde_json::{Value, json};

use super::*;
use crate::claim_mapping::{AbsentScope, ScopeWords};

const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
const OTHER: &str = "00000000-0000-0000-0000-000000000001";

fn identity_of(payload: &str, mapping: &ClaimMapping) -> Result<Identity, AuthRejection> {
    let claims: Claims = serde_json::from_str(payload).unwrap();
    MappedClaims::find(payload, mapping)?.identity(&claims)
}

fn identity(claims: &Value) -> Result<Identity, AuthRejection> {
    identity_of(&claims.to_string(), &ClaimMapping::default())
}

fn organization_of(claims: &Value, mapping: &ClaimMapping) -> Option<u32> {
    match identity_of(&claims.to_string(), mapping) {
        Ok(identity) => Some(identity.organization().get()),
        Err(rejection) => {
            assert_eq!(rejection, AuthRejection::TokenOrganization, "{claims}");
            None
        }
    }
}

fn with(name: &str, value: &Value) -> Value {
    let mut claims = json!({"org_id": 42});
    claims[name] = value.clone();
    claims
}

/// Whether it may read, write, and write for every organization.
fn may(identity: &Identity) -> (bool, bool, bool) {
    let write = identity.write().ok();
    let any = WriteGrant::new(None, None).given_to(identity.organization());
    (identity.read(CLUSTER.parse().unwrap()).is_ok(), write.is_some(), write == Some(any))
}

#[test]
fn organization_is_a_number_or_its_digits() {
    for value in [json!(42), json!("42"), json!("0042")] {
        assert_eq!(organization_of(&with("org_id", &value), &ClaimMapping::default()), Some(42));
    }
    for value in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(42.0),
        json!(4_294_967_296_u64),
        json!("0"),
        json!(""),
        json!("42 "),
        json!("4294967296"),
        json!(null),
        json!(true),
        json!([42]),
        json!({"42": 42}),
    ] {
        assert_eq!(organization_of(&with("org_id", &value), &ClaimMapping::default()), None, "{value}");
    }
    assert_eq!(organization_of(&json!({}), &ClaimMapping::default()), None);
    assert!(identity_of(r#"{"org_id":1e999}"#, &ClaimMapping::default()).is_err());
}

#[test]
fn scopes_default_to_read() {
    let may = |scope: &Value| may(&identity(&with("scope", scope)).unwrap());
    assert_eq!(may(&Value::Null), (true, false, false));
    assert_eq!(may(&json!("")), (false, false, false));
    assert_eq!(may(&json!([])), (false, false, false));
    assert_eq!(may(&json!("openid write")), (false, true, false));
    assert_eq!(may(&json!("read write:any")), (true, true, true));
    assert_eq!(may(&json!(["read", null, "write:any", "read"])), (true, true, true));
    for none in ["READ", "read,write", "read\twrite", "read\u{a0}write", "write:", "write:*", "admin"] {
        assert_eq!(may(&json!(none)), (false, false, false), "{none}");
        assert_eq!(may(&json!([none])), (false, false, false), "{none}");
    }
    assert_eq!(may(&json!(["read write", " read", ""])), (false, false, false), "elements are whole words");
    for wrong in
        [json!([["read"]]), json!([{"read": true}]), json!(["read", 7]), json!({"read": 1}), json!(true)]
    {
        assert_eq!(identity(&with("scope", &wrong)), Err(AuthRejection::TokenScope), "{wrong}");
    }
}

#[test]
fn null_is_absent_but_for_an_organization() {
    let claims = json!({"org_id": 42, "scope": null, "cluster_id": null});
    let caller = identity(&claims).unwrap();
    assert_eq!(Ok(&caller), identity(&json!({"org_id": 42})).as_ref());
    assert!(caller.read(CLUSTER.parse().unwrap()).is_ok() && caller.write().is_err());
}

#[test]
fn a_binding_that_cannot_be_read_is_not_ignored() {
    let bound = identity(&with("cluster_id", &json!(CLUSTER))).unwrap();
    assert!(bound.read(CLUSTER.parse().unwrap()).is_ok());
    assert!(bound.read(OTHER.parse().unwrap()).is_err());
    for value in [json!(""), json!("null"), json!("aaaa"), json!(1), json!([CLUSTER])] {
        assert_eq!(identity(&with("cluster_id", &value)), Err(AuthRejection::TokenCluster), "{value}");
    }
    let mapping = ClaimMapping { cluster: "/cluster/0/id".parse().unwrap(), ..ClaimMapping::default() };
    let within = |value: Value| identity_of(&with("cluster", &value).to_string(), &mapping);
    let bound = within(json!([{"id": CLUSTER}])).unwrap();
    assert!(bound.read(CLUSTER.parse().unwrap()).is_ok() && bound.read(OTHER.parse().unwrap()).is_err());
    for value in [
        json!([]),
        json!([null]),
        json!(CLUSTER),
        json!([CLUSTER]),
        json!([{"id": 7}]),
        json!([{"id": [CLUSTER]}]),
    ] {
        assert_eq!(within(value.clone()), Err(AuthRejection::TokenCluster), "{value}");
    }
    for unbound in [json!({}), json!(null), json!([{}]), json!([{"id": null}])] {
        assert!(within(unbound).unwrap().read(OTHER.parse().unwrap()).is_ok());
    }
}

#[test]
fn a_path_is_a_name_or_a_pointer() {
    let all = json!({
        "org_id": 1,
        "https://example.com/org_id": 2,
        "custom:org_id": "3",
        "organization": {"id": 4, "acme": {"org_id": ["5", "6"]}},
        "kubernetes.io": {"namespace": "7"},
        "/odd": 8,
        "organization/id": 9,
        "organization.id": 10
    });
    for (path, expected) in [
        ("org_id", Some(1)),
        ("/org_id", Some(1)),
        ("https://example.com/org_id", Some(2)),
        ("/https:~1~1example.com~1org_id", Some(2)),
        ("custom:org_id", Some(3)),
        ("/organization/id", Some(4)),
        ("/organization/acme/org_id/0", Some(5)),
        ("/organization/acme/org_id/1", Some(6)),
        ("/kubernetes.io/namespace", Some(7)),
        ("/~1odd", Some(8)),
        ("organization/id", Some(9)),
        ("organization.id", Some(10)),
        ("ORG_ID", None),
        ("/organization", None),
        ("/organization/acme/org_id", None),
        ("/organization/acme/org_id/2", None),
        ("/organization/acme/org_id/-", None),
        ("/organization/acme/org_id/00", None),
        ("/organization/id/0", None),
        ("/org_id/0", None),
        ("/nothing/there", None),
    ] {
        let mapping = ClaimMapping { organization: path.parse().unwrap(), ..ClaimMapping::default() };
        assert_eq!(organization_of(&all, &mapping), expected, "{path}");
    }
}

#[test]
fn what_comes_twice_on_the_way_is_not_guessed() {
    let mapping = ClaimMapping {
        organization: "/organization/id".parse().unwrap(),
        cluster: "/organization/cluster".parse().unwrap(),
        scope: "/access/roles".parse().unwrap(),
        ..ClaimMapping::default()
    };
    for payload in [
        r#"{"organization":{"id":42},"organization":{"id":42}}"#,
        r#"{"organization":null,"organization":{"id":42}}"#,
        r#"{"organization":{"id":42},"organization":{}}"#,
        r#"{"organization":{"id":42,"id":43}}"#,
        r#"{"organization":{"id":null,"id":42}}"#,
        r#"{"organization":{"id":42,"\u0069d":43}}"#,
        r#"{"organization":{"id":42,"cluster":null,"cluster":null}}"#,
        r#"{"organization":{"id":42},"access":{"roles":["read"],"roles":["write"]}}"#,
        r#"{"organization":{"id":42},"access":{},"access":{"roles":["write"]}}"#,
    ] {
        assert_eq!(identity_of(payload, &mapping), Err(AuthRejection::Malformed), "{payload}");
    }
    let elsewhere =
        r#"{"organization":{"id":42,"name":1,"name":2},"access":{"roles":["read"],"x":1,"x":2},"y":1,"y":2}"#;
    assert!(identity_of(elsewhere, &mapping).is_ok());
    // What does not count may come as it likes, however deep it is.
    let deep = format!(r#"{{"organization":{{"id":42,"x":{}7{}}}}}"#, "[".repeat(9000), "]".repeat(9000));
    assert!(identity_of(&deep, &mapping).is_ok());
    let deep = format!(r#"{{"organization":{{"id":{}7{}}}}}"#, "[".repeat(9000), "]".repeat(9000));
    assert_eq!(identity_of(&deep, &mapping), Err(AuthRejection::TokenOrganization));
}

#[test]
fn the_default_organization_is_not_for_tokens_that_name_one_in_another_letter_case() {
    for path in ["org_id", "/org_id/id"] {
        let mapping = ClaimMapping {
            organization: path.parse().unwrap(),
            default_organization: Some("7".parse().unwrap()),
            ..ClaimMapping::default()
        };
        for claims in
            [json!({}), json!({"org-id": 42}), json!({"x": {"ORG_ID": 42}}), json!({"SCOPE": "read"})]
        {
            assert_eq!(organization_of(&claims, &mapping), Some(7), "{claims}");
        }
        for claims in [
            json!({"ORG_ID": 42}),
            json!({"Org_Id": null}),
            json!({"org_\u{131}d": 42}),
            json!({"org_ID": {}}),
        ] {
            assert_eq!(organization_of(&claims, &mapping), None, "{claims}");
        }
    }
}

#[test]
fn the_default_organization_is_for_tokens_that_name_none() {
    let mapping = ClaimMapping {
        organization: "/organization/id".parse().unwrap(),
        default_organization: Some("7".parse().unwrap()),
        ..ClaimMapping::default()
    };
    for (organization, expected) in [
        (json!({"id": 42}), Some(42)),
        (json!({}), None),
        (json!({"name": "acme", "ID": 42}), None),
        (json!(null), None),
        (json!({"id": null}), None),
        (json!({"id": ""}), None),
        (json!({"id": 0}), None),
        (json!({"id": -42}), None),
        (json!({"id": 42.0}), None),
        (json!({"id": 4_294_967_338_u64}), None),
        (json!({"id": [42]}), None),
        (json!({"id": {}}), None),
        (json!(42), None),
        (json!(""), None),
        (json!(false), None),
        (json!([]), None),
        (json!([{"id": 42}]), None),
    ] {
        assert_eq!(
            organization_of(&json!({"organization": organization}), &mapping),
            expected,
            "{organization}"
        );
    }
    assert_eq!(organization_of(&json!({"org_id": 42}), &mapping), Some(7));
}

#[test]
fn words_of_other_services_grant_nothing() {
    let own = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    let scopes = ScopeWords {
        read: own(&["gathering/read", "view"]),
        write: own(&["gathering/write"]),
        write_any: own(&[]),
        absent: AbsentScope::Nothing,
    };
    let mapping = ClaimMapping { scope: "roles".parse().unwrap(), scopes, ..ClaimMapping::default() };
    let may = |claims: &Value| may(&identity_of(&claims.to_string(), &mapping).unwrap());
    assert_eq!(may(&with("roles", &json!("openid gathering/read"))), (true, false, false));
    assert_eq!(may(&with("roles", &json!(["view", "gathering/write"]))), (true, true, false));
    for none in [
        with("roles", &json!("read write write:any")),
        with("roles", &json!(["offline_access", "read", "write:any"])),
        with("roles", &json!("view\tgathering/write")),
        with("scope", &json!("view gathering/read gathering/write")),
        with("roles", &json!(null)),
        json!({"org_id": 42}),
    ] {
        assert_eq!(may(&none), (false, false, false), "{none}");
    }
}
