//! HTTP dates (RFC 9110, section 5.6.7).

use std::time::{Duration, UNIX_EPOCH};

use store_core::Timestamp;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// A date in any of the three forms, day and month names in any case. Only GMT is a time zone of HTTP.
///
/// ```
/// use http_cache_db::fields::parse_date;
///
/// let date = parse_date("Thu, 18 Aug 2050 02:01:18 GMT");
/// assert_eq!(date, parse_date("Thursday, 18-Aug-50 02:01:18 GMT"));
/// assert_eq!(date, parse_date("Thu Aug 18 02:01:18 2050"));
/// assert_eq!(parse_date("0"), None);
/// ```
#[must_use]
pub fn parse_date(value: &str) -> Option<Timestamp> {
    let value = value.to_ascii_lowercase();
    let seconds = match value.split_once(", ") {
        Some((day_name, rest)) => {
            let rest = rest.strip_suffix(" gmt")?;
            match day_name.len() {
                3 => imf_fixdate(rest)?,
                _ => rfc850_date(rest)?,
            }
        }
        None => asctime_date(&value)?,
    };
    Some(Timestamp::from_millis(seconds * 1_000))
}

/// `time` as an HTTP date, in the preferred form. Times that the form cannot hold become its nearest.
///
/// ```
/// use http_cache_db::fields::format_date;
/// use store_core::Timestamp;
///
/// let date = format_date(Timestamp::from_millis(784_111_777_999));
/// assert_eq!(date, "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[must_use]
pub fn format_date(time: Timestamp) -> String {
    /// The last second of the year 9999, the last that four digits hold.
    const MAX_SECONDS: u64 = 253_402_300_799;
    let millis = u64::try_from(time.as_millis()).unwrap_or(0);
    let seconds = (millis / 1_000).min(MAX_SECONDS);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// `06 nov 1994 08:49:37`
fn imf_fixdate(value: &str) -> Option<i64> {
    let [day, month, year, time] = parts(value, ' ')?;
    seconds(number(year, 4)?, month, number(day, 2)?, time)
}

/// `06-nov-94 08:49:37`
fn rfc850_date(value: &str) -> Option<i64> {
    let [date, time] = parts(value, ' ')?;
    let [day, month, year] = parts(date, '-')?;
    let year = number(year, 2)?;
    // The section asks for the century that is at most 50 years ahead; servers of this form ended long ago.
    let century = if year < 70 { 2_000 } else { 1_900 };
    seconds(century + year, month, number(day, 2)?, time)
}

/// `sun nov  6 08:49:37 1994`
fn asctime_date(value: &str) -> Option<i64> {
    if value.len() != 24 || !value.is_ascii() {
        return None;
    }
    let day = value[8..10].trim_start();
    let year = number(&value[20..], 4)?;
    seconds(year, &value[4..7], number(day, day.len())?, &value[11..19])
}

fn parts<const N: usize>(value: &str, separator: char) -> Option<[&str; N]> {
    let parts: Vec<&str> = value.split(separator).collect();
    parts.try_into().ok()
}

fn number(digits: &str, len: usize) -> Option<i64> {
    let is_number = digits.len() == len && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// Seconds since 1970.
fn seconds(year: i64, month: &str, day: i64, time: &str) -> Option<i64> {
    let month = MONTHS.iter().position(|name| *name == month)?;
    let [hours, minutes, seconds] = parts(time, ':')?;
    let of_day = number(hours, 2)? * 3_600 + number(minutes, 2)? * 60 + number(seconds, 2)?;
    let is_valid = (1..=31).contains(&day) && of_day <= 86_400;
    is_valid.then(|| days(year, month, day) * 86_400 + of_day)
}

/// Days from 1970 to a date of the Gregorian calendar: years counted from March, so that the leap day is the last.
fn days(year: i64, month: usize, day: i64) -> i64 {
    /// Days before each month of a year that begins in March, January first.
    const BEFORE: [i64; 12] = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];
    /// Days from March 1st of the year 0 to 1970.
    const EPOCH: i64 = 719_468;
    let year = if month < 2 { year - 1 } else { year };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + BEFORE[month] + day - 1 - EPOCH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_form_is_read_in_any_case() {
        for value in [
            "Thu, 18 Aug 2050 02:01:18 GMT",
            "THU, 18 Aug 2050 02:01:18 GMT",
            "Thu, 18 AUG 2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02:01:18 gMT",
            "Thursday, 18-Aug-50 02:01:18 GMT",
            "Thu Aug 18 02:01:18 2050",
        ] {
            let expected = Some(Timestamp::from_millis(2_544_400_878_000));
            assert_eq!(parse_date(value), expected, "{value}");
        }
        assert!(parse_date("Thu Aug  8 02:01:18 2050").is_some());
    }

    #[test]
    fn what_is_no_date_is_none() {
        for value in [
            "",
            "0",
            "Thu, 18 Aug 2050 02:01:18 UTC",
            "Thu, 18 Aug 2050 02:01:18 AEST",
            "Thu, 18 Aug 50 02:01:18 GMT",
            "Thu 18 Aug 2050 02:01:18 GMT",
            "Thu, 18  Aug  2050 02:01:18 GMT",
            "Thu, 18-Aug-2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02.01.18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT",
            "Thu, 00 Aug 2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 99:01:18 GMT",
        ] {
            assert_eq!(parse_date(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_formatted_date_is_read_back(seconds in 0i64..253_402_300_800) {
            let time = Timestamp::from_millis(seconds * 1_000);
            prop_assert_eq!(parse_date(&format_date(time)), Some(time));
        }

        #[test]
        fn any_text_is_read_or_not(text in "\\PC{0,40}") {
            let _no_panic = parse_date(&text);
        }
    }
}
