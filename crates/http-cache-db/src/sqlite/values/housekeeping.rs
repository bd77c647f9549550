//! Listing, counting, and removing what has expired.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlite_database::AccessMode;
use sqlite_database::rusqlite::{Connection, Transaction, params};
use store_core::{EntryInfo, Key, Page, PageRequest, Result, Tag, Timestamp};

use super::ValueCache;
use crate::sqlite::open::Opened;
use crate::sqlite::remove::remove_responses;
use crate::sqlite::state::integer;
use crate::sqlite::statistics;

type Done<T> = sqlite_database::Result<T>;

/// The values of one transaction.
const PER_WRITE: u32 = 64;

pub(super) const LIST: &str = "
    SELECT v.key, c.original_size, v.created_at, v.expires_at,
        (SELECT group_concat(tag, char(10)) FROM value_tags t WHERE t.response_id = v.response_id)
    FROM cached_values v JOIN responses r USING (response_id) JOIN bodies b USING (body_id)
        JOIN body_contents c USING (content_id)
    WHERE v.key > ?1 AND (v.expires_at IS NULL OR v.expires_at > ?2) ORDER BY v.key LIMIT ?3";

pub(super) fn list(db: &Connection, page: &PageRequest, now: Timestamp) -> Done<Page<EntryInfo>> {
    let after = page.after.as_deref().unwrap_or_default();
    let mut statement = db.prepare_cached(LIST)?;
    let values = params![after, now.as_millis(), i64::from(page.limit) + 1];
    let mut rows = statement.query(values)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let tags: Option<String> = row.get(4)?;
        // No key or tag has a control character, and what breaks the rules is not listed.
        let tags = tags.as_deref().unwrap_or_default().split('\n');
        let tags = tags.filter_map(|tag| Tag::new(tag).ok()).collect();
        let Ok(key) = Key::new(row.get::<_, String>(0)?) else {
            continue;
        };
        let size = row.get::<_, i64>(1)?.unsigned_abs();
        let created_at = Timestamp::from_millis(row.get(2)?);
        let expires_at: Option<i64> = row.get(3)?;
        items.push(
            EntryInfo::new(key, size, created_at)
                .with_expires_at(expires_at.map(Timestamp::from_millis))
                .with_tags(tags),
        );
    }
    Ok(Page::truncated(items, page.limit, |entry| {
        entry.key.to_string()
    }))
}

/// How many values there are, and how many of them have expired.
pub(super) fn count(db: &Connection, now: Timestamp) -> Done<(u64, u64)> {
    let counts = db.query_row(
        "SELECT (SELECT count(*) FROM cached_values),
             (SELECT count(*) FROM cached_values WHERE expires_at <= ?1)",
        [now.as_millis()],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    )?;
    Ok((counts.0.unsigned_abs(), counts.1.unsigned_abs()))
}

pub(super) const EXPIRED: &str =
    "SELECT response_id FROM cached_values WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";

/// Removes up to `most` expired values. Yields how many there were.
fn remove_expired(tx: &Transaction<'_>, now: Timestamp, most: u64) -> Done<u64> {
    let mut statement = tx.prepare_cached(EXPIRED)?;
    let ids = statement.query_map(params![now.as_millis(), integer(most)], |row| row.get(0))?;
    let ids: Vec<i64> = ids.collect::<std::result::Result<_, _>>()?;
    remove_responses(tx, &ids, now).map(|removed| removed.responses)
}

impl ValueCache {
    /// Removes expired values, as many as a cleanup may. Yields how many.
    pub(super) async fn sweep(&self, opened: &Opened) -> Result<u64> {
        let (now, most) = (self.now(), u64::from(self.cleanup_batch()));
        let mut removed = 0;
        while removed < most {
            let some = (most - removed).min(u64::from(PER_WRITE));
            let step = opened
                .database
                .write(move |tx| remove_expired(tx, now, some));
            match step.await {
                Ok(0) => break,
                Ok(some) => removed += some,
                Err(error) => return Err(self.inner.shared.error(error, "cleanup")),
            }
        }
        Ok(removed)
    }

    /// Removes expired values in the background once the interval of cleanups is over.
    pub(super) fn sweep_when_due(&self) {
        let Some(interval) = self.inner.options.cleanup_interval else {
            return;
        };
        let (now, swept_at) = (self.now().as_millis(), &self.inner.swept_at);
        let last = swept_at.load(Ordering::Relaxed);
        let is_due = u128::from(now.abs_diff(last)) >= interval.as_millis();
        let claim = || swept_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
        if !is_due || claim().is_err() {
            return;
        }
        self.in_background("cleanup", |cache, opened| async move {
            cache.sweep(&opened).await.map(drop)
        });
    }

    /// Writes the uses of values that were counted since they were last written, in the background, if they are many.
    pub(super) fn count_uses_when_due(&self) {
        if !self.inner.uses.is_due() {
            return;
        }
        self.in_background("record_hits", |cache, opened| async move {
            cache.count_uses(&opened).await
        });
    }

    /// Does what nobody waits for, unless the cache is closed by then, and tells if it fails.
    fn in_background<F>(
        &self,
        operation: &'static str,
        work: impl FnOnce(Self, Arc<Opened>) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<()>> + Send,
    {
        let cache = self.clone();
        tokio::spawn(async move {
            let Ok(opened) = cache.opened(operation) else {
                return;
            };
            let shared = Arc::clone(&cache.inner.shared);
            if let Err(error) = work(cache, opened).await {
                shared.failed_by_itself(&error);
            }
        });
    }

    /// Writes the uses of values that were counted since they were last written.
    pub(super) async fn count_uses(&self, opened: &Arc<Opened>) -> Result<()> {
        let uses = self.inner.uses.take();
        if uses.is_empty() || self.inner.shared.options.database.access == AccessMode::ReadOnly {
            return Ok(());
        }
        let counted = opened
            .database
            .write(move |tx| statistics::record(tx, &uses).map(drop));
        let counted = counted.await;
        counted.map_err(|error| self.inner.shared.error(error, "record_hits"))
    }
}
