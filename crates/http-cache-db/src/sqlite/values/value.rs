//! A value on its way into the file, as the response that it becomes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use store_core::backend::FillMark;
use store_core::{Clock, Key, NewEntry, Tag, Timestamp, Ttl};

use crate::engine::StoredHead;
use crate::keys::{Salt, TargetKey};
use crate::policy::{ExchangeTimes, RequestHead, VariantKey};
use crate::record::UrlRecord;
use crate::sqlite::commit::Row;
use crate::store::{NewResponse, Tags};

/// The scheme of the URLs of values. Nobody asks for one.
pub(super) const SCHEME: &str = "cache";
/// The target of all requests of values: nothing of it is kept.
const NOTHING_ASKED: &str = "http://cache/";
/// Values that live longer than this live for ever: the end of the range of times.
const FOR_EVER: i64 = i64::MAX;
/// The bytes before the text of a value, at most: a format, times, a length.
const BEFORE_TEXT: usize = 32;
/// The bytes by which text is recognised.
const SAMPLE: usize = 512;

/// A value to store.
#[derive(Debug)]
pub(crate) struct Value {
    pub(super) key: Key,
    pub(super) tags: Vec<Tag>,
    ttl: Ttl,
    clock: Arc<dyn Clock>,
    /// When its fill began, by its token.
    asked_at: Option<Timestamp>,
    /// When its fill began.
    pub(super) began_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    /// What an invalidation since then makes outdated.
    pub(super) subjects: Vec<TargetKey>,
    pub(crate) row: Row,
}

impl AsRef<Row> for Value {
    fn as_ref(&self) -> &Row {
        &self.row
    }
}

impl Value {
    pub(super) fn new(entry: &NewEntry, salt: Salt, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let mark = entry.token.map(FillMark::from);
        let target = Subject::Key(&entry.key).hashed(salt);
        // Without a token, the fill begins now, and nothing has overtaken it.
        let begun = mark.map_or(i64::MAX, |mark| {
            i64::try_from(mark.epoch).unwrap_or(i64::MAX)
        });
        let subjects = [Subject::All].into_iter();
        let subjects = subjects
            .chain(entry.key.scope().map(Subject::Scope))
            .chain(entry.tags.iter().map(|tag| Subject::Tag(tag.as_str())));
        let mut value = Self {
            subjects: subjects.map(|subject| subject.hashed(salt)).collect(),
            key: entry.key.clone(),
            tags: entry.tags.clone(),
            ttl: entry.ttl,
            clock,
            asked_at: mark.map(|mark| mark.began_at),
            began_at: now,
            expires_at: None,
            row: Row {
                target,
                begun,
                url: url_of(&entry.key, now),
                request_headers: Vec::new(),
                response: response(&entry.value, salt, now),
                now,
            },
        };
        value.stamp();
        value
    }

    /// It is stored now.
    pub(super) fn stamp(&mut self) {
        let now = self.clock.now();
        // A fill cannot have begun in the future: the clock was set back.
        self.began_at = self.asked_at.map_or(now, |asked_at| asked_at.min(now));
        self.expires_at = self.ttl.expires_at(now);
        self.row.now = now;
        let response = &mut self.row.response;
        response.head.times = ExchangeTimes {
            requested_at: now,
            received_at: now,
        };
        let end = self.expires_at.map_or(FOR_EVER, Timestamp::as_millis);
        let left = end.saturating_sub(now.as_millis());
        response.lifetime = Duration::from_millis(left.max(0).unsigned_abs());
    }
}

fn response(value: &Bytes, salt: Salt, now: Timestamp) -> NewResponse {
    let mut headers = HeaderMap::new();
    if is_text(value) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    NewResponse {
        request: RequestHead::new(
            Method::GET,
            Uri::from_static(NOTHING_ASKED),
            HeaderMap::new(),
        ),
        head: StoredHead {
            status: StatusCode::OK,
            headers,
            times: ExchangeTimes {
                requested_at: now,
                received_at: now,
            },
            variant: VariantKey::of_all(salt),
            range: None,
            body_len: value.len() as u64,
            stale_since: None,
            is_private: false,
        },
        lifetime: Duration::ZERO,
        must_revalidate: false,
        no_cache: false,
        no_store: false,
        tags: Tags::default(),
        request_tags: Tags::default(),
        equivalence: None,
    }
}

/// Whether a value is text, such as JSON, maybe after a few bytes that say when it was fetched.
fn is_text(value: &[u8]) -> bool {
    let start = BEFORE_TEXT.min(value.len() / 2);
    let sample = value.get(start..).unwrap_or_default();
    let sample = sample.get(..SAMPLE).unwrap_or(sample);
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    !sample.is_empty() && sample.iter().all(is_text)
}

/// The URL under which a value is listed.
fn url_of(key: &Key, now: Timestamp) -> UrlRecord {
    let text = key.as_str();
    let (domain, rest) = match key.scope() {
        Some(scope) => (scope, text.get(scope.len() + 1..).unwrap_or_default()),
        None => ("", text),
    };
    let (path, querystring) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (rest, None),
    };
    let mut url = UrlRecord {
        url_id: None,
        scheme: SCHEME.to_owned(),
        domain: domain.to_owned(),
        port: None,
        path: format!("/{}", path.trim_start_matches('/')),
        querystring,
        fragment: None,
        full_url: String::new(),
        created_at: now,
        modified_at: now,
    };
    url.full_url = url.construct_full_url();
    url
}

/// What can be made invalid.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    Key(&'a Key),
    Scope(&'a str),
    Tag(&'a str),
    All,
}

impl Subject<'_> {
    /// Its name among the invalidations.
    pub(super) fn hashed(self, salt: Salt) -> TargetKey {
        let (kind, name) = match self {
            Self::Key(key) => ("value", key.as_str()),
            Self::Scope(scope) => ("value scope", scope),
            Self::Tag(tag) => ("value tag", tag),
            Self::All => ("values", ""),
        };
        salt.key_of(&[kind, name])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_recognised_behind_a_binary_beginning() {
        let record = |body: &[u8]| [&[1, 252, 0, 0, 7, 0, 3][..], body].concat();
        let json = br#"{"results": ["Cry for the Moon", "Der Mond", "L\u00fcne"]}"#;
        assert!(is_text(&record(json)));
        assert!(is_text(json));
        assert!(is_text("<a>é</a>".as_bytes()));
        assert!(!is_text(b""));
        let image: Vec<u8> = (0..=255).collect();
        assert!(!is_text(&record(&image)));
    }

    #[test]
    fn a_value_is_listed_below_its_scope() {
        let url = |key: &str| url_of(&Key::new(key).unwrap(), Timestamp::default()).full_url;
        assert_eq!(
            url("comics:issue/4000-1?a=b?"),
            "cache://comics/issue/4000-1?a=b?"
        );
        assert_eq!(url("no scope"), "cache:///no scope");
    }
}
