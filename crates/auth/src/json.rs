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
    /// Which of them are there, be it as null.
    pub(crate) are_there: [bool; N],
    /// Whether one of them comes twice, so that nobody could say which one counts.
    pub(crate) has_duplicate: bool,
    /// Whether one comes in another letter case. Some readers, such as those written in Go, take it for the same.
    pub(crate) has_other_case: bool,
}

impl<'a, const N: usize> Members<'a, N> {
    /// The members, in which null is told from nothing.
    pub(crate) fn found(&self) -> [Found<'a>; N] {
        let mut found = [Found::Nothing; N];
        for ((place, value), is_there) in found.iter_mut().zip(self.values).zip(self.are_there) {
            *place = match value {
                Some(value) => Found::Value(value),
                None if is_there => Found::Null,
                None => Found::Nothing,
            };
        }
        found
    }
}

/// The members with these names; `None` if the text is not exactly one JSON object.
pub(crate) fn members<'a, const N: usize>(json: &'a str, names: &[&str; N]) -> Option<Members<'a, N>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = Names(names).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(members)
}

/// What is at the end of a way through JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    /// Nothing: a member on the way is not there.
    Nothing,
    /// Null, at the end or on the way.
    Null,
    /// A value that is not null.
    Value(&'a RawValue),
    /// The way goes on where there is neither an object nor a list, or to an element that a list does not have.
    NoWay,
}

/// What is at the end of a way of names and indices; `None` if a name comes twice on it.
pub(crate) fn follow<'a>(start: Found<'a>, way: &[String]) -> Option<Found<'a>> {
    way.iter().try_fold(start, |found, step| match found {
        Found::Value(object) if object.get().starts_with('{') => {
            let members = members(object.get(), &[step])?;
            if members.has_duplicate { None } else { members.found().into_iter().next() }
        }
        Found::Value(list) if list.get().starts_with('[') => Some(element(list, step)),
        Found::Value(_) | Found::NoWay => Some(Found::NoWay),
        Found::Nothing | Found::Null => Some(found),
    })
}

/// The element of a list with this index, in the digits of RFC 6901.
fn element<'a>(list: &'a RawValue, index: &str) -> Found<'a> {
    let is_canonical = index == "0" || !index.starts_with(['0', '+']);
    let index = index.parse::<usize>().ok().filter(|_| is_canonical);
    let element = index.and_then(|index| elements(list)?.into_iter().nth(index));
    element.filter(|element| element.get() != "null").map_or(Found::NoWay, Found::Value)
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
        let mut members =
            Members { values: [None; N], are_there: [false; N], has_duplicate: false, has_other_case: false };
        while let Some(Name(name)) = map.next_key()? {
            if self.0.iter().any(|one| **one == name) {
                let found = map.next_value::<Option<&RawValue>>()?;
                let places = self.0.iter().zip(&mut members.are_there).zip(&mut members.values);
                // Of several, if a name is asked for more than once.
                for ((_, is_there), value) in places.filter(|((one, _), _)| **one == name) {
                    *value = found;
                    members.has_duplicate |= std::mem::replace(is_there, true);
                }
            } else {
                members.has_other_case |= self.0.iter().any(|one| is_same_but_for_case(one, &name));
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }
}

/// Whether the names differ in letter case only, as Unicode sees it: some letters beyond ASCII have a capital in ASCII. It
/// stops at the first other letter, since anybody can send many names.
fn is_same_but_for_case(ascii: &str, name: &str) -> bool {
    if name.is_ascii() {
        ascii.eq_ignore_ascii_case(name)
    } else {
        let folded = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        folded.eq(ascii.chars().flat_map(char::to_lowercase))
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
    fn a_way_leads_through_objects_and_lists() {
        let end = |json: &str, way: &str| {
            let start = RawValue::from_string(json.to_owned()).unwrap();
            let way: Vec<_> = way.split_terminator('/').map(str::to_owned).collect();
            follow(Found::Value(&start), &way).map(|found| match found {
                Found::Nothing => "nothing".to_owned(),
                Found::Null => "null".to_owned(),
                Found::Value(value) => value.get().to_owned(),
                Found::NoWay => "no way".to_owned(),
            })
        };
        for (json, way, expected) in [
            ("7", "", "7"),
            (r#"{"a": {"b": [1, 2]}}"#, "a/b", "[1, 2]"),
            (r#"{"a": {"b": [1, 2]}}"#, "a/b/1", "2"),
            (r#"{"a": {"0": 3}}"#, "a/0", "3"),
            (r#"{"\u0061": [[{"b": 4}]]}"#, "a/0/0/b", "4"),
            (r#"{"a": {}}"#, "a/b", "nothing"),
            ("{}", "a/b/c", "nothing"),
            (r#"{"a": null}"#, "a", "null"),
            (r#"{"a": null}"#, "a/b/c", "null"),
            (r#"{"a": "b"}"#, "a/b", "no way"),
            (r#"{"a": 7}"#, "a/b", "no way"),
            (r#"{"a": [1, 2]}"#, "a/2", "no way"),
            (r#"{"a": [1, 2]}"#, "a/-", "no way"),
            (r#"{"a": [1, 2]}"#, "a/-1", "no way"),
            (r#"{"a": [1, 2]}"#, "a/+1", "no way"),
            (r#"{"a": [1, 2]}"#, "a/01", "no way"),
            (r#"{"a": [1, 2]}"#, "a/18446744073709551616", "no way"),
            (r#"{"a": [ null ]}"#, "a/0", "no way"),
            (r#"{"a": []}"#, "a/0/b", "no way"),
        ] {
            assert_eq!(end(json, way).as_deref(), Some(expected), "{json} {way}");
        }
        for twice in [r#"{"a":{"b":1,"b":1}}"#, r#"{"a":{"b":null,"\u0062":1}}"#, r#"{"a":{},"a":{"b":1}}"#] {
            assert_eq!(end(twice, "a/b"), None, "{twice}");
        }
        assert_eq!(end(r#"{"a":{"b":1,"c":1,"c":2},"d":1,"d":2}"#, "a/b").as_deref(), Some("1"));
    }

    #[test]
    fn a_name_may_be_asked_for_twice() {
        let found = members(r#"{"a": 1}"#, &["a", "a"]).unwrap();
        assert!(!found.has_duplicate && found.values.iter().all(|value| value.unwrap().get() == "1"));
        assert!(members(r#"{"a": 1, "a": 1}"#, &["a", "a"]).unwrap().has_duplicate);
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
