//! Reading and writing RFC 3339 times as microseconds since 1970.

use std::fmt;

/// Reads `YYYY-MM-DDThh:mm:ss`, a fraction after a dot or comma of any length (cut, not rounded, to microseconds),
/// and `Z` or an offset. This is what Go's `time.RFC3339` parser takes, which today's writer reads messages with; one
/// digit for the hour is among it.
pub(super) fn parse(text: &str) -> Option<i64> {
    let shape = Shape::of(text)?;
    let Shape { year, month, day, hour, minute, second, .. } = shape;
    let civil = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let offset = jiff::tz::Offset::from_seconds(shape.offset_seconds).ok()?;
    let seconds = offset.to_timestamp(civil).ok()?;
    Some(seconds.as_microsecond().saturating_add(shape.micros))
}

/// The nearest time that jiff can show: from the start of the year 0000 to its last microsecond.
pub(super) fn shown(micros: i64) -> Result<jiff::Timestamp, jiff::Error> {
    const YEAR_0: i64 = -62_167_219_200_000_000;
    const LAST: i64 = 253_402_207_200_999_999;
    // Asked for microseconds, jiff takes none of the last second.
    let micros = micros.clamp(YEAR_0, LAST);
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or_default();
    jiff::Timestamp::new(micros.div_euclid(1_000_000), nanos)
}

/// Writes a time in UTC, with `Z` and without trailing zeros of the fraction.
pub(super) fn print(micros: i64, out: impl jiff::fmt::Write) -> fmt::Result {
    const PRINTER: jiff::fmt::temporal::DateTimePrinter = jiff::fmt::temporal::DateTimePrinter::new();
    let time = shown(micros).map_err(|_| fmt::Error)?;
    PRINTER.print_timestamp(&time, out).map_err(|_| fmt::Error)
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
