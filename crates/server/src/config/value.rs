//! Values of the configuration that TOML has no type for.

use std::net::SocketAddr;
use std::time::Duration;

use bytesize::ByteSize;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The longest duration: a thousand years. Sums with it stay within what databases hold.
const MAX: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    const EXPECTED: &str = "it has to be a duration such as \"500ms\", \"30s\", \"5m\" or \"24h\"";
    let text = String::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
    let duration = humantime::parse_duration(&text).map_err(|_| D::Error::custom(EXPECTED))?;
    if duration > MAX { Err(D::Error::custom("it has to be at most 365000d")) } else { Ok(duration) }
}

pub(super) fn positive_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = duration(deserializer)?;
    if duration.is_zero() { Err(D::Error::custom("it has to be longer than 0s")) } else { Ok(duration) }
}

/// A wait for a database: a day at most, since databases count milliseconds in 32 bits.
pub(super) fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = positive_duration(deserializer)?;
    if duration > Duration::from_secs(86_400) {
        Err(D::Error::custom("it has to be at most 24h"))
    } else {
        Ok(duration)
    }
}

/// Bytes as a number, or as a text with a unit.
pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Size {
        Bytes(u64),
        Text(String),
    }
    const EXPECTED: &str = "it has to be a size such as 1048576, \"64 KiB\" or \"1 MiB\"";
    let bytes = match Size::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))? {
        Size::Bytes(bytes) => bytes,
        Size::Text(text) => text.parse::<ByteSize>().map_err(|_| D::Error::custom(EXPECTED))?.as_u64(),
    };
    usize::try_from(bytes).map_err(|_| D::Error::custom(EXPECTED))
}

/// An address to listen on.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let expected = || D::Error::custom("it has to be an IP address and a port such as 127.0.0.1:8080");
    String::deserialize(deserializer).map_err(|_| expected())?.trim().parse().map_err(|_| expected())
}

/// A whole number within a range.
pub(super) fn whole<'de, D, T, const MIN: u32, const MAX: u32>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u32>,
{
    let expected = || D::Error::custom(format!("it has to be a whole number from {MIN} to {MAX}"));
    let number = u32::deserialize(deserializer).map_err(|_| expected())?;
    let number = Some(number).filter(|number| (MIN..=MAX).contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(expected)
}

/// A value that its own type reads from a text.
pub(super) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Values {
        #[serde(deserialize_with = "positive_duration")]
        time: Duration,
        #[serde(deserialize_with = "size")]
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
