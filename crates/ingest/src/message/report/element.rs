//! Elements of the lists in a report, as far as anybody looks at them.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use crate::message::object::is_null;
use crate::message::text::Text;
use crate::message::tolerant::{ReadValue, Tolerant};

/// An element of a list; null stands for one without members.
pub(super) trait Element<'de>: Default {
    /// The key of the list in the report.
    const LIST: &'static str;
    /// What each element has to be.
    const EXPECTED: &'static str;

    /// Reads the members of an element to their end; `None` if one of them is not as it has to be.
    fn read<A: MapAccess<'de>>(members: A) -> Result<Option<Self>, A::Error>;
}

/// Reads an element; `None` for what is none.
pub(super) struct ElementReader<E>(PhantomData<E>);

impl<E> Default for ElementReader<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de, E: Element<'de>> ReadValue<'de> for ElementReader<E> {
    type Output = Option<E>;

    fn mismatch(self) -> Option<E> {
        None
    }
    fn null(self) -> Option<E> {
        Some(E::default())
    }
    fn object<A: MapAccess<'de>>(self, members: A) -> Result<Option<E>, A::Error> {
        E::read(members)
    }
}

/// A finding of a rule. Both texts are empty where the element does not say them.
#[derive(Default)]
pub(super) struct Hit<'a> {
    /// The rule.
    pub(super) component: Cow<'a, str>,
    /// Which of the rule's findings it is.
    pub(super) key: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum HitMember {
    Component,
    Key,
    #[serde(other)]
    Other,
}

impl<'de> Element<'de> for Hit<'de> {
    const LIST: &'static str = "reports";
    const EXPECTED: &'static str = "an object whose 'component' and 'key' are strings";

    fn read<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        let (mut component, mut key, mut is_wrong) = (None, None, false);
        while let Some(member) = members.next_key()? {
            let slot = match member {
                HitMember::Component => &mut component,
                HitMember::Key => &mut key,
                HitMember::Other => {
                    let IgnoredAny = members.next_value()?;
                    continue;
                }
            };
            let text = text(members.next_value()?);
            is_wrong |= text.is_none() || slot.is_some();
            *slot = text;
        }
        let hit = Self { component: component.unwrap_or_default(), key: key.unwrap_or_default() };
        Ok((!is_wrong).then_some(hit))
    }
}

/// The text of a string, or the empty one of null.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    if is_null(value) { Some(Cow::Borrowed("")) } else { Text::of(value).map(|Text(text)| text) }
}

/// What a rule says of the cluster. It is checked, and nothing of it is kept.
#[derive(Default)]
pub(super) struct Info;

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum InfoMember {
    Details,
    #[serde(other)]
    Other,
}

impl<'de> Element<'de> for Info {
    const LIST: &'static str = "info";
    const EXPECTED: &'static str = "an object whose 'details' are strings";

    fn read<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        let (mut has_details, mut is_wrong) = (false, false);
        while let Some(member) = members.next_key()? {
            match member {
                InfoMember::Details => {
                    is_wrong |= has_details || !members.next_value_seed(Tolerant(Details))?;
                    has_details = true;
                }
                InfoMember::Other => {
                    let IgnoredAny = members.next_value()?;
                }
            }
        }
        Ok((!is_wrong).then_some(Self))
    }
}

/// Finds out whether a value is null, or an object whose values are strings or null.
struct Details;

impl<'de> ReadValue<'de> for Details {
    type Output = bool;

    fn mismatch(self) -> bool {
        false
    }
    fn null(self) -> bool {
        true
    }
    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut are_strings = true;
        // Raw: half of a surrogate pair does no harm in a text that nobody reads.
        while let Some((_, value)) = members.next_entry::<&RawValue, &RawValue>()? {
            are_strings &= value.get().starts_with('"') || is_null(value);
        }
        Ok(are_strings)
    }
}
