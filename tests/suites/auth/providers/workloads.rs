//! Tokens of workloads: service accounts of Kubernetes, and applications of Cognito.

use serde_json::{Value, json};

use super::{May, Provider, issued};
use crate::fixture::NOW;

fn service_account(namespace: &str, name: &str) -> Value {
    json!({
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "kubernetes.io": {
            "namespace": namespace, "node": {"name": "worker-0", "uid": "1b"}, "pod": {"name": "x", "uid": "2c"},
            "serviceaccount": {"name": name, "uid": "3d"}, "warnafter": NOW + 3607
        }
    })
}

fn of_kubernetes() -> Value {
    let mut rest = service_account("insights", "reader");
    rest["aud"] = json!(["gathering"]);
    rest["nbf"] = json!(NOW);
    rest["jti"] = json!("e1f2");
    issued("https://kubernetes.default.svc.cluster.local", rest)
}

#[test]
fn kubernetes_by_service_account() {
    Provider::start("Kubernetes, accounts", of_kubernetes()).check(&[
        (json!({}), May::Read),
        (service_account("insights", "pipeline"), May::Write),
        (service_account("insights", "default"), May::Nothing),
        (service_account("elsewhere", "reader"), May::Nothing),
        (json!({"sub": "system:serviceaccount:insights:reader2"}), May::Nothing),
        (
            json!({"sub": null, "scope": "read", "roles": ["system:serviceaccount:insights:reader"]}),
            May::Nothing,
        ),
        (json!({"sub": ["system:serviceaccount:insights:reader"]}), May::Refused),
        (json!({"aud": ["https://kubernetes.default.svc"]}), May::Refused),
        (json!({"org_id": 43}), May::Elsewhere),
        (json!({"org_id": -42}), May::Refused),
    ]);
}

#[test]
fn kubernetes_by_namespace() {
    Provider::start("Kubernetes, namespaces", of_kubernetes()).check(&[
        (json!({}), May::Read),
        (service_account("insights", "default"), May::Read),
        (service_account("elsewhere", "insights"), May::Nothing),
        (json!({"kubernetes.io": {}}), May::Nothing),
        (json!({"kubernetes.io": null, "kubernetes": {"io": {"namespace": "insights"}}}), May::Nothing),
        (json!({"kubernetes.io": "insights"}), May::Refused),
        (json!({"kubernetes.io": {"namespace": {"name": "insights"}}}), May::Refused),
    ]);
}

#[test]
fn cognito() {
    let claims = issued(
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Aa1",
        json!({
            "sub": "c2f5", "client_id": "4hg", "origin_jti": "5f", "event_id": "6a", "token_use": "access", "version": 2,
            "auth_time": NOW, "username": "jo", "jti": "7b", "cognito:groups": ["readers"],
            "scope": "openid gathering/read", "custom:org_id": "42"
        }),
    );
    Provider::start("Cognito", claims).check(&[
        (json!({}), May::Read),
        (json!({"scope": "gathering/write gathering/read"}), May::Both),
        (json!({"scope": "aws.cognito.signin.user.admin"}), May::Nothing),
        (json!({"scope": "other/read read gathering/", "cognito:groups": ["gathering/read"]}), May::Nothing),
        // An ID token has no scopes.
        (json!({"scope": null, "token_use": "id", "aud": "4hg"}), May::Nothing),
        (json!({"custom:org_id": "43"}), May::Elsewhere),
        (json!({"custom:org_id": "042x"}), May::Refused),
        (json!({"custom:org_id": null, "custom": {"org_id": "42"}, "org_id": 42}), May::Refused),
    ]);
}
