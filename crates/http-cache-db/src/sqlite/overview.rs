//! Figures about the whole file: [`SqliteStore::stats`].

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, Row, params};
use store_core::Timestamp;

use super::report;
use super::store::SqliteStore;
use crate::store::Counts;

/// Figures about a file. Sizes are in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StoreStats {
    /// How much is stored.
    pub counts: Counts,
    /// Of the responses, those that are stale now.
    pub stale: u64,
    /// Of the responses, those that no request has used.
    pub never_hit: u64,
    /// Bodies that newer ones have replaced.
    pub older_versions: u64,
    /// The size of the file, without its write-ahead log.
    pub file_bytes: u64,
    /// Of it, what is in use.
    pub used_bytes: u64,
    /// The size of the write-ahead log.
    pub log_bytes: u64,
    /// Requests on all days that are counted.
    pub uses: UseStats,
    /// Requests by day of UTC, `2023-11-14`, latest first.
    pub days: Vec<(String, UseStats)>,
    /// The hosts with the most requests, those first.
    pub hosts: Vec<HostStats>,
    /// Bodies by kind and codec, those that take most first.
    pub compression: Vec<CompressionStats>,
    /// Equal bodies.
    pub deduplication: DeduplicationStats,
    /// Removals by their reason, latest first.
    pub purges: Vec<PurgeStats>,
}

/// How often stored responses answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UseStats {
    /// Requests that a stored response answered.
    pub hits: u64,
    /// Requests that none answered.
    pub misses: u64,
    /// The bytes of bodies that were sent from the store.
    pub hit_bytes: u64,
}

impl UseStats {
    /// The part of the requests that a stored response answered; `None` without requests.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share is rounded in any case")]
    pub fn hit_rate(&self) -> Option<f64> {
        let requests = self.hits.saturating_add(self.misses);
        (requests > 0).then(|| self.hits as f64 / requests as f64)
    }
}

/// What is known of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostStats {
    /// The host, with its port if that is not the one of its scheme.
    pub host: String,
    /// The requests to it.
    pub uses: UseStats,
    /// The responses of it that are stored.
    pub responses: u64,
}

/// How well bodies of a kind are compressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressionStats {
    /// The kind: `json`, `text`, `image`.
    pub category: String,
    /// The persistent name of the codec: `zstd-3`.
    pub codec: String,
    /// How many bodies.
    pub bodies: u64,
    /// Their bytes before compression.
    pub body_bytes: u64,
    /// The bytes that they take.
    pub stored_bytes: u64,
}

/// What is saved because equal bodies are kept once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeduplicationStats {
    /// Bodies that several responses or versions have.
    pub bodies: u64,
    /// The bytes that their copies would take.
    pub saved_bytes: u64,
}

/// Removals of one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PurgeStats {
    /// The reason: `evict`, `invalidate`, `clear`.
    pub reason: String,
    /// How often something was removed.
    pub purges: u64,
    /// The responses that were removed.
    pub responses: u64,
    /// The bytes that became free; 0 where they are freed later.
    pub bytes: u64,
    /// When something was removed last.
    pub last_at: Timestamp,
}

impl SqliteStore {
    /// Figures about the file, with up to `days` days and up to `hosts` hosts. Reads the rows of all responses.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use http_cache_db::{SqliteStore, SqliteStoreOptions};
    ///
    /// let store = SqliteStore::in_memory(SqliteStoreOptions::default()).await?;
    /// let stats = store.stats(7, 10).await?;
    /// assert_eq!((stats.counts.responses, stats.uses.hit_rate()), (0, None));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn stats(&self, days: u32, hosts: u32) -> store_core::Result<StoreStats> {
        let opened = self.shared.opened("stats")?;
        let now = self.shared.options.clock.now();
        let stats = async {
            let size = opened.database.size().await?;
            let read = opened
                .database
                .long_read(move |db| read(db, now, days, hosts));
            Ok(StoreStats {
                file_bytes: size.bytes(),
                used_bytes: size.used_bytes(),
                log_bytes: size.wal_bytes,
                ..read.await?
            })
        };
        stats
            .await
            .map_err(|error| self.shared.error(error, "stats"))
    }
}

fn read(db: &Connection, now: Timestamp, days: u32, hosts: u32) -> Result<StoreStats> {
    // One snapshot, so that the figures fit together.
    let snapshot = db.unchecked_transaction()?;
    let totals = snapshot.query_row(
        "SELECT (SELECT count(*) FROM stored_responses WHERE expires_at <= ?1),
             (SELECT count(*) FROM never_hit_responses),
             (SELECT count(*) FROM bodies WHERE replaced_at IS NOT NULL)",
        [now.as_millis()],
        |row| Ok([unsigned(row, 0)?, unsigned(row, 1)?, unsigned(row, 2)?]),
    );
    let [stale, never_hit, older_versions] = totals?;
    Ok(StoreStats {
        counts: report::counts(&snapshot)?,
        stale,
        never_hit,
        older_versions,
        uses: snapshot.query_row(
            "SELECT ifnull(sum(hits), 0), ifnull(sum(misses), 0), ifnull(sum(hit_bytes), 0) FROM hits_by_day",
            [],
            |row| uses(row, 0),
        )?,
        days: by_day(&snapshot, days)?,
        hosts: by_host(&snapshot, hosts)?,
        compression: by_kind(&snapshot)?,
        deduplication: snapshot.query_row(
            "SELECT count(*), ifnull(sum(saved_bytes), 0) FROM deduplication_savings",
            [],
            |row| {
                Ok(DeduplicationStats {
                    bodies: unsigned(row, 0)?,
                    saved_bytes: unsigned(row, 1)?,
                })
            },
        )?,
        purges: by_reason(&snapshot)?,
        ..StoreStats::default()
    })
}

fn by_day(db: &Connection, most: u32) -> Result<Vec<(String, UseStats)>> {
    let mut statement = db.prepare(
        "SELECT day, hits, misses, hit_bytes FROM hit_rate_by_day ORDER BY day DESC LIMIT ?1",
    )?;
    let days = statement.query_map([most], |row| Ok((row.get(0)?, uses(row, 1)?)))?;
    Ok(days.collect::<Result<_, _>>()?)
}

fn by_host(db: &Connection, most: u32) -> Result<Vec<HostStats>> {
    let mut statement = db.prepare(
        "SELECT h.domain, h.hits, h.misses, h.hit_bytes,
             (SELECT count(*) FROM urls u JOIN requests q USING (url_id)
                  JOIN responses r ON r.response_id = q.request_id
              WHERE u.domain || ifnull(':' || u.port, '') = h.domain AND r.is_deleted = 0)
         FROM (SELECT * FROM hit_rate_by_host ORDER BY hits + misses DESC, domain LIMIT ?1) h
         ORDER BY h.hits + h.misses DESC, h.domain",
    )?;
    let hosts = statement.query_map(params![most], |row| {
        Ok(HostStats {
            host: row.get(0)?,
            uses: uses(row, 1)?,
            responses: unsigned(row, 4)?,
        })
    })?;
    Ok(hosts.collect::<Result<_, _>>()?)
}

fn by_kind(db: &Connection) -> Result<Vec<CompressionStats>> {
    let mut statement = db.prepare(
        "SELECT mime_category, codec, total_items, original_bytes, compressed_bytes
         FROM compression_effectiveness ORDER BY compressed_bytes DESC, mime_category, codec",
    )?;
    let kinds = statement.query_map([], |row| {
        Ok(CompressionStats {
            category: row.get(0)?,
            codec: row.get(1)?,
            bodies: unsigned(row, 2)?,
            body_bytes: unsigned(row, 3)?,
            stored_bytes: unsigned(row, 4)?,
        })
    })?;
    Ok(kinds.collect::<Result<_, _>>()?)
}

fn by_reason(db: &Connection) -> Result<Vec<PurgeStats>> {
    let mut statement = db.prepare(
        "SELECT reason, count(*), sum(responses), sum(bytes), max(purged_at)
         FROM purge_events GROUP BY reason ORDER BY max(purged_at) DESC, reason",
    )?;
    let purges = statement.query_map([], |row| {
        Ok(PurgeStats {
            reason: row.get(0)?,
            purges: unsigned(row, 1)?,
            responses: unsigned(row, 2)?,
            bytes: unsigned(row, 3)?,
            last_at: Timestamp::from_millis(row.get(4)?),
        })
    })?;
    Ok(purges.collect::<Result<_, _>>()?)
}

/// Three columns from `first` on.
fn uses(row: &Row<'_>, first: usize) -> sqlite_database::rusqlite::Result<UseStats> {
    Ok(UseStats {
        hits: unsigned(row, first)?,
        misses: unsigned(row, first + 1)?,
        hit_bytes: unsigned(row, first + 2)?,
    })
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> sqlite_database::rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}
