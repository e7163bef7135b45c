//! What the aggregator answers. Whatever of it matches no hit is left out while it is read, so that an answer takes up little
//! more than its bytes, however they are arranged.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::rule::RuleHit;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::key::ClusterKey;

/// What the organization acknowledged: `rules/organizations/{org}/disabled_system_wide`.
pub(crate) fn system_wide(body: &[u8], key: ClusterKey) -> serde_json::Result<Vec<RuleHit>> {
    hits::<Acknowledged>(body, key)
}

/// What it disabled for the cluster: `rules/organizations/{org}/disabled_for_clusters`.
pub(crate) fn for_cluster(body: &[u8], key: ClusterKey) -> serde_json::Result<Vec<RuleHit>> {
    hits::<Toggle>(body, key)
}

fn hits<E: Entry>(body: &[u8], key: ClusterKey) -> serde_json::Result<Vec<RuleHit>> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let hits = Answer(key, PhantomData::<E>).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(hits)
}

/// An entry of a list of rules.
trait Entry: DeserializeOwned {
    /// The member of the answer that is the list.
    const LIST: &str;

    /// The hit that is to be left out. What no hit can be, such as one with an empty part, is none; neither is one of another
    /// organization or cluster than was asked about.
    fn hit(&self, key: ClusterKey) -> Option<RuleHit>;
}

/// Its rule is compared as it stands.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Acknowledged {
    org_id: Option<Box<RawValue>>,
    rule_id: Option<String>,
    error_key: Option<String>,
}

/// `.report` at the end of its rule does not count.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Toggle {
    #[serde(rename = "ClusterID")]
    cluster_id: Option<Box<RawValue>>,
    #[serde(rename = "RuleID")]
    rule_id: Option<String>,
    error_key: Option<String>,
    /// The aggregator sends the number 1.
    disabled: Option<Box<RawValue>>,
}

impl Entry for Acknowledged {
    const LIST: &str = "disabledRules";

    fn hit(&self, key: ClusterKey) -> Option<RuleHit> {
        if self.org_id.as_ref().is_some_and(|id| organization(id) != Some(key.organization)) {
            return None;
        }
        RuleHit::new(self.rule_id.as_deref()?, self.error_key.as_deref()?).ok()
    }
}

impl Entry for Toggle {
    const LIST: &str = "rules";

    /// None for an entry that says itself that its rule is not disabled: a finding must not get lost over it.
    fn hit(&self, key: ClusterKey) -> Option<RuleHit> {
        if self.cluster_id.as_ref().is_some_and(|id| cluster(id) != Some(key.cluster))
            || self.disabled.as_ref().is_some_and(|disabled| matches!(disabled.get(), "false" | "0"))
        {
            return None;
        }
        let rule = self.rule_id.as_deref()?;
        RuleHit::new(rule.strip_suffix(".report").unwrap_or(rule), self.error_key.as_deref()?).ok()
    }
}

/// An organization, as a number or as its digits.
fn organization(value: &RawValue) -> Option<OrganizationId> {
    value.get().trim_matches('"').parse().ok()
}

fn cluster(value: &RawValue) -> Option<ClusterId> {
    serde_json::from_str::<String>(value.get()).ok()?.parse().ok()
}

/// Reads an answer, an object with exactly one list of these entries.
struct Answer<E>(ClusterKey, PhantomData<E>);

/// Reads the list. `null` is an empty one, and as an entry an empty one.
struct List<E>(ClusterKey, PhantomData<E>);

/// An entry that is an object. The JSON reader alone would take an array for a struct.
struct Object<E>(E);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de, E: Entry> DeserializeSeed<'de> for Answer<E> {
    type Value = Vec<RuleHit>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<RuleHit>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, E: Entry> Visitor<'de> for Answer<E> {
    type Value = Vec<RuleHit>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of rules")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<RuleHit>, A::Error> {
        let mut hits = None;
        while let Some(Name(name)) = members.next_key()? {
            if name != E::LIST {
                members.next_value::<IgnoredAny>()?;
            } else if hits.replace(members.next_value_seed(List(self.0, PhantomData::<E>))?).is_some() {
                return Err(A::Error::duplicate_field(E::LIST));
            }
        }
        hits.ok_or_else(|| A::Error::missing_field(E::LIST))
    }
}

impl<'de, E: Entry> DeserializeSeed<'de> for List<E> {
    type Value = Vec<RuleHit>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<RuleHit>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, E: Entry> Visitor<'de> for List<E> {
    type Value = Vec<RuleHit>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rules or null")
    }

    fn visit_unit<X>(self) -> Result<Vec<RuleHit>, X> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<RuleHit>, A::Error> {
        let mut hits = Vec::new();
        while let Some(entry) = entries.next_element::<Option<Object<E>>>()? {
            hits.extend(entry.and_then(|Object(entry)| entry.hit(self.0)));
        }
        Ok(hits)
    }
}

impl<'de, E: Entry> Deserialize<'de> for Object<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<E>(PhantomData<E>);

        impl<'de, E: Entry> Visitor<'de> for ObjectVisitor<E> {
            type Value = Object<E>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object that is about a rule")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<E>, A::Error> {
                E::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests;
