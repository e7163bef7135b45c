//! The identity that the platform's gateway puts into `x-rh-identity`: base64 of a JSON object.
//!
//! The types are those of the platform: a user, a system (a cluster, or a host with a certificate), a service account. Old
//! identities and test suites name no type. They are read as strictly as by today's service, except that the organization may
//! be a number, and may be in `internal` alone, as other services of the platform accept it. A key that counts may come only
//! once: if it comes twice, or in two letter cases, services of the platform read one or the other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use crate::identity::Identity;
use crate::json::{members, organization, scalar, text};
use crate::rejection::AuthRejection;

/// The longest header, in bytes. Identities with all entitlements take 4 to 6 KiB.
const MAX_HEADER: usize = 32 * 1024;

const SERVICE_ACCOUNT: &str = "ServiceAccount";

const TYPES: [&str; 3] = ["User", "System", SERVICE_ACCOUNT];

/// The value of a member, unless it is absent or null.
type Member<'a> = Option<&'a RawValue>;

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeaderIdentity {
    pub(super) identity: Identity,
    /// Whether it is of a service account, or has the part of one, whatever type it names.
    pub(super) is_service_account: bool,
}

/// The caller. One that names a cluster is bound to it, unless it may ask for any cluster of its organization.
pub(super) fn parse(header: &[u8], any_cluster: bool) -> Result<HeaderIdentity, AuthRejection> {
    if header.len() > MAX_HEADER {
        return Err(AuthRejection::IdentityTooLong);
    }
    let json = STANDARD.decode(header).map_err(|_| AuthRejection::MalformedIdentity)?;
    let json = std::str::from_utf8(&json).map_err(|_| AuthRejection::MalformedIdentity)?;
    let [identity] = object(json, ["identity"])?;
    let [kind, org_id, internal, system, user, account] = object(
        identity.ok_or(AuthRejection::MalformedIdentity)?.get(),
        ["type", "org_id", "internal", "system", "user", "service_account"],
    )?;
    // Its JSON type only matters if the organization is there.
    let internal = internal.filter(|internal| org_id.is_none() || internal.get().starts_with('{'));
    let [inner_org_id] = part(internal, ["org_id"])?;
    let [cluster_id, cn] = part(system, ["cluster_id", "cn"])?;
    let [user_id, username] = part(user, ["user_id", "username"])?;
    let [client_id, account_user_id] = part(account, ["client_id", "user_id"])?;

    let kind = match kind.map(text) {
        None => String::new(),
        Some(Some(kind)) if TYPES.contains(&kind.as_str()) => kind,
        Some(_) => return Err(AuthRejection::IdentityType),
    };
    let organization = org_id.or(inner_org_id).and_then(scalar).as_ref().and_then(organization);
    let organization = organization.ok_or(AuthRejection::IdentityOrganization)?;
    // An identity that names a cluster is bound to it, whatever its type. What it names has to be a cluster in any case.
    let cluster = cluster_id.map(|value| text(value).and_then(|text| text.parse().ok()));
    let cluster = cluster.map(|cluster| cluster.ok_or(AuthRejection::IdentityCluster)).transpose()?;
    let names = [user_id, username, client_id, account_user_id, cn].into_iter().flatten();
    let who = names.filter_map(text).find(|name| !name.is_empty()).unwrap_or_default();
    let is_service_account = kind == SERVICE_ACCOUNT || account.is_some();
    let identity = Identity::from_gateway(organization, cluster, any_cluster, &format!("{kind}/{who}"));
    Ok(HeaderIdentity { identity, is_service_account })
}

/// The members of an object, each of which comes at most once and is spelled in this way.
fn object<'a, const N: usize>(json: &'a str, names: [&str; N]) -> Result<[Member<'a>; N], AuthRejection> {
    let members = members(json, &names).ok_or(AuthRejection::MalformedIdentity)?;
    if members.has_duplicate || members.has_other_case {
        return Err(AuthRejection::AmbiguousIdentity);
    }
    Ok(members.values)
}

/// The members of a part that may be absent.
fn part<'a, const N: usize>(value: Member<'a>, names: [&str; N]) -> Result<[Member<'a>; N], AuthRejection> {
    value.map_or(Ok([None; N]), |value| object(value.get(), names))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::identity::Denied;
    use crate::scope::Scope;

    const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

    fn read(identity: &Value) -> Result<HeaderIdentity, AuthRejection> {
        parse_json(&json!({"identity": identity, "entitlements": {}}).to_string(), false)
    }

    fn parse_json(json: &str, any_cluster: bool) -> Result<HeaderIdentity, AuthRejection> {
        parse(STANDARD.encode(json).as_bytes(), any_cluster)
    }

    fn identity(identity: &Value) -> Result<Identity, AuthRejection> {
        read(identity).map(|read| read.identity)
    }

    fn organization_of(value: &Value) -> Result<u32, AuthRejection> {
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
            assert_eq!(refused, Err(AuthRejection::IdentityCluster), "{value}");
        }
    }

    #[test]
    fn a_hub_asks_for_any_cluster_of_its_organization() {
        let of = |cluster: &str, organization: &str| {
            json!({"identity": {"org_id": organization, "type": "System", "system": {"cluster_id": cluster}}})
                .to_string()
        };
        let hub_of = |text: &str| parse_json(text, true).map(|read| read.identity);
        let other = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        let hub = hub_of(&of(CLUSTER, "42")).unwrap();
        for cluster in [CLUSTER.parse().unwrap(), other] {
            assert_eq!(hub.read(cluster).unwrap().organization().get(), 42);
        }
        assert_eq!(hub.write(), Err(Denied::MissingScope(Scope::Write)));
        let others = [hub_of(&of(&other.to_string(), "42")).unwrap(), hub_of(&of(CLUSTER, "43")).unwrap()];
        assert!(
            others.iter().all(|one| one.fingerprint() != hub.fingerprint()),
            "each has a limit of its own"
        );
        for odd in ["", "*", "null"] {
            assert_eq!(hub_of(&of(odd, "42")), Err(AuthRejection::IdentityCluster), "{odd}");
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
            assert_eq!(organization_of(&value), Err(AuthRejection::IdentityOrganization), "{value}");
        }
        for kind in [json!("Associate"), json!("user"), json!(""), json!(7)] {
            let refused = organization_of(&json!({"org_id": "42", "type": kind}));
            assert_eq!(refused, Err(AuthRejection::IdentityType), "{kind}");
        }
    }

    #[test]
    fn a_service_account_is_one_by_its_type_or_its_part() {
        let is_account = |value: Value| read(&value).map(|read| read.is_service_account);
        let account = || json!({"client_id": "c"});
        assert_eq!(is_account(json!({"org_id": "42", "type": "ServiceAccount"})), Ok(true));
        for kind in [json!("ServiceAccount"), json!("User"), json!("System"), Value::Null] {
            let both = json!({"org_id": "42", "type": kind, "service_account": account()});
            assert_eq!(is_account(both), Ok(true), "{kind}");
        }
        for kind in [json!("User"), json!("System"), Value::Null] {
            let value = json!({"org_id": "42", "type": kind, "service_account": null});
            assert_eq!(is_account(value), Ok(false), "{kind}");
        }
        for kind in ["serviceaccount", "SERVICEACCOUNT", "ServiceAccount ", "Service\u{c5}ccount"] {
            let refused = is_account(json!({"org_id": "42", "type": kind, "service_account": account()}));
            assert_eq!(refused, Err(AuthRejection::IdentityType), "{kind}");
        }
    }

    #[test]
    fn what_is_no_identity_is_malformed() {
        for json in ["", "[]", "null", "{}", r#"{"identity":null}"#, r#"{"identity":[]}"#, "{} x"] {
            assert_eq!(parse_json(json, false), Err(AuthRejection::MalformedIdentity), "{json}");
        }
        for (name, value) in [("system", json!([])), ("user", json!("x")), ("internal", json!(1))] {
            let mut document = json!({"org_id": if name == "internal" { Value::Null } else { json!("42") }});
            document[name] = value;
            assert_eq!(organization_of(&document), Err(AuthRejection::MalformedIdentity), "{document}");
        }
        let good = STANDARD.encode(r#"{"identity":{"org_id":"42"}}"#);
        assert!(parse(good.as_bytes(), false).is_ok());
        for header in
            ["!".to_owned(), good.trim_end_matches('=').to_owned(), format!(" {good}"), "\u{e9}".to_owned()]
        {
            assert_eq!(parse(header.as_bytes(), false), Err(AuthRejection::MalformedIdentity), "{header}");
        }
        assert_eq!(parse(&vec![b'A'; MAX_HEADER + 1], false), Err(AuthRejection::IdentityTooLong));
    }

    #[test]
    fn what_counts_is_told_once() {
        let refused = |json: &str| parse_json(json, false).err();
        let good = format!(
            r#"{{"identity":{{"org_id":"42","type":"System","internal":{{"org_id":"42"}},"system":{{"cluster_id":"{CLUSTER}","cn":"c"}},
            "user":{{"user_id":"1","username":"u"}},"service_account":{{"client_id":"c","user_id":"u"}}}}}}"#
        );
        assert_eq!(refused(&good), None);
        // Each key, at each place where it stands, once more before it: in the same way, escaped, null, or in capitals.
        for (place, _) in good.match_indices('"') {
            let rest = &good[place..];
            let name = rest[1..].split('"').next().unwrap();
            if !rest[1 + name.len()..].starts_with("\":") {
                continue;
            }
            let escaped = format!("\\u{:04x}{}", u32::from(name.chars().next().unwrap()), &name[1..]);
            for twice in [name.to_owned(), escaped, name.to_uppercase(), name.replace('s', "\u{17f}")] {
                for value in ["null", "7", "\"42\"", "{}"] {
                    let json = format!("{}\"{twice}\":{value},{rest}", &good[..place]);
                    assert_eq!(refused(&json), Some(AuthRejection::AmbiguousIdentity), "{json}");
                }
            }
        }
        assert_eq!(refused(r#"{"identity":{"ORG_ID":"42"}}"#), Some(AuthRejection::AmbiguousIdentity));
        let elsewhere = r#"{"a":1,"a":2,"identity":{"org_id":"42","auth_type":1,"auth_type":2,"user":{"email":1,"email":2},
            "internal":{"cluster_id":1,"Cluster_ID":2}}}"#;
        assert_eq!(refused(elsewhere), None, "what nobody reads may come as it likes");
    }
}
