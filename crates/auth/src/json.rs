//! Reading JSON of strangers: of an object, only the members that count, so that what is kept is smaller than the text,
//! however it is arranged.

use std::borrow::Cow;
use std::fmt;

use gathering_domain::ids::OrganizationId;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object that count, in the order of the names that were asked for. A member that is null counts as
/// absent.
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) values: [Option<&'a RawValue>; N],
    /// Whether one of them comes twice, so that nobody could say which one counts.
    pub(crate) has_duplicate: bool,
    /// Whether one comes in another letter case. Some readers, such as those written in Go, take it for the same.
    pub(crate) has_other_case: bool,
}

/// The members with these names; `None` if the text is not exactly one JSON object.
pub(crate) fn members<'a, const N: usize>(json: &'a str, names: &[&str; N]) -> Option<Members<'a, N>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = Names(names).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(members)
}

/// A string, number or truth value; `None` for an array or object.
pub(crate) fn scalar(value: &RawValue) -> Option<Value> {
    if value.get().starts_with(['[', '{']) { None } else { serde_json::from_str(value.get()).ok() }
}

/// A string; `None` for anything else.
pub(crate) fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// The elements of an array; `None` for anything else.
pub(crate) fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// An organization, as a number or as its digits; `None` for anything else.
pub(crate) fn organization(value: &Value) -> Option<OrganizationId> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => u32::try_from(number.as_u64()?).ok()?.try_into().ok(),
        _ => None,
    }
}

struct Names<'n, const N: usize>(&'n [&'n str; N]);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de, const N: usize> DeserializeSeed<'de> for Names<'_, N> {
    type Value = Members<'de, N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Names<'_, N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members { values: [None; N], has_duplicate: false, has_other_case: false };
        let mut seen = [false; N];
        while let Some(Name(name)) = map.next_key()? {
            let known =
                self.0.iter().zip(&mut seen).zip(&mut members.values).find(|((one, _), _)| **one == name);
            if let Some(((_, seen), value)) = known {
                *value = map.next_value::<Option<&RawValue>>()?;
                members.has_duplicate |= std::mem::replace(seen, true);
            } else {
                members.has_other_case |= self.0.iter().any(|one| is_same_but_for_case(one, &name));
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }
}

/// Whether the names differ in letter case only, as Unicode sees it: some letters beyond ASCII have a capital in ASCII.
fn is_same_but_for_case(ascii: &str, name: &str) -> bool {
    if name.is_ascii() {
        ascii.eq_ignore_ascii_case(name)
    } else {
        ascii.to_lowercase() == name.to_uppercase().to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values, whether a member comes twice, and whether one comes in another letter case.
    fn read(json: &str) -> Option<([Option<String>; 2], bool, bool)> {
        let read = members(json, &["one", "task"])?;
        let values = read.values.map(|value| value.map(|value| value.get().to_owned()));
        Some((values, read.has_duplicate, read.has_other_case))
    }

    #[test]
    fn members_are_found_by_their_names() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("{}"), Some(([None, None], false, false)));
        let all = r#" {"task": [1, {"one": 2}], "other": {"one": 3}, "one": "x"} "#;
        assert_eq!(read(all), Some(([some("\"x\""), some(r#"[1, {"one": 2}]"#)], false, false)));
        assert_eq!(read(r#"{"one": null}"#), Some(([None, None], false, false)));
        assert_eq!(read(r#"{"\u006fne": 1}"#), Some(([some("1"), None], false, false)));
        for json in ["", "null", "[]", "[[1],2]", "7", "{} x", "{}{}", r#"{"one":}"#, r#"{"one":1"#] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn what_comes_twice_is_noticed() {
        for json in [
            r#"{"one":1,"one":1}"#,
            r#"{"one":null,"one":1}"#,
            r#"{"one":1,"one":null}"#,
            r#"{"one":1,"\u006Fne":2}"#,
        ] {
            assert!(read(json).unwrap().1, "{json}");
        }
        assert!(!read(r#"{"other":1,"other":2,"one":1}"#).unwrap().1);
        for json in [r#"{"One":1}"#, r#"{"ONE":null,"one":1}"#, r#"{"ta\u017fk":1}"#, r#"{"tas\u212a":1}"#] {
            assert!(read(json).unwrap().2, "{json}");
        }
        assert!(!read(r#"{"on":1,"ones":2,"\u00f6ne":1}"#).unwrap().2);
    }

    #[test]
    fn values_have_types() {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        assert_eq!(text(&raw(r#""a\u0062""#)).as_deref(), Some("ab"));
        assert!([text(&raw("7")), text(&raw("null")), text(&raw("[\"a\"]"))].iter().all(Option::is_none));
        assert_eq!(scalar(&raw("7")), Some(Value::from(7)));
        assert!(scalar(&raw("[7]")).is_none() && scalar(&raw("{}")).is_none());
        assert_eq!(elements(&raw("[1, [2]]")).unwrap().len(), 2);
        assert!(elements(&raw("{}")).is_none());
    }
}
