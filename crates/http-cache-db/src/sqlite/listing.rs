//! Stored responses in a list, and those of a URL.

use http::Uri;
use sqlite_database::rusqlite::{Connection, params};
use store_core::{Result, Timestamp};
use url::Url;

use super::store::SqliteStore;
use crate::keys::TargetKey;
use crate::redaction::Redaction;
use crate::store::{Equivalence, ResponseId, ResponseStore};

/// Which stored responses to list, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlFilter {
    /// Only those of this host, with its port if it has one: `example.org`, `127.0.0.1:3000`. The host alone stands
    /// for all its ports. Default: all hosts.
    pub host: Option<String>,
    /// Only those that are stale now.
    pub stale: bool,
    /// Only those that no request has used.
    pub never_hit: bool,
    /// Which come first.
    pub order: UrlOrder,
    /// At most so many. Default: all.
    pub limit: Option<u32>,
}

/// Which stored responses come first in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UrlOrder {
    /// Those that most requests have used.
    #[default]
    Hits,
    /// Those with the longest bodies.
    Size,
    /// Those that were received, or confirmed by their origin, longest ago.
    Age,
    /// By URL.
    Url,
}

impl UrlOrder {
    const fn sql(self) -> &'static str {
        match self {
            Self::Hits => "hit_count DESC, full_url, response_id",
            Self::Size => "original_size DESC, full_url, response_id",
            Self::Age => "responded_at, full_url, response_id",
            Self::Url => "full_url, response_id",
        }
    }
}

/// A stored response in a list. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredUrl {
    /// Its name in the store.
    pub response: ResponseId,
    /// The target, without its secrets.
    pub url: String,
    /// The method of the request.
    pub method: String,
    /// The status.
    pub status: u16,
    /// When it was received, or confirmed by its origin.
    pub responded_at: Timestamp,
    /// Until when it is fresh.
    pub expires_at: Timestamp,
    /// The value of `Content-Type`.
    pub content_type: Option<String>,
    /// The length of the body.
    pub body_len: u64,
    /// The bytes that it takes.
    pub stored_len: u64,
    /// The persistent name of the codec: `zstd-3`.
    pub codec: String,
    /// The version of the body, 1 for the first.
    pub version: u64,
    /// How many requests it has answered.
    pub hits: u64,
    /// When it answered one last.
    pub last_hit_at: Option<Timestamp>,
}

/// A URL of which responses are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundUrl {
    /// The target, as a store is asked for it.
    pub target: TargetKey,
    /// The target, without its secrets.
    pub url: String,
    /// Its responses, latest first.
    pub responses: Vec<ResponseId>,
}

/// What people look for.
impl SqliteStore {
    /// Stored responses in a list.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn urls(&self, filter: UrlFilter) -> Result<Vec<StoredUrl>> {
        let opened = self.shared.opened("urls")?;
        let now = self.shared.options.clock.now();
        let urls = opened
            .database
            .long_read(move |db| list(db, &filter, now))
            .await;
        urls.map_err(|error| self.shared.error(error, "urls"))
    }

    /// The stored URLs that `url` names: the target that a request asked for, exactly; or else those that are the
    /// same without their secrets, in which form [`urls`](Self::urls) lists them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn find_url(&self, url: &str) -> Result<Vec<FoundUrl>> {
        let uri = parse(url);
        let redaction = &self.shared.options.redaction;
        let texts = [
            Some(url.to_owned()),
            uri.as_ref().map(Uri::to_string),
            redacted(redaction, uri.as_ref()),
        ];
        let target = uri.map(|uri| self.salt().target_key(&uri));
        let opened = self.shared.opened("find_url")?;
        let found = opened
            .database
            .long_read(move |db| find(db, target, &texts));
        let found = found.await;
        found.map_err(|error| self.shared.error(error, "find_url"))
    }

    /// Removes the responses of all URLs that `url` [names](Self::find_url), and makes fills of it that have begun
    /// store nothing. Yields how many responses were removed.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn invalidate_url(&self, url: &str) -> Result<u64> {
        let mut removed = 0;
        for target in self.targets_of(url).await? {
            removed += self.invalidate(target).await?;
        }
        Ok(removed)
    }

    /// The targets that a URL stands for, and the key by which others are equivalent to it.
    pub(super) async fn targets_of(&self, url: &str) -> Result<Vec<TargetKey>> {
        // Also if nothing is stored of it yet.
        let (uri, salt) = (parse(url), self.salt());
        let base = uri.iter().map(|uri| Equivalence::base(uri, salt));
        let exact = uri.iter().map(|uri| salt.target_key(uri));
        let found = self.find_url(url).await?;
        let mut targets: Vec<_> = found
            .iter()
            .map(|found| found.target)
            .chain(exact)
            .chain(base)
            .collect();
        targets.sort_unstable();
        targets.dedup();
        Ok(targets)
    }
}

/// A URL in the form in which requests name it: normalised, without its fragment.
fn parse(url: &str) -> Option<Uri> {
    let mut url = Url::parse(url).ok()?;
    url.set_fragment(None);
    url.as_str().parse().ok()
}

fn redacted(redaction: &Redaction, uri: Option<&Uri>) -> Option<String> {
    uri.map(|uri| redaction.of(uri))
}

fn list(
    db: &Connection,
    filter: &UrlFilter,
    now: Timestamp,
) -> sqlite_database::Result<Vec<StoredUrl>> {
    let order = filter.order.sql();
    let mut statement = db.prepare(&format!(
        "SELECT response_id, full_url, method, status_code, responded_at, expires_at, content_type, original_size,
             compressed_size, codec, version, hit_count, last_hit_at
         FROM stored_responses
         WHERE (?1 IS NULL OR response_id IN (
                 SELECT q.request_id FROM urls u JOIN requests q USING (url_id)
                 WHERE u.domain = ?1 OR u.domain || ':' || u.port = ?1))
             AND (NOT ?2 OR expires_at <= ?3) AND (NOT ?4 OR hit_count = 0)
         ORDER BY {order} LIMIT ?5"
    ))?;
    let values = params![
        filter.host,
        filter.stale,
        now.as_millis(),
        filter.never_hit,
        // A negative limit is none.
        filter.limit.map_or(-1, i64::from),
    ];
    let rows = statement.query_map(values, |row| {
        let unsigned = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(StoredUrl {
            response: ResponseId(row.get(0)?),
            url: row.get(1)?,
            method: row.get(2)?,
            status: row.get(3)?,
            responded_at: Timestamp::from_millis(row.get(4)?),
            expires_at: Timestamp::from_millis(row.get(5)?),
            content_type: row.get(6)?,
            body_len: unsigned(7)?,
            stored_len: unsigned(8)?,
            codec: row.get(9)?,
            version: unsigned(10)?,
            hits: unsigned(11)?,
            last_hit_at: row.get::<_, Option<i64>>(12)?.map(Timestamp::from_millis),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn find(
    db: &Connection,
    target: Option<TargetKey>,
    texts: &[Option<String>; 3],
) -> sqlite_database::Result<Vec<FoundUrl>> {
    let key = target.as_ref().map(|target| &target.as_bytes()[..]);
    let exact =
        "url_id IN (SELECT q.url_id FROM variants v JOIN requests q ON q.request_id = v.response_id
                            WHERE v.url_key = ?1)";
    let exact = urls_where(db, exact, params![key])?;
    let mut found = if exact.is_empty() {
        let [given, normal, redacted] = texts;
        let values = params![given, normal, redacted];
        urls_where(db, "full_url IN (?1, ?2, ?3)", values)?
    } else {
        exact
    };
    let mut responses = db.prepare(
        "SELECT r.response_id FROM variants v JOIN responses r USING (response_id)
         WHERE v.url_key = ?1 ORDER BY r.responded_at DESC, r.response_id DESC",
    )?;
    for url in &mut found {
        let ids = responses.query_map([&url.target.as_bytes()[..]], |row| {
            Ok(ResponseId(row.get(0)?))
        })?;
        url.responses = ids.collect::<Result<_, _>>()?;
    }
    // Removed, but the rows are still there.
    found.retain(|url| !url.responses.is_empty());
    Ok(found)
}

fn urls_where(
    db: &Connection,
    condition: &'static str,
    values: &[&dyn sqlite_database::rusqlite::ToSql],
) -> sqlite_database::Result<Vec<FoundUrl>> {
    // Those that were cleared may have rows yet.
    let sql = format!(
        "SELECT url_key, full_url FROM urls WHERE {condition} GROUP BY url_key ORDER BY url_id"
    );
    let mut statement = db.prepare(&sql)?;
    let urls = statement.query_map(values, |row| {
        Ok(FoundUrl {
            target: TargetKey::from_bytes(row.get(0)?),
            url: row.get(1)?,
            responses: Vec::new(),
        })
    })?;
    Ok(urls.collect::<Result<_, _>>()?)
}
