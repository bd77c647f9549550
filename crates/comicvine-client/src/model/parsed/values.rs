//! Dates, years, amounts and running times, in every form that the API writes.

use std::fmt;
use std::time::Duration;

use jiff::civil;
use store_core::{MINUTE, SECOND};

use super::FromText;
use crate::model::field::FieldType;

/// A date: `2012-05-01`, and for characters `Dec 4, 1920`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

impl Date {
    /// The date in the calendar.
    #[must_use]
    pub const fn civil(self) -> civil::Date {
        self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromText for Date {
    const TYPE: FieldType = FieldType::Date;

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let numeric = text
            .parse()
            .or_else(|_| text.parse::<civil::DateTime>().map(civil::DateTime::date));
        numeric
            .or_else(|_| civil::Date::strptime("%b %d, %Y", text))
            .ok()
            .map(Self)
    }
}

/// A date with a time of day: `2008-06-06 11:10:20`. The API names no time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(civil::DateTime);

impl DateTime {
    /// The date and time in the calendar.
    #[must_use]
    pub const fn civil(self) -> civil::DateTime {
        self.0
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.date(), self.0.time())
    }
}

impl FromText for DateTime {
    const TYPE: FieldType = FieldType::DateTime;

    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Self)
    }
}

/// A year: `1963`; of a range such as `1996-2000`, the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Year(u16);

impl Year {
    /// The year.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromText for Year {
    const TYPE: FieldType = FieldType::Year;

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (year, rest) = text.split_at(end.unwrap_or(text.len()));
        let is_year = year.len() == 4 && !rest.starts_with(char::is_alphabetic);
        is_year.then(|| year.parse().ok().map(Self)).flatten()
    }
}

/// An amount of US dollars: `206,852,432`, `$80.2 million`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// The whole dollars.
    #[must_use]
    pub const fn dollars(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromText for Amount {
    const TYPE: FieldType = FieldType::Amount;

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('$').trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | '.')));
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "usd" | "dollars" => 1,
            "k" | "thousand" => 1_000,
            "m" | "million" => 1_000_000,
            "b" | "billion" => 1_000_000_000,
            _ => return None,
        };
        let number = number.replace(',', "");
        let (whole, decimals) = number.split_once('.').unwrap_or((&number, ""));
        let mut dollars = whole.parse::<u64>().ok()?.checked_mul(unit)?;
        let mut place = unit;
        for digit in decimals.chars() {
            place /= 10;
            dollars = dollars.checked_add(place.checked_mul(digit.to_digit(10)?.into())?)?;
        }
        Some(Self(dollars))
    }
}

/// A running time: `126` or `126 min`, in minutes, or `2:24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Runtime(Duration);

impl Runtime {
    /// The running time.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Runtime {
    /// The whole minutes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs() / 60)
    }
}

impl FromText for Runtime {
    const TYPE: FieldType = FieldType::Runtime;

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('.');
        let minutes = text
            .trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .trim_end();
        let has_unit = matches!(
            &text[minutes.len()..].trim(),
            &("" | "min" | "mins" | "minutes")
        );
        let numbers: Option<Vec<u32>> = minutes.split(':').map(|part| part.parse().ok()).collect();
        let duration = match *numbers?.as_slice() {
            [minutes] if has_unit => MINUTE.checked_mul(minutes)?,
            [hours, minutes] => MINUTE.checked_mul(hours.checked_mul(60)?.checked_add(minutes)?)?,
            [hours, minutes, seconds] => {
                let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
                MINUTE.checked_mul(minutes)? + SECOND * seconds
            }
            _ => return None,
        };
        Some(Self(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form() {
        for (text, expected) in [
            ("2012-05-01", "2012-05-01"),
            ("1952-07-07 00:00:00", "1952-07-07"),
            ("2020-12-02 00:00:00.000000", "2020-12-02"),
            ("Dec 4, 1920", "1920-12-04"),
            ("Nov 17, 1493", "1493-11-17"),
        ] {
            let date = Date::from_text(text).map(|date| date.to_string());
            assert_eq!(date.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "0000-00-00", "2012-13-01", "spring 1963", "1975-00-00"] {
            assert_eq!(Date::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn date_times_are_written_as_the_api_does() {
        let text = "2008-06-06 11:10:20";
        assert_eq!(DateTime::from_text(text).unwrap().to_string(), text);
        assert_eq!(DateTime::from_text("0000-00-00 00:00:00"), None);
    }

    #[test]
    fn year_of_a_range_is_its_first() {
        for (text, year) in [
            ("1963", Some(1963)),
            ("1996-2000", Some(1996)),
            ("1990 - 1999", Some(1990)),
            ("63", None),
            ("19630", None),
            ("1960s", None),
        ] {
            assert_eq!(Year::from_text(text).map(Year::number), year, "{text}");
        }
    }

    #[test]
    fn amounts_are_read_with_separators_and_units() {
        for (text, dollars) in [
            ("35000000", Some(35_000_000)),
            ("206,852,432", Some(206_852_432)),
            ("$80.2 million", Some(80_200_000)),
            ("$1.25 Billion", Some(1_250_000_000)),
            ("12.345", Some(12)),
            ("unknown", None),
            ("80 crowns", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(
                Amount::from_text(text).map(Amount::dollars),
                dollars,
                "{text}"
            );
        }
    }

    #[test]
    fn running_times_are_minutes_or_hours_minutes_seconds() {
        for (text, seconds) in [
            ("126", Some(7_560)),
            ("93 min", Some(5_580)),
            ("2:24:00", Some(8_640)),
            ("1:30", Some(5_400)),
            ("2 hours", None),
            ("long", None),
        ] {
            let read = Runtime::from_text(text).map(|runtime| runtime.duration().as_secs());
            assert_eq!(read, seconds, "{text}");
        }
    }
}
