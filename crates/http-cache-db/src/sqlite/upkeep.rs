//! What a store does by itself: it removes what is damaged, makes room, and cleans up now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlite_database::AccessMode;
use sqlite_database::rusqlite::Connection;
use store_core::{MINUTE, Result, SECOND, Timestamp};

use super::cleanup::READING;
use super::open::Opened;
use super::remove::{log_purge, remove_unreadable};
use super::shared::Shared;
use super::state::integer;
use super::{cleanup, evict, recompress};
use crate::store::{ContentId, Evicted};

/// How often in the time that a body is kept for its readers a read of it is written down.
const LEASES_PER_READING: u32 = 4;
/// Of the allowed bytes, the part that is free after an eviction: a sixteenth.
const ROOM_SHARE: u64 = 16;
/// Of the allowed bytes, what long bodies may take beyond them that nobody may use any more, but somebody may still be
/// reading: a quarter.
const LEAVING_SHARE: u64 = 4;
/// Of the room that is left, the part that is used before the length of the file is asked for again: an eighth.
const UNASKED_SHARE: u64 = 8;
/// What compressing again may take of a minute.
const RECOMPRESSION: Duration = SECOND;
/// What a response takes in the file besides its body, at most; one with long fields may take more.
const MAX_ROW_BYTES: u64 = 4_096;

impl Shared {
    /// Removes the bodies that reads have found damaged, with their responses.
    pub(super) fn remove_damaged(&self, opened: &Opened) {
        if self.options.database.access == AccessMode::ReadOnly {
            return;
        }
        for content in self.reader.take_damaged() {
            let now = self.options.clock.now();
            opened.database.write_detached(move |tx| {
                let removed = remove_unreadable(tx, content, u32::MAX, now)?;
                log_purge(tx, "damaged", removed, now)
            });
        }
    }

    /// Keeps a body that nothing refers to any more for as long as somebody reads it.
    pub(super) fn keep_being_read(&self, content: ContentId, released_at: Timestamp) {
        let now = self.options.clock.now();
        let is_due = released_at + READING / LEASES_PER_READING <= now;
        if !is_due || self.options.database.access == AccessMode::ReadOnly {
            return;
        }
        self.current().database.write_detached(move |tx| {
            let mut keep = tx.prepare_cached(
                "UPDATE body_contents SET last_referenced_at = ?2
                 WHERE content_id = ?1 AND reference_count = 0 AND content_hash IS NOT NULL",
            )?;
            keep.execute([content.0, now.as_millis()])?;
            Ok(())
        });
    }

    /// Makes room if more than the allowed bytes are in use, and cleans up now and then. What fails here fails
    /// again where a caller hears of it.
    ///
    /// To ask for the length of the file takes longer than to store a short body, so that it is asked for only once
    /// a part of the room that was left is used; other processes may use the rest meanwhile.
    pub(super) async fn keep_within_bounds(self: &Arc<Self>, opened: &Arc<Opened>, new_bytes: u64) {
        let stored = integer(new_bytes.saturating_add(MAX_ROW_BYTES));
        let room = self.unasked_room.fetch_sub(stored, Ordering::Relaxed);
        if room <= stored {
            let room = self.make_room(opened).await;
            self.unasked_room
                .store(integer(room / UNASKED_SHARE), Ordering::Relaxed);
        }
        self.train_when_due(opened);
        self.clean_up(opened, MINUTE, READING);
    }

    /// Evicts what is too much. Yields the room that is left.
    async fn make_room(self: &Arc<Self>, opened: &Arc<Opened>) -> u64 {
        let max_bytes = self.options.max_bytes;
        let most = max_bytes.saturating_add(max_bytes / LEAVING_SHARE);
        let read = |db: &Connection| Ok((evict::used_bytes(db)?, evict::lasting_bytes(db)?));
        let Ok((used, lasting)) = opened.database.read(read).await else {
            return 0;
        };
        if lasting > max_bytes {
            let surplus = lasting - max_bytes + max_bytes / ROOM_SHARE;
            if let Err(error) = self.evict(opened, surplus).await {
                self.failed_by_itself(&error);
            }
        }
        if used > most {
            // A client that still reads one of these is cut off.
            self.clean_up(opened, SECOND, Duration::ZERO);
        }
        max_bytes
            .saturating_sub(lasting)
            .min(most.saturating_sub(used))
    }

    pub(super) async fn evict(self: &Arc<Self>, opened: &Opened, bytes: u64) -> Result<Evicted> {
        let mut evicted = Evicted::default();
        while evicted.bytes < bytes {
            let (rest, now) = (bytes - evicted.bytes, self.options.clock.now());
            let some = opened.database.write(move |tx| evict::evict(tx, rest, now));
            let evict::Step {
                evicted: some,
                has_more,
            } = some.await.map_err(|error| self.error(error, "evict"))?;
            evicted.responses += some.responses;
            evicted.versions += some.versions;
            evicted.bytes += some.bytes;
            if !has_more {
                break;
            }
        }
        self.options.events.emit_evicted(evicted);
        Ok(evicted)
    }

    /// Cleans up in the background unless that was done within the `pause`.
    pub(super) fn clean_up(
        self: &Arc<Self>,
        opened: &Arc<Opened>,
        pause: Duration,
        reading: Duration,
    ) {
        let now = self.options.clock.now();
        if claim(&self.cleaned_at, now, pause) {
            let (shared, opened) = (Arc::clone(self), Arc::clone(opened));
            tokio::spawn(async move {
                opened.dictionaries.forget();
                if let Err(error) = cleanup::run(&opened, now, reading).await {
                    shared.failed_by_itself(&shared.error(error, "cleanup"));
                }
                if let Some(age) = shared.options.recompress_after
                    && claim(&shared.recompressed_at, now, MINUTE)
                {
                    let compressed = recompress::run(&shared, &opened, now - age, RECOMPRESSION);
                    if let Err(error) = compressed.await {
                        shared.failed_in_the_background(error, "recompress");
                    }
                }
            });
        }
    }
}

/// Whether what was done last at this time is due again; then it is done now, by one caller.
fn claim(last_done: &AtomicI64, now: Timestamp, pause: Duration) -> bool {
    let last = last_done.load(Ordering::Relaxed);
    let since = now.as_millis().saturating_sub(last).unsigned_abs();
    let is_due = u128::from(since) >= pause.as_millis();
    let claim = || {
        let now = now.as_millis();
        last_done.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
    };
    is_due && claim().is_ok()
}
