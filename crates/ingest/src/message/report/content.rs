//! The content of a report: which keys it has, and what its two lists hold or what is wrong with them.

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::element::{Element, ElementReader, Hit, Info};
use super::hit_set::HitSet;
use crate::message::error::MessageError;
use crate::message::text::Text;
use crate::message::tolerant::{ReadValue, Tolerant};
use crate::message::warning::Warnings;

/// What was read of a report. Of a key that comes twice, the later one counts.
#[derive(Default)]
pub(super) struct Content {
    pub(super) has_fingerprints: bool,
    pub(super) has_system: bool,
    pub(super) reports: Option<Reports>,
    /// The first error in the list `info`.
    pub(super) info: Option<MessageError>,
    /// What is wrong with a value that the parser could not skip. Nothing after it was read.
    pub(super) broken_off: Option<MessageError>,
}

/// The list `reports`.
pub(super) struct Reports {
    /// The hits before the first error.
    pub(super) hits: HitSet,
    pub(super) warnings: Warnings,
    /// The first error.
    pub(super) error: Option<MessageError>,
}

impl Content {
    /// Reads a report; `None` if it is no object.
    pub(super) fn read(report: &RawValue) -> Option<Self> {
        let (mut content, mut place) = (Self::default(), None);
        let reader = Tolerant(ContentReader { content: &mut content, place: &mut place });
        match reader.deserialize(&mut serde_json::Deserializer::from_str(report.get())) {
            Ok(is_object) => is_object.then_some(content),
            // Without a place, the report itself is such a value.
            Err(_) => place.map(|place| Self { broken_off: Some(place), ..content }),
        }
    }
}

/// Reads the members of a report, and says whether it is an object.
struct ContentReader<'r> {
    content: &'r mut Content,
    /// What is wrong if reading breaks off now.
    place: &'r mut Option<MessageError>,
}

impl<'de> ReadValue<'de> for ContentReader<'_> {
    type Output = bool;

    fn mismatch(self) -> bool {
        false
    }
    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let Self { content, place } = self;
        while let Some(Text(key)) = members.next_key()? {
            match &*key {
                "reports" => {
                    let (mut hits, mut warnings) = (HitSet::default(), Warnings::default());
                    let reader = ListReader::new(place, |hit: Hit<'_>| hits.add(&hit, &mut warnings));
                    let error = members.next_value_seed(Tolerant(reader))?;
                    content.reports = Some(Reports { hits, warnings, error });
                }
                "info" => {
                    let reader = ListReader::new(place, |_: Info| ());
                    content.info = members.next_value_seed(Tolerant(reader))?;
                }
                key => {
                    content.has_fingerprints |= key == "fingerprints";
                    content.has_system |= key == "system";
                    let IgnoredAny = members.next_value()?;
                }
            }
        }
        Ok(true)
    }
}

/// Reads a list to its end, hands out the elements before the first error, and returns that error.
struct ListReader<'r, E, F> {
    each: F,
    place: &'r mut Option<MessageError>,
    element: PhantomData<E>,
}

impl<'r, E, F> ListReader<'r, E, F> {
    fn new<'de>(place: &'r mut Option<MessageError>, each: F) -> Self
    where
        E: Element<'de>,
        F: FnMut(E),
    {
        *place = Some(no_list::<E>());
        Self { each, place, element: PhantomData }
    }
}

const fn no_list<'de, E: Element<'de>>() -> MessageError {
    MessageError::Wrong { attribute: E::LIST, expected: "a list" }
}

impl<'de, E: Element<'de>, F: FnMut(E)> ReadValue<'de> for ListReader<'_, E, F> {
    type Output = Option<MessageError>;

    /// Null is no list either: it means that something went wrong.
    fn mismatch(self) -> Option<MessageError> {
        Some(no_list::<E>())
    }
    fn list<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Option<MessageError>, A::Error> {
        let mut error = None;
        for index in 0.. {
            let wrong = MessageError::ReportElement { list: E::LIST, index, expected: E::EXPECTED };
            *self.place = Some(error.unwrap_or(wrong));
            match elements.next_element_seed(Tolerant(ElementReader::<E>::default()))? {
                None => break,
                Some(Some(element)) if error.is_none() => (self.each)(element),
                Some(Some(_)) => {}
                Some(None) => error = error.or(Some(wrong)),
            }
        }
        Ok(error)
    }
}
