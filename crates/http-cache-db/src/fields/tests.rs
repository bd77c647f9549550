//! Every parser takes any text, in time that grows with its length.

use std::hint::black_box;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use store_core::{Clock, SystemClock};

use super::*;

/// Texts that were or could be trouble.
const CORPUS: [&str; 24] = [
    "",
    ",",
    ",,,",
    "\"",
    "\"\\",
    "\"\\\"",
    "max-age=",
    "max-age=\"",
    "max-age=9999999999999999999999",
    "max-age=-9223372036854775808",
    "no-cache=\"a,b",
    "private=\"\"",
    "W/",
    "W/\"",
    "*",
    "bytes=",
    "bytes=-",
    "bytes=18446744073709551615-",
    "bytes=-18446744073709551616",
    "bytes 0-18446744073709551615/*",
    "Thu, 99 Aug 9999 99:99:99 GMT",
    "Thu, 31 Feb 2050 24:00:00 GMT",
    "a=((((",
    "a=%\"%",
];

fn parse_all(text: &str) {
    let mut headers = HeaderMap::new();
    let names = [
        "age",
        "cache-control",
        "cdn-cache-control",
        "content-range",
        "date",
        "etag",
        "expires",
        "if-none-match",
        "if-range",
        "pragma",
        "range",
        "vary",
    ];
    if let Ok(value) = HeaderValue::from_str(text) {
        for name in names {
            headers.append(HeaderName::from_static(name), value.clone());
            headers.append(HeaderName::from_static(name), value.clone());
        }
    }
    black_box(RequestFields::parse(&headers));
    black_box(ResponseFields::parse(&headers, TargetedFields::Cdn));
    black_box(CacheControl::parse(text));
    black_box(parse_dictionary(text));
    black_box(parse_date(text));
    black_box(ContentRange::parse(text));
    black_box(RangeField::parse(text));
}

#[test]
fn the_corpus_is_read_without_a_panic() {
    CORPUS.into_iter().for_each(parse_all);
}

/// The least of several times for `text`, parsed by all.
fn least_time(text: &str) -> Duration {
    let clock = SystemClock::new();
    let times = (0..7).map(|_| {
        let started = clock.monotonic();
        parse_all(text);
        clock.monotonic().saturating_sub(started)
    });
    times.min().unwrap_or_default()
}

#[test]
fn twice_the_text_takes_at_most_three_times_as_long() {
    let keys: Vec<_> = (0..1_000).map(|number| format!("k{number}=1")).collect();
    let keys = keys.join(", ") + ", ";
    for unit in [
        "a, ",
        "\"",
        "a=1;b, ",
        "W/\"a\", ",
        "max-age=1, ",
        "((",
        &keys,
    ] {
        let text = unit.repeat(10_000 / unit.len());
        // A busy machine may delay one side; quadratic work takes four times as long in every try.
        let is_linear = || least_time(&text.repeat(2)) < least_time(&text) * 3;
        assert!((0..5).any(|_| is_linear()), "{unit:.20}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "[ -~\u{80}-\u{ff}]{0,80}") {
        parse_all(&text);
    }

    #[test]
    fn texts_like_fields_are_read_without_a_panic(
        text in "([a-z-]{1,9}|=|,|;|\"|\\\\|[0-9]{1,22}|bytes|\\*|/| |-){0,20}"
    ) {
        parse_all(&text);
    }

    #[test]
    fn a_range_within_a_length_stays_within_it(
        first in any::<u64>(), last in any::<Option<u64>>(), len in any::<u64>()
    ) {
        for range in [ByteRange::From { first, last }, ByteRange::Suffix(first)] {
            if let Some((from, to)) = range.within(len) {
                prop_assert!(from <= to && to < len);
            }
        }
    }
}
