//! What the cache is most and least of use for: [`SqliteStore::top`].

use std::time::Duration;

use sqlite_database::Result;
use sqlite_database::rusqlite::Connection;
use store_core::Timestamp;

use super::overview::{UseStats, unsigned};
use super::store::SqliteStore;

/// What the cache is most and least of use for. Paths are those of requests, without their queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Top {
    /// The paths that were answered from the cache, those that it saved most for first.
    pub savings: Vec<PathSavings>,
    /// The paths that were never answered from the cache, those with the most requests first.
    pub misses: Vec<PathMisses>,
    /// The stored responses that the origin has confirmed, those that it confirmed most often first.
    pub validations: Vec<UrlValidations>,
}

/// Which paths the cache saved most for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopOrder {
    /// Those with the most bytes from the cache.
    #[default]
    Bytes,
    /// Those with the most time saved.
    Time,
    /// Those with the most hits.
    Hits,
}

impl TopOrder {
    const fn sql(self) -> &'static str {
        match self {
            Self::Bytes => "hit_bytes",
            Self::Time => "saved_ms",
            Self::Hits => "hits",
        }
    }
}

/// What the cache saved for a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathSavings {
    /// The host, with its port if that is not the one of its scheme.
    pub host: String,
    /// The path, cut after 255 bytes.
    pub path: String,
    /// The requests.
    pub uses: UseStats,
    /// How much longer the hits would have taken at the origin, by the time that the last fetch or validation of each
    /// stored response took. Zero for a path of which nothing is stored any more.
    pub saved_time: Duration,
}

/// A path that was never answered from the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathMisses {
    /// The host, with its port if that is not the one of its scheme.
    pub host: String,
    /// The path, cut after 255 bytes.
    pub path: String,
    /// The requests.
    pub misses: u64,
}

/// How often the origin has confirmed a stored response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UrlValidations {
    /// The target, without its secrets.
    pub url: String,
    /// How often, since it was stored.
    pub validations: u64,
    /// The requests that it has answered.
    pub hits: u64,
    /// How long it is fresh after each confirmation: a longer lifetime would save some.
    pub lifetime: Duration,
    /// When it was confirmed last.
    pub validated_at: Timestamp,
}

impl SqliteStore {
    /// What the cache is most and least of use for, with up to `most` rows of each kind. Reads the counts of all days and
    /// the rows of all responses.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use http_cache_db::sqlite::TopOrder;
    /// use http_cache_db::{SqliteStore, SqliteStoreOptions};
    ///
    /// let store = SqliteStore::in_memory(SqliteStoreOptions::default()).await?;
    /// let top = store.top(TopOrder::Bytes, 10).await?;
    /// assert!(top.savings.is_empty() && top.misses.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn top(&self, order: TopOrder, most: u32) -> store_core::Result<Top> {
        let opened = self.shared.opened("top")?;
        let read = opened.database.long_read(move |db| read(db, order, most));
        read.await.map_err(|error| self.shared.error(error, "top"))
    }
}

fn read(db: &Connection, order: TopOrder, most: u32) -> Result<Top> {
    // One snapshot, so that the figures fit together.
    let snapshot = db.unchecked_transaction()?;
    Ok(Top {
        savings: savings(&snapshot, order, most)?,
        misses: misses(&snapshot, most)?,
        validations: validations(&snapshot, most)?,
    })
}

fn savings(db: &Connection, order: TopOrder, most: u32) -> Result<Vec<PathSavings>> {
    let order = order.sql();
    let mut statement = db.prepare(&format!(
        "WITH saved AS MATERIALIZED (
             SELECT u.domain || ifnull(':' || u.port, '') AS domain, u.path,
                 sum(s.hit_count * max(r.responded_at - r.requested_at, 0)) AS milliseconds
             FROM cache_statistics s
             JOIN responses r USING (response_id)
             JOIN requests q ON q.request_id = r.response_id
             JOIN urls u USING (url_id)
             WHERE r.is_deleted = 0
             GROUP BY 1, 2
         )
         SELECT p.domain, p.path, p.hits, p.misses, p.hit_bytes, ifnull(saved.milliseconds, 0) AS saved_ms
         FROM hit_rate_by_path p LEFT JOIN saved ON saved.domain = p.domain AND saved.path = p.path
         WHERE p.hits > 0
         ORDER BY {order} DESC, p.hits DESC, p.domain, p.path LIMIT ?1"
    ))?;
    let paths = statement.query_map([most], |row| {
        let mut uses = UseStats::default();
        (uses.hits, uses.misses) = (unsigned(row, 2)?, unsigned(row, 3)?);
        uses.hit_bytes = unsigned(row, 4)?;
        Ok(PathSavings {
            host: row.get(0)?,
            path: row.get(1)?,
            uses,
            saved_time: Duration::from_millis(unsigned(row, 5)?),
        })
    })?;
    Ok(paths.collect::<Result<_, _>>()?)
}

fn misses(db: &Connection, most: u32) -> Result<Vec<PathMisses>> {
    let mut statement = db.prepare(
        "SELECT domain, path, misses FROM hit_rate_by_path WHERE hits = 0 AND misses > 0
         ORDER BY misses DESC, domain, path LIMIT ?1",
    )?;
    let paths = statement.query_map([most], |row| {
        Ok(PathMisses {
            host: row.get(0)?,
            path: row.get(1)?,
            misses: unsigned(row, 2)?,
        })
    })?;
    Ok(paths.collect::<Result<_, _>>()?)
}

fn validations(db: &Connection, most: u32) -> Result<Vec<UrlValidations>> {
    let mut statement = db.prepare(
        "SELECT s.full_url, v.validation_count, s.hit_count, r.max_age, v.validated_at
         FROM cache_validation v
         JOIN responses r USING (response_id)
         JOIN stored_responses s USING (response_id)
         WHERE v.validation_count > 0
         ORDER BY v.validation_count DESC, s.full_url, v.response_id LIMIT ?1",
    )?;
    let urls = statement.query_map([most], |row| {
        Ok(UrlValidations {
            url: row.get(0)?,
            validations: unsigned(row, 1)?,
            hits: unsigned(row, 2)?,
            lifetime: Duration::from_secs(unsigned(row, 3)?),
            validated_at: Timestamp::from_millis(row.get(4)?),
        })
    })?;
    Ok(urls.collect::<Result<_, _>>()?)
}
