//! Reading what the RBAC service answers.

use serde_json::value::RawValue;

use crate::json::{elements, members, text};

/// Whether the answer has a permission to read recommendations; `None` if it is no answer of the service: anything but a JSON
/// object with a count in `meta`, and permissions in `data`, each member once.
pub(super) fn grants_reading(body: &[u8]) -> Option<bool> {
    let [meta, data] = object(std::str::from_utf8(body).ok()?, ["meta", "data"])?;
    let [count] = object(meta.get(), ["count"])?;
    let count: i64 = serde_json::from_str(count.get()).ok()?;
    let permissions = elements(data)?.into_iter().map(|entry| {
        let [permission] = object(entry.get(), ["permission"])?;
        text(permission)
    });
    // One that cannot be read spoils the whole answer, wherever it stands.
    let permissions: Vec<String> = permissions.collect::<Option<_>>()?;
    Some(count > 0 && permissions.iter().any(|permission| is_for_reading(permission)))
}

/// Members that are all there, once.
fn object<'a, const N: usize>(json: &'a str, names: [&str; N]) -> Option<[&'a RawValue; N]> {
    let members = members(json, &names)?;
    if members.has_duplicate || members.has_other_case {
        return None;
    }
    let values: Option<Vec<_>> = members.values.into_iter().collect();
    values?.try_into().ok()
}

/// Whether a permission is `ocp-advisor:<x>:<verb>`, `<x>` being everything, or naming the recommendations. Today's service looks
/// at no verb: each comes with the right to read.
fn is_for_reading(permission: &str) -> bool {
    let mut parts = permission.split(':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("ocp-advisor"), Some(resource), Some(verb), None) => {
            !verb.is_empty() && (resource == "*" || resource.contains("recommendation-results"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(permission: &str) -> Option<bool> {
        let answer = json!({
            "meta": {"count": 2, "limit": 100, "offset": 0}, "links": {"next": null},
            "data": [{"permission": "inventory:hosts:read", "resourceDefinitions": []}, {"permission": permission}]
        });
        grants_reading(answer.to_string().as_bytes())
    }

    #[test]
    fn permissions_have_three_parts_of_which_two_count() {
        for permission in [
            "ocp-advisor:recommendation-results:read",
            "ocp-advisor:recommendation-results:*",
            "ocp-advisor:recommendation-results:write",
            "ocp-advisor:*:read",
            "ocp-advisor:*:*",
            "ocp-advisor:all-recommendation-results-of-it:read",
        ] {
            assert_eq!(with(permission), Some(true), "{permission}");
        }
        for permission in [
            "",
            "ocp-advisor",
            "ocp-advisor:*",
            "ocp-advisor:*:",
            "ocp-advisor::read",
            "ocp-advisor:**:read",
            "ocp-advisor:recommendation:read",
            "ocp-advisor:Recommendation-Results:read",
            "ocp-advisor:exports:recommendation-results",
            "ocp-advisor:x:y:z",
            "ocp-advisor:*:read:",
            "ocp-advisor:*:read:recommendation-results",
            ":ocp-advisor:*:read",
            " ocp-advisor:*:read",
            "OCP-Advisor:*:read",
            "inventory:*:*",
            "*:*:*",
            "inventory:recommendation-results:read",
        ] {
            assert_eq!(with(permission), Some(false), "{permission}");
        }
    }

    #[test]
    fn what_is_no_answer_grants_and_denies_nothing() {
        let good = r#"{"meta":{"count":1},"data":[{"permission":"ocp-advisor:*:*"}]}"#;
        assert_eq!(grants_reading(good.as_bytes()), Some(true));
        for (before, after, expected) in [
            (r#""count":1"#, r#""count":0"#, Some(false)),
            (r#""count":1"#, r#""count":-1"#, Some(false)),
            (r#""count":1"#, r#""count":9000"#, Some(true)),
            (r#"[{"permission":"ocp-advisor:*:*"}]"#, "[]", Some(false)),
            (r#""count":1"#, r#""count":"1""#, None),
            (r#""count":1"#, r#""count":1.0"#, None),
            (r#""count":1"#, r#""count":true"#, None),
            (r#""count":1"#, r#""count":null"#, None),
            (r#""count":1"#, r#""count":99999999999999999999"#, None),
            (r#""count":1"#, r#""count":0,"count":1"#, None),
            (r#""count":1"#, r#""Count":1"#, None),
            (r#""count":1"#, "", None),
            (r#""data":"#, r#""data":[],"data":"#, None),
            (r#""data":"#, r#""other":"#, None),
            (r#"{"permission":"ocp-advisor:*:*"}"#, r#""ocp-advisor:*:*""#, None),
            (r#"{"permission":"ocp-advisor:*:*"}"#, r#"{"permission":"ocp-advisor:*:*"},{}"#, None),
            (r#""permission":"#, r#""permission":null,"permission":"#, None),
            (r#""ocp-advisor:*:*""#, r#"["ocp-advisor:*:*"]"#, None),
            ("}]}", "}]} x", None),
            ("}]}", "}]", None),
        ] {
            let answer = good.replacen(before, after, 1);
            assert_ne!(answer, good);
            assert_eq!(grants_reading(answer.as_bytes()), expected, "{answer}");
        }
        for answer in [&b""[..], b"null", b"[]", b"<html></html>", b"\xff", &b"[".repeat(200_000)] {
            assert_eq!(grants_reading(answer), None);
        }
    }
}
