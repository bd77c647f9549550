//! The response to a request: the value, its source and the raw JSON.

use store_core::{Outcome, Timestamp};

use crate::body::{Body, Damage};
use crate::error::{Error, Result};
use crate::fetch::ApiResponse;
use crate::model::{FromJson, RawJson};

/// A response: the value, where it came from, and the API's JSON byte for byte.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response<T> {
    /// The value.
    pub value: T,
    /// The source: the cache, another caller's request, the API, or a stale cache entry.
    pub outcome: Outcome,
    /// When it was fetched from the API, by this process or another.
    pub fetched_at: Timestamp,
    /// The API's `results`, byte for byte; only the selected fields, if some were selected.
    pub raw: RawJson,
    /// What was wrong with the response's text and replaced to read it. Usually nothing.
    pub damage: Vec<Damage>,
}

impl<T> Response<T> {
    pub(crate) fn try_map<U>(
        self,
        convert: impl FnOnce(T, &mut Vec<Damage>) -> Result<U>,
    ) -> Result<Response<U>> {
        let mut damage = self.damage;
        Ok(Response {
            value: convert(self.value, &mut damage)?,
            outcome: self.outcome,
            fetched_at: self.fetched_at,
            raw: self.raw,
            damage,
        })
    }
}

impl Response<RawJson> {
    /// The JSON read as a `T`.
    pub(crate) fn read_as<T: FromJson>(self, subject: &str) -> Result<Response<T>> {
        self.try_map(|raw, damage| {
            read_value(&raw, damage).map_err(|error| Error::undecodable(subject, &error))
        })
    }
}

impl ApiResponse {
    /// The results as `parse` reads them from the body, which is not JSON in rare cases and then repaired.
    pub(crate) fn read<T>(
        self,
        subject: &str,
        parse: impl Fn(&Body) -> Result<(T, RawJson), serde_json::Error>,
    ) -> Result<Response<T>> {
        let read = Body::read(&self.body, |body| {
            parse(body).map(|(value, raw)| (value, raw, body.damage.clone()))
        });
        let (value, raw, damage) = read.map_err(|error| Error::undecodable(subject, &error))?;
        Ok(Response {
            value,
            outcome: self.outcome,
            fetched_at: self.fetched_at,
            raw,
            damage,
        })
    }
}

/// Reads one resource or row; halves of characters are replaced, and noted.
pub(crate) fn read_value<T: FromJson>(
    raw: &RawJson,
    damage: &mut Vec<Damage>,
) -> Result<T, serde_json::Error> {
    let read = T::from_json(raw);
    if (read.is_err() || T::KEEPS_TEXT)
        && let Some(repaired) = raw.without_lone_surrogates()
    {
        if !damage.contains(&Damage::LoneSurrogates) {
            damage.push(Damage::LoneSurrogates);
        }
        return read.or_else(|_| T::from_json(&repaired));
    }
    read
}
