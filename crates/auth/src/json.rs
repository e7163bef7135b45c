//! Reading the members of a JSON object that count, from documents of others: no matter how a document is arranged, what
//! is made of it stays smaller than its text.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members that count of an object, in the order of their names. What is null is as good as absent.
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) values: [Option<&'a RawValue>; N],
    /// One of them comes twice: which of both counts would be a guess.
    pub(crate) comes_twice: bool,
    /// One comes in another letter case, which some readers take for the same (those written in Go do).
    pub(crate) comes_in_other_case: bool,
}

/// The members with these names; `None` if the text is no JSON object, or goes on behind it.
pub(crate) fn members<'a, const N: usize>(json: &'a str, names: &[&str; N]) -> Option<Members<'a, N>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = Names(names).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(members)
}

/// A text, number or truth value; `None` for lists and objects.
pub(crate) fn scalar(value: &RawValue) -> Option<Value> {
    if value.get().starts_with(['[', '{']) { None } else { serde_json::from_str(value.get()).ok() }
}

/// A text; `None` for anything else.
pub(crate) fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// The elements of a list; `None` for anything else.
pub(crate) fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
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
        let mut members = Members { values: [None; N], comes_twice: false, comes_in_other_case: false };
        let mut seen = [false; N];
        while let Some(Name(name)) = map.next_key()? {
            let known =
                self.0.iter().zip(&mut seen).zip(&mut members.values).find(|((one, _), _)| **one == name);
            if let Some(((_, seen), value)) = known {
                *value = map.next_value::<Option<&RawValue>>()?;
                members.comes_twice |= std::mem::replace(seen, true);
            } else {
                members.comes_in_other_case |= self.0.iter().any(|one| is_same_but_for_case(one, &name));
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }
}

/// Whether the names differ in letter case only, as Unicode sees it: there are letters beside those of ASCII whose
/// capital is one of ASCII.
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

    /// What is there, whether something comes twice, and whether in another letter case.
    fn read(json: &str) -> Option<([Option<String>; 2], bool, bool)> {
        let read = members(json, &["one", "task"])?;
        let values = read.values.map(|value| value.map(|value| value.get().to_owned()));
        Some((values, read.comes_twice, read.comes_in_other_case))
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
    fn what_comes_twice_is_told() {
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
