//! Points in time with microsecond precision, the precision that every store keeps.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rfc3339;

/// Microseconds since 1970-01-01T00:00:00Z, shown as RFC 3339 in UTC with `Z` and without trailing zeros of the
/// fraction.
///
/// A time before the year 0000 is shown as the start of that year (a message that says year 0 and an offset to the east has
/// one), one after 9999-12-30T22:00:00.999999Z, the last that jiff knows, as that.
///
/// ```
/// use gathering_domain::time::Timestamp;
/// let time: Timestamp = "2024-02-06T14:24:00.250000999+02:00".parse()?;
/// assert_eq!(time.to_string(), "2024-02-06T12:24:00.25Z");
/// # Ok::<(), gathering_domain::time::TimestampError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time of the years 0000 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2024-02-06T12:24:00Z")]
pub struct TimestampError;

impl Timestamp {
    /// The time this many microseconds after (or, if negative, before) the start of 1970 in UTC.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start of 1970 in UTC.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This time and then `duration`, at most the largest time there is.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// This time less `duration`, at least the smallest time there is.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How much later this is than `earlier`; `None` if it is earlier.
    ///
    /// ```
    /// use std::time::Duration;
    /// use gathering_domain::time::Timestamp;
    ///
    /// let (start, end) = (Timestamp::from_micros(10), Timestamp::from_micros(25));
    /// assert_eq!(end.checked_duration_since(start), Some(Duration::from_micros(15)));
    /// assert_eq!(start.checked_duration_since(end), None);
    /// assert_eq!(start.saturating_duration_since(end), Duration::ZERO);
    /// ```
    pub const fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        if self.0 < earlier.0 { None } else { Some(Duration::from_micros(self.0.abs_diff(earlier.0))) }
    }

    /// How much later this is than `earlier`; nothing if it is earlier.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.checked_duration_since(earlier).unwrap_or_default()
    }

    /// Appends the text that it is shown as, which is ASCII, in about half the time that formatting takes. Like
    /// formatting, it has an error, and no time leads to it.
    ///
    /// ```
    /// use gathering_domain::time::Timestamp;
    /// let (time, mut out) = ("2024-02-06T12:24:00.25Z".parse::<Timestamp>()?, b"at ".to_vec());
    /// time.write_to(&mut out)?;
    /// assert_eq!(out, b"at 2024-02-06T12:24:00.25Z");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_to(self, out: &mut Vec<u8>) -> fmt::Result {
        rfc3339::print(self.0, out)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Reads every RFC 3339 time of the years 0000 to 9999. A fraction may have any length and is cut, not rounded, to
/// microseconds; a comma before it and a single digit for the hour are accepted, as Go accepts them.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        rfc3339::parse(text).map(Self).ok_or(TimestampError)
    }
}

impl TryFrom<&str> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: &str) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339::print(self.0, jiff::fmt::StdFmtWrite(f))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Cut to microseconds, and at most the largest or smallest time there is.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let epoch = Self(0);
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => epoch.saturating_add(since),
            Err(before) => epoch.saturating_sub(before.duration()),
        }
    }
}

/// The start of 1970 for a time that the platform cannot express; on Linux it can express all of them.
impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_micros(time.0.unsigned_abs());
        let there =
            if time.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        there.unwrap_or(UNIX_EPOCH)
    }
}

/// Cut to microseconds.
impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self(time.as_microsecond())
    }
}

/// The time that it is shown as: one outside the years 0000 to 9999 becomes the nearest of them.
impl From<Timestamp> for jiff::Timestamp {
    fn from(time: Timestamp) -> Self {
        rfc3339::shown(time.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Timestamp>().map_or_else(|_| "refused".to_owned(), |time| time.to_string())
    }

    #[test]
    fn reads_what_the_pipeline_writes() {
        for (text, expected) in [
            ("2023-08-14T09:31:46Z", "2023-08-14T09:31:46Z"),
            ("2023-08-14T09:31:46.25Z", "2023-08-14T09:31:46.25Z"),
            ("2023-08-14T09:31:46,25Z", "2023-08-14T09:31:46.25Z"),
            ("2023-08-14T09:31:46.123456999Z", "2023-08-14T09:31:46.123456Z"),
            ("2023-08-14T09:31:46.000000999Z", "2023-08-14T09:31:46Z"),
            ("2023-08-14T09:31:46.5000+00:00", "2023-08-14T09:31:46.5Z"),
            ("2024-02-06T14:24:00+02:00", "2024-02-06T12:24:00Z"),
            ("2024-02-06T00:10:00-05:30", "2024-02-06T05:40:00Z"),
            ("2024-02-06T9:24:00Z", "2024-02-06T09:24:00Z"),
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00+01:00", "0000-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.75Z", "1969-12-31T23:59:59.75Z"),
            ("9999-12-30T22:00:00.5Z", "9999-12-30T22:00:00.5Z"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "T",
            "2024-02-06",
            "2024-02-06 12:24:00Z",
            "2024-02-06t12:24:00Z",
            "2024-02-06T12:24:00",
            "2024-02-06T12:24:00z",
            "2024-02-06T12:24Z",
            "2024-02-06T12:24:00.Z",
            "2024-02-06T12:24:60Z",
            "2024-02-06T24:00:00Z",
            "2024-02-30T12:24:00Z",
            "2024-13-06T12:24:00Z",
            "24-02-06T12:24:00Z",
            "-024-02-06T12:24:00Z",
            "2024-02-06T12:24:00+2:00",
            "2024-02-06T12:24:00+24:00",
            "2024-02-06T12:24:00Z ",
            " 2024-02-06T12:24:00Z",
            "2024-02-06T12:24:0\u{e9}Z",
            "2024-02-06T12:24:\u{e9}Z",
        ] {
            assert_eq!(shown(text), "refused", "{text:?}");
        }
    }

    #[test]
    fn arithmetic_stays_in_range() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(Timestamp::from_micros(5).saturating_sub(Duration::from_micros(7)).as_micros(), -2);
        assert_eq!(last.to_string(), "9999-12-30T22:00:00.999999Z");
        assert_eq!(Timestamp::from_micros(i64::MIN).to_string(), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn converts_to_the_types_of_others_and_back() {
        for micros in [0, 1, -1, 1_707_222_240_250_000, -62_167_219_200_000_000, 253_402_207_200_999_999] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(Timestamp::from(SystemTime::from(time)), time);
            assert_eq!(Timestamp::from(jiff::Timestamp::from(time)), time);
            assert_eq!(
                serde_json::from_str::<Timestamp>(&serde_json::to_string(&time).unwrap()).unwrap(),
                time
            );
        }
        assert_eq!(
            jiff::Timestamp::from(Timestamp::from_micros(i64::MIN)).to_string(),
            "0000-01-01T00:00:00Z"
        );
        assert!(serde_json::from_str::<Timestamp>("\"yesterday\"").is_err());
        let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
        assert_eq!(last.checked_duration_since(first), Some(Duration::from_micros(u64::MAX)));
    }
}
