//! Points in time with microsecond precision, the precision that every store keeps.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z, shown as RFC 3339 in UTC with `Z` and without trailing zeros of the
/// fraction.
///
/// A time before the year 0000 is shown as the start of that year (a message that says year 0 and an offset to the east has
/// one), one after 9999-12-30T22:00:00.999999Z, the last that jiff knows, as that.
///
/// ```
/// use gathering_domain::Timestamp;
/// let time: Timestamp = "2024-02-06T14:24:00.250000999+02:00".parse()?;
/// assert_eq!(time.to_string(), "2024-02-06T12:24:00.25Z");
/// # Ok::<(), gathering_domain::TimestampError>(())
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

    /// Appends the text that it is shown as, which is ASCII, in about half the time that formatting takes. Like
    /// formatting, it has an error, and no time leads to it.
    ///
    /// ```
    /// use gathering_domain::Timestamp;
    /// let (time, mut out) = ("2024-02-06T12:24:00.25Z".parse::<Timestamp>()?, b"at ".to_vec());
    /// time.write_to(&mut out)?;
    /// assert_eq!(out, b"at 2024-02-06T12:24:00.25Z");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_to(self, out: &mut Vec<u8>) -> fmt::Result {
        self.print(out)
    }

    fn print(self, out: impl jiff::fmt::Write) -> fmt::Result {
        const PRINTER: jiff::fmt::temporal::DateTimePrinter = jiff::fmt::temporal::DateTimePrinter::new();
        const YEAR_0: i64 = -62_167_219_200_000_000;
        const LAST: i64 = 253_402_207_200_999_999;
        // Asked for microseconds, jiff takes none of the last second.
        let shown = self.0.clamp(YEAR_0, LAST);
        let nanos = i32::try_from(shown.rem_euclid(1_000_000) * 1000).map_err(|_| fmt::Error)?;
        let time = jiff::Timestamp::new(shown.div_euclid(1_000_000), nanos).map_err(|_| fmt::Error)?;
        PRINTER.print_timestamp(&time, out).map_err(|_| fmt::Error)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Reads `YYYY-MM-DDThh:mm:ss`, a fraction after a dot or comma of any length (cut, not rounded, to microseconds),
/// and `Z` or an offset. This is what Go's `time.RFC3339` parser takes, which today's writer reads messages with; one
/// digit for the hour is among it.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let shape = Shape::of(text).ok_or(TimestampError)?;
        let civil = jiff::civil::DateTime::new(
            shape.year,
            shape.month,
            shape.day,
            shape.hour,
            shape.minute,
            shape.second,
            0,
        )
        .map_err(|_| TimestampError)?;
        let offset = jiff::tz::Offset::from_seconds(shape.offset_seconds).map_err(|_| TimestampError)?;
        let seconds = offset.to_timestamp(civil).map_err(|_| TimestampError)?;
        Ok(Self(seconds.as_microsecond().saturating_add(shape.micros)))
    }
}

/// The fields of a time text, each within the digits of its place; jiff then judges their ranges.
struct Shape {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    micros: i64,
    offset_seconds: i32,
}

impl Shape {
    fn of(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once('T')?;
        let (date, day) = date.rsplit_once('-')?;
        let (year, month) = date.rsplit_once('-')?;
        let (hour, rest) = rest.split_once(':')?;
        let (minute, rest) = rest.split_once(':')?;
        let (second, rest) = rest.split_at_checked(2)?;
        let (micros, zone) = fraction(rest)?;
        // jiff reads the second 60 as a leap second, Go refuses it.
        let second = digits(second, 2).filter(|second| *second < 60)?;
        Some(Self {
            year: digits(year, 4)?,
            month: digits(month, 2)?.try_into().ok()?,
            day: digits(day, 2)?.try_into().ok()?,
            hour: digits(hour, hour.len().clamp(1, 2))?.try_into().ok()?,
            minute: digits(minute, 2)?.try_into().ok()?,
            second: second.try_into().ok()?,
            micros,
            offset_seconds: offset(zone)?,
        })
    }
}

fn digits(text: &str, len: usize) -> Option<i16> {
    let all = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

/// Splits an optional fraction from the zone behind it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, zone) = rest.split_at_checked(len).filter(|(fraction, _)| !fraction.is_empty())?;
    let micros = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    Some((micros.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')), zone))
}

fn offset(zone: &str) -> Option<i32> {
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("Z", "") => return Some(0),
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let hours = i32::from(digits(hours, 2).filter(|hours| *hours < 24)?);
    let minutes = i32::from(digits(minutes, 2).filter(|minutes| *minutes < 60)?);
    Some(sign * (hours * 3600 + minutes * 60))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(jiff::fmt::StdFmtWrite(f))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
}
