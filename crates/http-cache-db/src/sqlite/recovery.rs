//! A file that is damaged or gone costs what was stored, never an answer: a new one takes its place.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use sqlite_database::{
    CreateMode, DamageCheck, Error as DatabaseError, ErrorKind, Result, SqliteDatabase,
};

use super::error::store_error;
use super::open::Opened;
use super::options::SqliteStoreOptions;
use super::ownership::{NotACache, was_cache};
use super::remove::hide_all;
use super::shared::Shared;
use crate::events::{Event, Events};

/// The least time between two recoveries, in milliseconds: each may read the whole file.
const PAUSE: i64 = 1_000;

/// Whether a new file is being opened, and when that was tried last.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    is_running: AtomicBool,
    /// In milliseconds of the monotonic clock; 0 if never.
    begun_at: AtomicI64,
}

/// Opens the file at `path`, or a database in memory; a damaged cache is set aside first, unless the options
/// forbid to create another.
pub(super) async fn open(path: Option<&Path>, options: &SqliteStoreOptions) -> Result<Arc<Opened>> {
    if let Some(path) = path
        && may_create(options)
        && std::fs::metadata(path).is_ok_and(|file| file.len() == 0)
    {
        // Cut off, perhaps, under a process that has it open and locked.
        set_aside(path, DamageCheck::Schema, &options.events).await?;
    }
    match (path, Opened::open(path, options).await) {
        (Some(path), Err(error)) if error.kind() == ErrorKind::Corrupt && may_create(options) => {
            // What is no cache is somebody's, and the name a mistake.
            let was_cache = was_cache(path).unwrap_or(false);
            if was_cache {
                set_aside(path, DamageCheck::Schema, &options.events).await?;
            }
            // Another process may have moved it, and begun a new one.
            match Opened::open(Some(path), options).await {
                Err(error) if error.kind() == ErrorKind::Corrupt && !was_cache => {
                    Err(DatabaseError::aborted(NotACache::File))
                }
                opened => opened,
            }
        }
        (_, opened) => opened,
    }
}

fn may_create(options: &SqliteStoreOptions) -> bool {
    options.database.create == CreateMode::IfMissing
}

/// Begins to replace the file in the background, if an error of this kind says that it has to be.
pub(super) fn begin_if_needed(shared: &Arc<Shared>, kind: ErrorKind) {
    let is_damaged = kind == ErrorKind::Corrupt;
    let may_be_gone = kind == ErrorKind::Unavailable;
    let recovery = &shared.recovery;
    let is_replaceable = shared.path.is_some() && may_create(&shared.options);
    if !is_replaceable || !(is_damaged || may_be_gone) || shared.is_closed() {
        return;
    }
    let now = shared.monotonic().max(1);
    let begun_at = recovery.begun_at.load(Ordering::Relaxed);
    if begun_at != 0 && now.saturating_sub(begun_at) < PAUSE {
        return;
    }
    if recovery.is_running.swap(true, Ordering::AcqRel) {
        return;
    }
    recovery.begun_at.store(now, Ordering::Relaxed);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        if let Err(error) = recover(&shared, is_damaged).await {
            tracing::error!(%error, "the cache file cannot be opened again; nothing is stored until it can");
            shared.failed_by_itself(&store_error(error, "open"));
        }
        shared.recovery.is_running.store(false, Ordering::Release);
    });
}

async fn recover(shared: &Arc<Shared>, is_damaged: bool) -> Result<()> {
    let Some(path) = &shared.path else {
        return Ok(());
    };
    // What is there in its place may be somebody's.
    let is_replaced = shared.current().database.release_path().await?;
    if is_damaged && !is_replaced {
        set_aside(path, DamageCheck::Contents, &shared.options.events).await?;
    }
    // Also if the file is sound now: another process has set it aside, and this one has the old file open.
    let opened = open(Some(path), &shared.options).await?;
    if shared.has_invalidated_lately() {
        // Perhaps in the file that is gone. Targets have other keys here, so that everything is invalid.
        opened.database.write(hide_all).await?;
    }
    let before = shared.replace(opened);
    before.database.close().await?;
    if shared.is_closed() {
        shared.current().database.close().await?;
    }
    Ok(())
}

async fn set_aside(path: &Path, check: DamageCheck, events: &Events) -> Result<()> {
    let Some(aside) = SqliteDatabase::set_aside(path, check).await? else {
        return Ok(());
    };
    tracing::warn!(path = %path.display(), aside = %aside.display(), "the cache file was damaged; a new one is begun");
    events.emit_failure(|| Event::SetAside {
        path: aside.display().to_string(),
    });
    Ok(())
}
