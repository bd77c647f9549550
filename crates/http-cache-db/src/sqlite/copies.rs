//! Copies in memory of responses in the file, before which they are looked up.
//!
//! Invariants:
//!
//! - A copy is served only if nothing was committed since the log of changed targets was read last, by any process.
//! - A copy is kept only if no change was read between the lookup that it comes from and now: the log names each change
//!   once, and one of its target that the lookup has not seen is still to be read then.

mod generations;
mod log;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use sqlite_database::{Result, SqliteDatabase};

use self::generations::Generations;
use self::log::Position;
use crate::keys::TargetKey;
use crate::memory::head_bytes;
use crate::store::{ContentId, Variant};

/// The part of the copies that a single one may take.
const MAX_COPY_SHARE: u64 = 8;

/// The copies of one open file.
#[derive(Debug)]
pub(super) struct Copies {
    max_copy_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The number of the last commit that the log was read after; `None` before the first.
    data_version: Option<i64>,
    position: Position,
    copies: Generations<Name, Kept>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name {
    Target(TargetKey),
    Content(ContentId),
}

#[derive(Clone, Debug)]
enum Kept {
    Variants(Arc<Vec<Variant>>),
    Body(Bytes),
}

/// What a lookup has found.
#[derive(Debug)]
pub(super) enum Lookup {
    Found(Arc<Vec<Variant>>),
    /// It has to be looked up in the file; from this position on, the log tells whether that has changed.
    Missing(Position),
}

impl Copies {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            max_copy_bytes: max_bytes / MAX_COPY_SHARE,
            state: Mutex::new(State {
                data_version: None,
                position: Position::default(),
                copies: Generations::new(max_bytes),
            }),
        }
    }

    /// The copy of a target's responses, as current as the file is.
    pub(super) fn variants(&self, database: &SqliteDatabase, target: TargetKey) -> Result<Lookup> {
        // Before the log: what is committed in between is read again.
        let data_version = database.data_version()?;
        let mut state = self.state();
        if state.data_version != Some(data_version) {
            state.read_log(database)?;
            state.data_version = Some(data_version);
        }
        Ok(match state.copies.get(Name::Target(target)) {
            Some(Kept::Variants(variants)) => Lookup::Found(variants),
            Some(Kept::Body(_)) | None => Lookup::Missing(state.position),
        })
    }

    /// Keeps what was looked up at a position or later.
    pub(super) fn keep_variants(&self, target: TargetKey, position: Position, found: &[Variant]) {
        let bytes = found.iter().map(variant_bytes).sum();
        if found.is_empty() || bytes > self.max_copy_bytes {
            return;
        }
        let kept = Kept::Variants(Arc::new(found.to_vec()));
        let mut state = self.state();
        if state.position == position {
            state.copies.insert(Name::Target(target), kept, bytes);
        }
    }

    /// The copy of a body, whose bytes never change.
    pub(super) fn body(&self, content: ContentId) -> Option<Bytes> {
        match self.state().copies.get(Name::Content(content))? {
            Kept::Body(body) => Some(body),
            Kept::Variants(_) => None,
        }
    }

    pub(super) fn keep_body(&self, content: ContentId, body: &Bytes) {
        let bytes = body.len() as u64;
        if bytes <= self.max_copy_bytes {
            let kept = Kept::Body(body.clone());
            self.state()
                .copies
                .insert(Name::Content(content), kept, bytes);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops the copies of what was changed since the log was read last.
    fn read_log(&mut self, database: &SqliteDatabase) -> Result<()> {
        let before = self.position;
        let read = database.blocking_read(|db| log::read(db, before))?;
        self.position = read.position;
        let Some(targets) = read.targets else {
            self.copies.clear();
            return Ok(());
        };
        for target in targets {
            if let Some(Kept::Variants(variants)) = self.copies.remove(Name::Target(target)) {
                for variant in variants.iter() {
                    self.copies.remove(Name::Content(variant.content));
                }
            }
        }
        Ok(())
    }
}

fn variant_bytes(variant: &Variant) -> u64 {
    let body = variant.body.as_ref().map_or(0, Bytes::len);
    head_bytes(&variant.head) + body as u64
}
