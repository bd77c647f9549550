//! The invented responses that are stored: shaped as those of the Comic Vine API, always the same.

mod body;
mod prose;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use http_cache_db::engine::StoredResponse;
use http_cache_db::policy::{ExchangeTimes, Mode, Policy, RequestHead, ResponseHead};
use http_cache_db::store::NewResponse;
use http_cache_db::{Salt, Timestamp};
use store_core::Random as _;
use store_core::backend::SeededRandom;

use crate::error::Error;

/// The seed of the corpus: another one makes other bodies.
const SEED: u64 = 9_111;
/// 29 November 2026, 00:00 UTC.
const RECEIVED_AT: i64 = 1_795_910_400_000;

/// A response, and the request that it answers.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The place in the corpus.
    place: u64,
    pub(crate) target: Uri,
    pub(crate) url: String,
    pub(crate) request: HeaderMap,
    pub(crate) response: HeaderMap,
    pub(crate) body: Bytes,
}

/// The first `count` entries.
pub(crate) fn entries(count: u64) -> Result<Vec<Entry>, Error> {
    let random = SeededRandom::new(SEED);
    (0..count).map(|place| Entry::new(&random, place)).collect()
}

impl Entry {
    fn new(random: &SeededRandom, place: u64) -> Result<Self, Error> {
        let id = 1_000 + 7 * place;
        let body = body::issue(random, id, length(random));
        let url = format!(
            "https://comicvine.example/api/issue/4000-{id}/\
             ?format=json&field_list=id,name,volume,cover_date,description"
        );
        Ok(Self {
            place,
            target: Uri::try_from(&url).map_err(http::Error::from)?,
            url,
            request: map(&request())?,
            response: map(&response(random, place, body.len()))?,
            body: Bytes::from(body),
        })
    }

    /// The same with a body of this length, of its own text, and with a path of its own.
    pub(crate) fn with_body_of(mut self, len: usize) -> Result<Self, Error> {
        self.url = self.url.replace("/api/", &format!("/{len}/"));
        self.target = Uri::try_from(&self.url).map_err(http::Error::from)?;
        self.body = self.body.iter().copied().cycle().take(len).collect();
        self.response
            .insert("content-length", HeaderValue::from(len));
        Ok(self)
    }

    /// The fields of the response to a validation `later` seconds after the first request.
    pub(crate) fn validated(&self, later: u64) -> Result<HeaderMap, Error> {
        let mut fields = self.response.clone();
        let date = date(self.place * 3 + later);
        let date = HeaderValue::try_from(date).map_err(http::Error::from)?;
        fields.insert("date", date);
        Ok(fields)
    }

    /// What the store is given of this response with these fields, received `later` seconds after the first.
    pub(crate) fn new_response(
        &self,
        fields: HeaderMap,
        later: i64,
        salt: Salt,
        policy: &Policy,
    ) -> Option<NewResponse> {
        let request = RequestHead::new(Method::GET, self.target.clone(), self.request.clone());
        let response = ResponseHead::new(StatusCode::OK, fields, policy);
        let received_at = Timestamp::from_millis(RECEIVED_AT + 1_000 * later);
        let times = ExchangeTimes {
            requested_at: Timestamp::from_millis(RECEIVED_AT + 1_000 * later - 120),
            received_at,
        };
        let len = self.body.len() as u64;
        let stored = StoredResponse::new(&request, response, times, len, salt, policy)?;
        Some(NewResponse::new(request, &stored, policy))
    }
}

/// The rules of a client's cache.
pub(crate) fn policy() -> Policy {
    Policy::new(Mode::Private)
}

/// The length of a body, in bytes: lognormal, as those of the API are.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is clamped"
)]
fn length(random: &SeededRandom) -> usize {
    const MEDIAN: f64 = 2_500.0;
    const SIGMA: f64 = 1.42;
    // The sum of twelve uniform numbers is nearly normal.
    let sum: f64 = (0..12).map(|_| unit(random)).sum();
    let length = MEDIAN * (SIGMA * (sum - 6.0)).exp();
    length.clamp(700.0, 200_000.0) as usize
}

/// A number from 0 to 1.
fn unit(random: &SeededRandom) -> f64 {
    let [high, low, ..] = random.next_u64().to_le_bytes();
    f64::from(u16::from_le_bytes([high, low])) / f64::from(u16::MAX)
}

fn map(lines: &[(&'static str, String)]) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::try_from(value).map_err(http::Error::from)?;
        map.append(HeaderName::from_static(name), value);
    }
    Ok(map)
}

fn request() -> [(&'static str, String); 3] {
    [
        ("accept", "application/json".into()),
        (
            "user-agent",
            "comicvine-client/0.1 (https://example.org)".into(),
        ),
        ("accept-encoding", "gzip".into()),
    ]
}

/// Twelve lines, of which four are nearly always new: `date`, `content-length`, `etag` and `last-modified`.
fn response(random: &SeededRandom, place: u64, len: usize) -> [(&'static str, String); 12] {
    let tag = random.next_u64() >> 16;
    let (day, hour, minute) = (place % 28 + 1, place % 24, place % 60);
    [
        ("date", date(place * 3)),
        ("content-type", "application/json; charset=utf-8".into()),
        ("content-length", len.to_string()),
        ("server", "nginx".into()),
        ("cache-control", "public, max-age=3600".into()),
        ("etag", format!("W/\"{tag:012x}\"")),
        ("vary", "Accept-Encoding".into()),
        ("x-frame-options", "SAMEORIGIN".into()),
        ("x-content-type-options", "nosniff".into()),
        ("strict-transport-security", "max-age=31536000".into()),
        ("access-control-allow-origin", "*".into()),
        (
            "last-modified",
            format!("{} Oct 2026 {hour:02}:{minute:02}:00 GMT", weekday(day)),
        ),
    ]
}

/// A second of 29 November 2026.
fn date(second: u64) -> String {
    let (hour, minute, second) = (second / 3_600 % 24, second / 60 % 60, second % 60);
    format!("Sun, 29 Nov 2026 {hour:02}:{minute:02}:{second:02} GMT")
}

/// A day of October 2026 with its name.
fn weekday(day: u64) -> String {
    let name = match day % 7 {
        0 => "Wed",
        1 => "Thu",
        2 => "Fri",
        3 => "Sat",
        4 => "Sun",
        5 => "Mon",
        _ => "Tue",
    };
    format!("{name}, {day:02}")
}

#[cfg(test)]
mod tests {
    use http_cache_db::codec::{Codec as _, Zstd};

    use super::*;

    #[test]
    fn the_bodies_have_the_sizes_and_the_repetitions_of_real_ones() {
        let entries = entries(2_000).unwrap();
        let lengths: Vec<usize> = entries.iter().map(|entry| entry.body.len()).collect();
        let sum: usize = lengths.iter().sum();
        assert!((5_000..8_000).contains(&(sum / lengths.len())), "{sum}");
        assert!(lengths.iter().all(|len| (600..210_000).contains(len)));
        let compressed = |entry: &Entry| Zstd::default().compress(&entry.body).unwrap().len();
        let ratio = sum * 10 / entries.iter().map(compressed).sum::<usize>();
        assert!((27..33).contains(&ratio), "{ratio} tenths");
    }

    #[test]
    fn the_corpus_is_always_the_same() {
        let (first, second) = (entries(3).unwrap(), entries(3).unwrap());
        for (first, second) in first.iter().zip(&second) {
            assert_eq!(first.body, second.body);
            assert_eq!(first.response, second.response);
            assert_eq!(first.response.len(), 12);
        }
        assert_ne!(first[0].body, first[1].body);
    }

    #[test]
    fn every_entry_is_stored() {
        let (entries, policy) = (entries(3).unwrap(), policy());
        for entry in &entries {
            let fields = entry.validated(60).unwrap();
            let salt = Salt::from_bytes([7; 16]);
            assert!(entry.new_response(fields, 60, salt, &policy).is_some());
        }
    }
}
