//! Numbers and times as people read them.

use std::time::Duration;

use http_cache_db::Timestamp;

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes: `512 B`, `1.5 MiB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "one digit after the point is shown"
)]
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1_024.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    // From here on it would be rounded up to 1,024.
    while size >= 1_023.95 {
        let Some(next) = units.next() else { break };
        (size, unit) = (size / 1_024.0, next);
    }
    format!("{size:.1} {unit}")
}

/// How many times `stored` fits into `whole`: `4.2x`.
#[expect(
    clippy::cast_precision_loss,
    reason = "one digit after the point is shown"
)]
pub(crate) fn ratio(whole: u64, stored: u64) -> String {
    if stored == 0 {
        return "-".to_owned();
    }
    format!("{:.1}x", whole as f64 / stored as f64)
}

/// A share: `75.0 %`.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// A length of time, in its two largest units: `42ms`, `1m 12s`, `3h 2m`.
pub(crate) fn duration(of: Duration) -> String {
    let of = Duration::from_millis(u64::try_from(of.as_millis()).unwrap_or(u64::MAX));
    let text = humantime::format_duration(of).to_string();
    let units: Vec<_> = text.split(' ').take(2).collect();
    units.join(" ")
}

/// A time of UTC, to the second: `2023-11-14 22:13:20Z`.
pub(crate) fn time(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {}Z", time.get(..8).unwrap_or(time)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_people_read_them() {
        assert_eq!(
            [count(7), count(999), count(1_234_567)],
            ["7", "999", "1,234,567"]
        );
        assert_eq!(
            [size(0), size(1_023), size(1_024)],
            ["0 B", "1023 B", "1.0 KiB"]
        );
        assert_eq!(
            [size(1_536 << 10), size((1 << 30) - 1)],
            ["1.5 MiB", "1.0 GiB"]
        );
        assert!(size(u64::MAX).ends_with(" TiB"));
        assert_eq!([ratio(10, 4), ratio(1, 0)], ["2.5x", "-"]);
        assert_eq!([percent(Some(0.751)), percent(None)], ["75.1 %", "-"]);
    }

    #[test]
    fn a_length_of_time_has_two_units() {
        let of = |millis| duration(Duration::from_millis(millis));
        assert_eq!([of(0), of(42), of(72_500)], ["0s", "42ms", "1m 12s"]);
        assert_eq!(of(3 * 3_600_000 + 125_000), "3h 2m");
    }

    #[test]
    fn times_are_of_utc() {
        let at = |millis| time(Timestamp::from_millis(millis));
        assert_eq!(at(1_700_000_000_123), "2023-11-14 22:13:20Z");
        assert_eq!(at(-1), "-1 ms");
    }
}
