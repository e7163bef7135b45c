//! Types of settings that TOML and serde have none for, to be named in `#[serde_as(as = "…")]`.
//!
//! They are ours where a range counts or where the sentence that refuses a value has to show an example.

use std::net::SocketAddr;
use std::time::Duration;

use bytesize::ByteSize;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_with::DeserializeAs;

/// The longest duration: a thousand years. Sums with it stay within what databases hold.
const LONGEST: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads what a text stands for. Whatever cannot be read so gets the same sentence.
pub(super) fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer).ok();
    text.and_then(|text| read(&text)).ok_or_else(|| D::Error::custom(format_args!("it has to be {expected}")))
}

/// A duration such as "30s".
pub(super) struct Time;

impl<'de> DeserializeAs<'de, Duration> for Time {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let expected = "a duration such as \"500ms\", \"30s\", \"5m\" or \"24h\"";
        let duration = text(deserializer, expected, |text| humantime::parse_duration(text).ok())?;
        if duration > LONGEST { Err(D::Error::custom("it has to be at most 365000d")) } else { Ok(duration) }
    }
}

/// A duration that is longer than nothing.
pub(super) struct PositiveTime;

impl<'de> DeserializeAs<'de, Duration> for PositiveTime {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let duration = Time::deserialize_as(deserializer)?;
        if duration.is_zero() { Err(D::Error::custom("it has to be longer than 0s")) } else { Ok(duration) }
    }
}

/// How long to wait for a database or a client: a day at most, since databases count milliseconds in 32 bits.
pub(super) struct Timeout;

impl<'de> DeserializeAs<'de, Duration> for Timeout {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let duration = PositiveTime::deserialize_as(deserializer)?;
        if duration > DAY { Err(D::Error::custom("it has to be at most 24h")) } else { Ok(duration) }
    }
}

/// Bytes as a number, or as a text with a unit.
pub(super) struct Size;

impl<'de> DeserializeAs<'de, usize> for Size {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
        let size =
            ByteSize::deserialize(deserializer).ok().and_then(|size| usize::try_from(size.as_u64()).ok());
        size.ok_or_else(|| D::Error::custom("it has to be a size such as 1048576, \"64 KiB\" or \"1 MiB\""))
    }
}

/// An address to listen on.
pub(super) struct Address;

impl<'de> DeserializeAs<'de, SocketAddr> for Address {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
        let expected = "an IP address and a port such as 127.0.0.1:8080";
        text(deserializer, expected, |text| text.trim().parse().ok())
    }
}

/// A whole number within a range.
pub(super) struct Whole<const MIN: u32, const MAX: u32>;

impl<'de, T: TryFrom<u32>, const MIN: u32, const MAX: u32> DeserializeAs<'de, T> for Whole<MIN, MAX> {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let number = u32::deserialize(deserializer).ok().filter(|number| (MIN..=MAX).contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| D::Error::custom(format_args!("it has to be a whole number from {MIN} to {MAX}")))
    }
}

/// A text that names something. An empty one, of a variable that was not filled in, would switch a check off or let
/// nobody in.
pub(super) struct Name;

impl<'de> DeserializeAs<'de, String> for Name {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.trim().is_empty() {
            Err(D::Error::custom("it must not be empty; leave the key out for its default"))
        } else {
            Ok(name)
        }
    }
}

/// A name of something to be used, or nothing. An empty one is none, so that a variable can take one back that a file has.
/// It is for what is left undone without a name; what would go unchecked without one is a [`Name`].
pub(super) struct NameOrNothing;

impl<'de> DeserializeAs<'de, Option<String>> for NameOrNothing {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
        Ok(Some(String::deserialize(deserializer)?).filter(|name| !name.trim().is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use serde_with::serde_as;

    use super::*;

    #[serde_as]
    #[derive(Debug, PartialEq, Deserialize)]
    struct Values {
        #[serde_as(as = "PositiveTime")]
        time: Duration,
        #[serde_as(as = "Size")]
        size: usize,
    }

    fn read(time: &str, size: &str) -> Option<(Duration, usize)> {
        toml::from_str(&format!("time = {time}\nsize = {size}"))
            .ok()
            .map(|Values { time, size }| (time, size))
    }

    #[test]
    fn durations_have_units() {
        for (text, seconds) in
            [("30s", 30), ("5m", 300), ("24h", 86_400), ("365d", 31_536_000), ("1h 1s", 3601)]
        {
            assert_eq!(read(&format!("\"{text}\""), "1"), Some((Duration::from_secs(seconds), 1)), "{text}");
        }
        assert_eq!(read("\"500ms\"", "1").unwrap().0, Duration::from_millis(500));
        for wrong in ["\"\"", "\"0s\"", "\"30\"", "30", "\"-1s\"", "\"5 parsecs\"", "\"365001d\""] {
            assert_eq!(read(wrong, "1"), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_are_numbers_or_have_units() {
        for (text, bytes) in [("0", 0), ("1048576", 1 << 20), ("\"1 MiB\"", 1 << 20), ("\"64KiB\"", 1 << 16)]
        {
            assert_eq!(read("\"1s\"", text).unwrap().1, bytes, "{text}");
        }
        for wrong in ["-1", "1.5", "\"\"", "\"much\"", "true"] {
            assert_eq!(read("\"1s\"", wrong), None, "{wrong}");
        }
    }
}
