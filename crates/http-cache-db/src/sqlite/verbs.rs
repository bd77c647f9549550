//! The verbs of [`ResponseStore`] on a file.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use store_core::{Clock, MINUTE, Result, Timestamp};

use super::cleanup::READING;
use super::error::store_error;
use super::fill::SqliteFill;
use super::read::{find_content, released_at};
use super::remove::{Removed, hide, of_target, remove_responses, remove_unreadable};
use super::store::SqliteStore;
use super::{
    cleanup, dictionaries, equivalents, evict, hit_for_miss, invalidations, report, statistics,
};
use crate::events::{Event, Events};
use crate::keys::{Salt, TargetKey};
use crate::record::ContentHash;
use crate::store::{
    ContentId, Counts, Evicted, Fill, Health, Hit, Purge, ResponseId, ResponseStore, StoredBody,
    Variant, Version,
};

/// The responses of one transaction.
const PER_WRITE: u32 = 500;

#[async_trait]
impl ResponseStore for SqliteStore {
    fn salt(&self) -> Salt {
        self.shared.current().salt
    }

    fn events(&self) -> &Events {
        &self.shared.options.events
    }

    fn max_body_bytes(&self) -> u64 {
        self.shared.options.longest_body()
    }

    async fn variants(&self, target: TargetKey) -> Result<Vec<Variant>> {
        self.shared.variants(target)
    }

    async fn find_equivalent(&self, target: &Uri) -> Result<Option<(TargetKey, String)>> {
        self.shared.read("find_equivalent", |db, opened| {
            equivalents::find(db, target, opened.salt)
        })
    }

    async fn body(&self, content: ContentId) -> Result<Option<StoredBody>> {
        self.shared.body(content)
    }

    async fn chunk(&self, content: ContentId, index: u64) -> Result<Option<Bytes>> {
        let reader = &self.shared.reader;
        let (chunk, released_at) = self.shared.read("chunk", |db, _| {
            let chunk = reader.chunk(db, content, index)?;
            Ok((chunk, released_at(db, content)?))
        })?;
        if let (Some(_), Some(released_at)) = (&chunk, released_at) {
            self.shared.keep_being_read(content, released_at);
        }
        Ok(chunk)
    }

    async fn find_content(&self, hash: &ContentHash) -> Result<Option<ContentId>> {
        self.shared
            .read("find_content", |db, _| find_content(db, hash))
    }

    async fn begin(&self, target: TargetKey) -> Result<Box<dyn Fill>> {
        let opened = self.shared.opened("begin")?;
        let begun = opened.database.blocking_read(invalidations::count);
        let begun = begun.map_err(|error| self.shared.error(error, "begin"))?;
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(SqliteFill::new(shared, opened, target, begun)))
    }

    async fn invalidate(&self, target: TargetKey) -> Result<u64> {
        self.shared.note_invalidation();
        let removed = self.shared.remove("invalidate", move |tx, now| {
            invalidations::remember(tx, target, now)?;
            let responses = of_target(tx, target.as_bytes())?;
            remove_responses(tx, &responses, now)
        });
        removed.await
    }

    async fn purge(&self, purge: &Purge) -> Result<u64> {
        self.shared.purge(purge).await
    }

    async fn remove(&self, response: ResponseId) -> Result<bool> {
        let removed = self.shared.remove("remove", move |tx, now| {
            remove_responses(tx, &[response.0], now)
        });
        Ok(removed.await? > 0)
    }

    async fn release(&self, content: ContentId) -> Result<u64> {
        let mut released = 0;
        loop {
            let removed = self.shared.remove("release", move |tx, now| {
                remove_unreadable(tx, content, PER_WRITE, now)
            });
            match removed.await? {
                0 => return Ok(released),
                responses => released += responses,
            }
        }
    }

    async fn clear(&self) -> Result<u64> {
        let opened = self.shared.opened("clear")?;
        self.shared.note_invalidation();
        let now = self.shared.options.clock.now();
        let mut responses = 0;
        loop {
            let hidden = self.shared.remove("clear", |tx, _| {
                invalidations::remember_all(tx)?;
                Ok(Removed {
                    responses: hide(tx, PER_WRITE)?,
                    bytes: 0,
                })
            });
            match hidden.await? {
                0 => break,
                hidden => responses += hidden,
            }
        }
        let cleaned = cleanup::run(&opened, now, READING).await;
        cleaned.map_err(|error| self.shared.error(error, "clear"))?;
        // Pieces of bodies are in them.
        let forgotten = opened
            .database
            .write(move |tx| dictionaries::remove_unused(tx, now));
        forgotten
            .await
            .map_err(|error| self.shared.error(error, "clear"))?;
        opened.dictionaries.forget();
        self.shared
            .options
            .events
            .emit(|| Event::Destroyed { responses });
        Ok(responses)
    }

    async fn evict(&self, bytes: u64) -> Result<Evicted> {
        let opened = self.shared.opened("evict")?;
        self.shared.evict(&opened, bytes).await
    }

    async fn record_hits(&self, hits: Vec<Hit>) -> Result<()> {
        let opened = self.shared.opened("record_hits")?;
        let counted = opened
            .database
            .write(move |tx| statistics::record(tx, &hits));
        let counted = counted
            .await
            .map_err(|error| self.shared.error(error, "record_hits"))?;
        for (response, hits) in counted {
            self.shared
                .options
                .events
                .emit(|| Event::Accessed { response, hits });
        }
        self.shared.clean_up(&opened, MINUTE, READING);
        Ok(())
    }

    async fn counts(&self) -> Result<Counts> {
        let opened = self.shared.opened("counts")?;
        let counts = opened.database.long_read(report::counts).await;
        counts.map_err(|error| self.shared.error(error, "counts"))
    }

    async fn history(&self, target: TargetKey) -> Result<Vec<Version>> {
        let opened = self.shared.opened("history")?;
        let history = opened
            .database
            .read(move |db| report::history(db, target))
            .await;
        history.map_err(|error| self.shared.error(error, "history"))
    }

    async fn hit_for_miss(&self, target: TargetKey) -> Result<Option<Timestamp>> {
        self.shared
            .read("hit_for_miss", |db, _| hit_for_miss::until(db, target))
    }

    async fn set_hit_for_miss(&self, target: TargetKey, until: Option<Timestamp>) -> Result<()> {
        let (opened, now) = (
            self.shared.opened("hit_for_miss")?,
            self.shared.options.clock.now(),
        );
        let set = opened
            .database
            .write(move |tx| hit_for_miss::set(tx, target, until, now));
        set.await
            .map_err(|error| self.shared.error(error, "hit_for_miss"))
    }

    async fn health(&self) -> Result<Health> {
        let opened = self.shared.opened("health")?;
        let clock = &self.shared.options.clock;
        let asked_at = clock.monotonic();
        let used_bytes = opened.database.read(evict::used_bytes).await;
        Ok(Health {
            used_bytes: used_bytes.map_err(|error| self.shared.error(error, "health"))?,
            max_bytes: self.shared.options.max_bytes,
            latency: clock.monotonic().saturating_sub(asked_at),
        })
    }

    fn is_open(&self) -> bool {
        !self.shared.is_closed()
    }

    async fn close(&self) -> Result<()> {
        if !self.shared.close() {
            return Ok(());
        }
        let closed = self.shared.current().database.close().await;
        self.shared.options.events.emit(|| Event::Disconnected);
        closed.map_err(|error| store_error(error, "close"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::SqliteStoreOptions;

    crate::store_cases!(
        SqliteStore::in_memory(
            SqliteStoreOptions::default()
                .with_max_versions(2)
                .with_max_bytes(1 << 20)
        )
        .await
        .unwrap()
    );
}
