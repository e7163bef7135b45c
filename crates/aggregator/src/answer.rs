//! What the aggregator answers. Whatever of it matches no hit is left out while it is read, so that an answer takes up little
//! more than its bytes, however they are arranged.

use std::fmt;
use std::marker::PhantomData;

use gathering_domain::rule::RuleHit;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What an organization acknowledged: `rules/organizations/{org}/disabled_system_wide`.
#[derive(Deserialize)]
pub(crate) struct SystemWide {
    #[serde(rename = "disabledRules")]
    pub(crate) rules: Hits<Acknowledged>,
}

/// What it disabled for the cluster that was asked about: `rules/organizations/{org}/disabled_for_clusters`.
#[derive(Deserialize)]
pub(crate) struct ForCluster {
    pub(crate) rules: Hits<Toggle>,
}

/// An entry of [`SystemWide`]. Its rule is compared as it stands.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Acknowledged {
    rule_id: Option<String>,
    error_key: Option<String>,
}

/// An entry of [`ForCluster`]. `.report` at the end of its rule does not count.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Toggle {
    #[serde(rename = "RuleID")]
    rule_id: Option<String>,
    error_key: Option<String>,
    /// The aggregator sends the number 1.
    disabled: Option<Box<RawValue>>,
}

/// An entry of a list of rules.
pub(crate) trait Entry: DeserializeOwned {
    /// The hit that is to be left out. What no hit can be, such as one with an empty part, is none.
    fn hit(&self) -> Option<RuleHit>;
}

impl Entry for Acknowledged {
    fn hit(&self) -> Option<RuleHit> {
        RuleHit::new(self.rule_id.as_deref()?, self.error_key.as_deref()?).ok()
    }
}

impl Entry for Toggle {
    /// None for an entry that says itself that its rule is not disabled: a finding must not get lost over it.
    fn hit(&self) -> Option<RuleHit> {
        if self.disabled.as_ref().is_some_and(|disabled| matches!(disabled.get(), "false" | "0")) {
            return None;
        }
        let rule = self.rule_id.as_deref()?;
        RuleHit::new(rule.strip_suffix(".report").unwrap_or(rule), self.error_key.as_deref()?).ok()
    }
}

/// The hits of a list of entries. `null` is an empty list, and as an entry an empty one.
pub(crate) struct Hits<E> {
    pub(crate) hits: Vec<RuleHit>,
    entry: PhantomData<E>,
}

impl<E> From<Vec<RuleHit>> for Hits<E> {
    fn from(hits: Vec<RuleHit>) -> Self {
        Self { hits, entry: PhantomData }
    }
}

impl<'de, E: Entry> Deserialize<'de> for Hits<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HitsVisitor(PhantomData))
    }
}

struct HitsVisitor<E>(PhantomData<E>);

impl<'de, E: Entry> Visitor<'de> for HitsVisitor<E> {
    type Value = Hits<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rules or null")
    }

    fn visit_unit<Error>(self) -> Result<Hits<E>, Error> {
        Ok(Vec::new().into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Hits<E>, A::Error> {
        let mut hits = Vec::new();
        while let Some(entry) = entries.next_element::<Option<E>>()? {
            hits.extend(entry.and_then(|entry| entry.hit()));
        }
        Ok(hits.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<E>(hits: &Hits<E>) -> Vec<String> {
        hits.hits.iter().map(ToString::to_string).collect()
    }

    fn system_wide(json: &str) -> Option<Vec<String>> {
        serde_json::from_str::<SystemWide>(json).ok().map(|answer| texts(&answer.rules))
    }

    fn for_cluster(json: &str) -> Option<Vec<String>> {
        serde_json::from_str::<ForCluster>(json).ok().map(|answer| texts(&answer.rules))
    }

    #[test]
    fn acknowledged_rules_count_as_they_stand() {
        let answer = r#"{"status":"ok","disabledRules":[
            {"org_id":1,"user_id":"7","rule_id":"rules.a","error_key":"K","justification":"","created_at":"2026-01-01T00:00:00Z",
             "updated_at":{"Time":"0001-01-01T00:00:00Z","Valid":false}},
            {"rule_id":"rules.b.report","error_key":"K"},
            {"rule_id":"","error_key":"K"}, {"rule_id":"rules.c","error_key":""}, {"rule_id":"rules.c"}, {"error_key":"K"},
            {"rule_id":null,"error_key":"K"}, {"RuleID":"rules.d","ErrorKey":"K"}, {}, null,
            {"rule_id":"rules|e","error_key":"K"}, {"rule_id":"rules e","error_key":"K"}]}"#;
        assert_eq!(system_wide(answer).unwrap(), ["rules.a|K", "rules.b.report|K"]);
    }

    #[test]
    fn disabled_rules_count_without_one_report_at_their_end() {
        let answer = r#"{"status":"ok","rules":[
            {"ClusterID":"c","RuleID":"rules.a.report","ErrorKey":"K","Disabled":1,"DisabledAt":{"Time":"","Valid":true}},
            {"RuleID":"rules.b","ErrorKey":"K","Disabled":true}, {"RuleID":"rules.c.report.report","ErrorKey":"K"},
            {"RuleID":"rules.d","ErrorKey":"K","Disabled":null}, {"RuleID":"rules.e","ErrorKey":"K","Disabled":"yes"},
            {"RuleID":".report","ErrorKey":"K"}, {"RuleID":"","ErrorKey":"K"}, {"RuleID":"rules.f","ErrorKey":""},
            {"RuleID":"rules.g","ErrorKey":"K","Disabled":false}, {"RuleID":"rules.h","ErrorKey":"K","Disabled":0},
            {"rule_id":"rules.i","error_key":"K"}, {}, null]}"#;
        assert_eq!(
            for_cluster(answer).unwrap(),
            ["rules.a|K", "rules.b|K", "rules.c.report|K", "rules.d|K", "rules.e|K"]
        );
    }

    #[test]
    fn no_rules_may_be_null_and_must_not_be_missing() {
        assert_eq!(system_wide(r#"{"disabledRules":null}"#).unwrap(), [""; 0]);
        assert_eq!(for_cluster(r#"{"status":"ok","rules":null}"#).unwrap(), [""; 0]);
        assert_eq!(for_cluster(r#"{"rules":[]}"#).unwrap(), [""; 0]);
        for other in [
            "{}",
            r#"{"status":"ok"}"#,
            "null",
            "1",
            "[]",
            "",
            "<html></html>",
            r#"{"rules":[]"#,
            r#"{"rules":[]}x"#,
        ] {
            assert_eq!((system_wide(other), for_cluster(other)), (None, None), "{other}");
        }
        assert_eq!((system_wide(r#"{"rules":[]}"#), for_cluster(r#"{"disabledRules":[]}"#)), (None, None));
    }

    #[test]
    fn answers_of_another_form_are_refused_as_a_whole() {
        for rules in [
            "1",
            "\"a\"",
            "{}",
            "true",
            "[1]",
            "[\"rules.a|K\"]",
            r#"[{"RuleID":1,"ErrorKey":"K"}]"#,
            r#"[{"RuleID":"rules.a","ErrorKey":["K"]}]"#,
            r#"[{"RuleID":"rules.a","RuleID":"rules.b","ErrorKey":"K"}]"#,
        ] {
            assert_eq!(for_cluster(&format!("{{\"rules\":{rules}}}")), None, "{rules}");
        }
        assert_eq!(for_cluster(r#"{"rules":[],"rules":[]}"#), None, "nobody knows which one counts");
    }

    #[test]
    fn what_does_not_count_may_be_as_deep_as_it_likes() {
        let deep = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
        let answer = format!(
            r#"{{"other":{deep},"rules":[{{"RuleID":"rules.a","ErrorKey":"K","Disabled":{deep}}}]}}"#
        );
        assert_eq!(for_cluster(&answer).unwrap(), ["rules.a|K"]);
        let open = "[".repeat(1_000_000);
        assert_eq!(for_cluster(&format!("{{\"rules\":{open}")), None);
        assert_eq!(for_cluster(&open), None);
    }
}
