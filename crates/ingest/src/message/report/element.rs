//! Elements of the lists in a report, as far as anybody looks at them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::message::object::is_null;
use crate::message::text::Spelled;

/// A finding of a rule.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Hit<'a> {
    #[serde(borrow)]
    component: Option<Spelled<'a>>,
    #[serde(borrow)]
    key: Option<Spelled<'a>>,
}

impl Hit<'_> {
    /// The rule; empty if the element does not say.
    pub(super) fn component(&self) -> &str {
        self.component.as_ref().map_or("", |Spelled(text)| &text.0)
    }

    /// Which of the rule's findings it is; empty if the element does not say.
    pub(super) fn key(&self) -> &str {
        self.key.as_ref().map_or("", |Spelled(text)| &text.0)
    }
}

/// What a rule says of the cluster. It is checked, and nothing of it is kept.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Info {
    #[serde(rename = "details")]
    _details: Option<Texts>,
}

/// An element of a list; null stands for one without members.
pub(super) struct Element<T>(pub(super) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ElementVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ElementVisitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or null")
            }
            fn visit_none<E: Error>(self) -> Result<T, E> {
                Ok(T::default())
            }
            // Asked for a structure, serde_json would take a list for its fields in their order.
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
                deserializer.deserialize_map(self)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_option(ElementVisitor(PhantomData)).map(Self)
    }
}

/// An object whose values are strings or null.
struct Texts;

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;
        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose values are strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                // As they are spelled: half of a surrogate pair does no harm in what nobody reads.
                while let Some((_, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    if !value.get().starts_with('"') && !is_null(value) {
                        return Err(Error::custom("not a string"));
                    }
                }
                Ok(Texts)
            }
        }
        deserializer.deserialize_map(TextsVisitor)
    }
}
