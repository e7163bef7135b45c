//! The identity that the platform's gateway puts into `x-rh-identity`: base64 of a JSON object.
//!
//! The shapes are those of the platform: a user, a system (a cluster, or a host with a certificate), a service account;
//! older ones and test suites name no type. Read as strictly as today's service does, except that the organization may
//! be a number, and may be told in `internal` alone, as other services of the platform take it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::token::organization;
use crate::{Identity, Refused};

/// The longest header, in bytes. Identities with all entitlements take 4 to 6 KiB.
const MAX_HEADER: usize = 32 * 1024;

const TYPES: [&str; 3] = ["User", "System", "ServiceAccount"];

type Object = Map<String, Value>;

pub(super) fn parse(header: &[u8]) -> Result<Identity, Refused> {
    if header.len() > MAX_HEADER {
        return Err(Refused::IdentityTooLong);
    }
    let json = STANDARD.decode(header).map_err(|_| Refused::MalformedIdentity)?;
    let document: Object = serde_json::from_slice(&json).map_err(|_| Refused::MalformedIdentity)?;
    let identity = object(&document, "identity")?.ok_or(Refused::MalformedIdentity)?;
    let kind = match identity.get("type") {
        None | Some(Value::Null) => "",
        Some(Value::String(kind)) if TYPES.contains(&kind.as_str()) => kind,
        Some(_) => return Err(Refused::IdentityType),
    };
    let organization = match told(identity, "org_id") {
        Some(value) => organization(value),
        None => {
            object(identity, "internal")?.and_then(|internal| told(internal, "org_id")).and_then(organization)
        }
    };
    let organization = organization.ok_or(Refused::IdentityOrganization)?;
    // Whatever the type says: who names a cluster gets no other.
    let system = object(identity, "system")?;
    let cluster = match system.and_then(|system| told(system, "cluster_id")) {
        None => None,
        Some(value) => {
            let cluster = value.as_str().and_then(|text| text.parse().ok());
            Some(cluster.ok_or(Refused::IdentityCluster)?)
        }
    };
    let names = [
        object(identity, "user")?.and_then(|user| name(user, &["user_id", "username"])),
        object(identity, "service_account")?.and_then(|account| name(account, &["client_id", "user_id"])),
        system.and_then(|system| name(system, &["cn"])),
    ];
    let who = names.into_iter().flatten().next().unwrap_or_default();
    Ok(Identity::of_header(organization, cluster, &format!("{kind}/{who}")))
}

/// A value that is there and not null.
fn told<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn object<'a>(outer: &'a Object, name: &str) -> Result<Option<&'a Object>, Refused> {
    told(outer, name).map(|value| value.as_object().ok_or(Refused::MalformedIdentity)).transpose()
}

fn name<'a>(object: &'a Object, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| object.get(*name)?.as_str().filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Denied, Scope};

    const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

    fn identity(identity: &Value) -> Result<Identity, Refused> {
        parse(STANDARD.encode(json!({"identity": identity, "entitlements": {}}).to_string()).as_bytes())
    }

    fn organization_of(value: &Value) -> Result<u32, Refused> {
        identity(value).map(|identity| identity.organization().get())
    }

    #[test]
    fn each_kind_of_caller_reads_for_its_organization() {
        let other = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        for value in [
            json!({"org_id": "42", "type": "User", "user": {"user_id": "1"}}),
            json!({"org_id": "42", "type": "ServiceAccount", "service_account": {"client_id": "c"}}),
            json!({"org_id": "42", "type": "System", "system": {"cn": CLUSTER, "cert_type": "system"}}),
            json!({"org_id": "42", "account_number": 7, "user": null, "type": null}),
        ] {
            let identity = identity(&value).unwrap();
            assert!(identity.read(other).is_ok(), "{value}");
            assert_eq!(identity.write(), Err(Denied::MissingScope(Scope::Write)));
        }
    }

    #[test]
    fn a_cluster_reads_for_itself() {
        let other = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        for kind in [json!("System"), json!("User"), Value::Null] {
            let bound =
                identity(&json!({"org_id": "42", "type": kind, "system": {"cluster_id": CLUSTER}})).unwrap();
            assert!(bound.read(CLUSTER.parse().unwrap()).is_ok());
            assert_eq!(bound.read(other), Err(Denied::OtherCluster));
        }
        for value in [json!(""), json!("x"), json!(7), json!([CLUSTER])] {
            let refused =
                identity(&json!({"org_id": "42", "type": "System", "system": {"cluster_id": value}}));
            assert_eq!(refused, Err(Refused::IdentityCluster), "{value}");
        }
    }

    #[test]
    fn the_organization_is_a_text_or_a_number_here_or_inside() {
        for value in [
            json!({"org_id": "42"}),
            json!({"org_id": 42}),
            json!({"org_id": "0042"}),
            json!({"internal": {"org_id": "42"}}),
            json!({"org_id": null, "internal": {"org_id": 42}}),
            json!({"org_id": "42", "internal": {"org_id": "43"}}),
        ] {
            assert_eq!(organization_of(&value), Ok(42), "{value}");
        }
        for value in [
            json!({}),
            json!({"org_id": ""}),
            json!({"org_id": "", "internal": {"org_id": "42"}}),
            json!({"org_id": "0"}),
            json!({"org_id": " 42"}),
            json!({"org_id": "4294967296"}),
            json!({"org_id": -1}),
            json!({"org_id": 42.0}),
            json!({"org_id": [42]}),
            json!({"internal": {"org_id": "abc"}}),
            json!({"internal": {}}),
        ] {
            assert_eq!(organization_of(&value), Err(Refused::IdentityOrganization), "{value}");
        }
        for kind in [json!("Associate"), json!("user"), json!(""), json!(7)] {
            let refused = organization_of(&json!({"org_id": "42", "type": kind}));
            assert_eq!(refused, Err(Refused::IdentityType), "{kind}");
        }
    }

    #[test]
    fn what_is_no_identity_is_malformed() {
        for json in ["", "[]", "null", "{}", r#"{"identity":null}"#, r#"{"identity":[]}"#, "{} x"] {
            assert_eq!(parse(STANDARD.encode(json).as_bytes()), Err(Refused::MalformedIdentity), "{json}");
        }
        for (name, value) in [("system", json!([])), ("user", json!("x")), ("internal", json!(1))] {
            let mut document = json!({"org_id": if name == "internal" { Value::Null } else { json!("42") }});
            document[name] = value;
            assert_eq!(organization_of(&document), Err(Refused::MalformedIdentity), "{document}");
        }
        let good = STANDARD.encode(r#"{"identity":{"org_id":"42"}}"#);
        assert!(parse(good.as_bytes()).is_ok());
        for header in
            ["!".to_owned(), good.trim_end_matches('=').to_owned(), format!(" {good}"), "\u{e9}".to_owned()]
        {
            assert_eq!(parse(header.as_bytes()), Err(Refused::MalformedIdentity), "{header}");
        }
        assert_eq!(parse(&vec![b'A'; MAX_HEADER + 1]), Err(Refused::IdentityTooLong));
    }
}
