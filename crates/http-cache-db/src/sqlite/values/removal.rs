//! Removing values: they are hidden a few hundred in a transaction, and their rows go in the background.

use std::sync::Arc;

use sqlite_database::rusqlite::{Connection, OptionalExtension, Params, Row, Transaction, params};
use store_core::{Key, Removal, Result, SECOND, Scope, Selection, Tag, Timestamp};

use super::ValueCache;
use super::value::Subject;
use crate::keys::{Salt, TargetKey};
use crate::sqlite::cleanup::READING;
use crate::sqlite::invalidations;
use crate::sqlite::remove::remove_responses;
use crate::sqlite::state::integer;

type Done<T> = sqlite_database::Result<T>;

/// The values of one transaction.
const PER_WRITE: usize = 500;

/// Values to hide.
#[derive(Clone, Debug)]
enum Which {
    All,
    Scope(Scope),
    Tag(Tag),
}

impl ValueCache {
    pub(super) async fn remove_key(&self, key: &Key) -> Result<Removal> {
        const OPERATION: &str = "delete";
        let opened = self.opened(OPERATION)?;
        self.inner.shared.note_invalidation();
        let (key, salt, now) = (key.clone(), opened.salt, self.now());
        let removed = opened.database.write(move |tx| {
            invalidations::remember(tx, Subject::Key(&key).hashed(salt), now)?;
            let found = some(
                tx,
                "SELECT response_id, expires_at IS NULL OR expires_at > ?2 FROM cached_values WHERE key = ?1",
                params![key.as_str(), now.as_millis()],
            )?;
            let responses: Vec<_> = found.iter().map(|(id, _)| *id).collect();
            remove_responses(tx, &responses, now)?;
            Ok(alive(&found))
        });
        let removed = removed.await;
        let removed = removed.map_err(|error| self.inner.shared.error(error, OPERATION))?;
        Ok(Removal::exactly(removed))
    }

    pub(super) async fn remove_selected(&self, selection: &Selection) -> Result<Removal> {
        let which = match selection {
            Selection::All => Which::All,
            Selection::Scope(scope) => Which::Scope(scope.clone()),
        };
        self.hide("clear", vec![which]).await
    }

    pub(super) async fn remove_tagged(&self, tags: &[Tag]) -> Result<Removal> {
        let tags = tags.iter().cloned().map(Which::Tag).collect();
        self.hide("invalidate_tags", tags).await
    }

    /// Hides what is stored, and voids the tokens. Yields how many values were alive.
    async fn hide(&self, operation: &'static str, which: Vec<Which>) -> Result<Removal> {
        let opened = self.opened(operation)?;
        let shared = &self.inner.shared;
        shared.note_invalidation();
        let (salt, now) = (opened.salt, self.now());
        let which: Arc<[Which]> = which.into();
        let (mut next, mut removed) = (0, 0);
        while next < which.len() {
            let (all, first) = (Arc::clone(&which), next);
            let step = opened
                .database
                .write(move |tx| hide_some(tx, &all, first, salt, now));
            let (rest, alive) = step.await.map_err(|error| shared.error(error, operation))?;
            next = rest;
            removed += alive;
        }
        shared.clean_up(&opened, SECOND, READING);
        Ok(Removal::exactly(removed))
    }
}

impl Which {
    fn subject(&self) -> Subject<'_> {
        match self {
            Self::All => Subject::All,
            Self::Scope(scope) => Subject::Scope(scope.as_str()),
            Self::Tag(tag) => Subject::Tag(tag.as_str()),
        }
    }
}

/// Hides some of the values of `all[first..]`. Yields which of these are next, and how many values were alive.
fn hide_some(
    tx: &Transaction<'_>,
    all: &[Which],
    first: usize,
    salt: Salt,
    now: Timestamp,
) -> Done<(usize, u64)> {
    let (mut left, mut hidden_alive) = (PER_WRITE, 0);
    for (index, which) in all.iter().enumerate().skip(first) {
        if left == 0 {
            return Ok((index, hidden_alive));
        }
        invalidations::remember(tx, which.subject().hashed(salt), now)?;
        let found = which.some(tx, left, now)?;
        for (response, _) in &found {
            let key = hide(tx, *response)?;
            // The value that is on its way to take the place of this one may have other tags.
            if let (Which::Tag(_), Some(key)) = (which, key) {
                invalidations::remember(tx, TargetKey::from_bytes(key), now)?;
            }
        }
        hidden_alive += alive(&found);
        if found.len() >= left {
            return Ok((index, hidden_alive));
        }
        left -= found.len() + 1;
    }
    Ok((all.len(), hidden_alive))
}

impl Which {
    fn some(&self, tx: &Transaction<'_>, most: usize, now: Timestamp) -> Done<Vec<(i64, bool)>> {
        let (most, now) = (integer(most), now.as_millis());
        match self {
            Self::All => some(tx, ALL, params![most, now]),
            Self::Scope(scope) => {
                // The keys of a scope lie between its colon and the character after that.
                let (first, end) = (format!("{scope}:"), format!("{scope};"));
                some(tx, OF_SCOPE, params![most, now, first, end])
            }
            Self::Tag(tag) => some(tx, OF_TAG, params![most, now, tag.as_str()]),
        }
    }
}

const ALL: &str = "
    SELECT response_id, expires_at IS NULL OR expires_at > ?2 FROM cached_values LIMIT ?1";
pub(super) const OF_SCOPE: &str = "
    SELECT response_id, expires_at IS NULL OR expires_at > ?2 FROM cached_values
    WHERE key >= ?3 AND key < ?4 LIMIT ?1";
pub(super) const OF_TAG: &str = "
    SELECT v.response_id, v.expires_at IS NULL OR v.expires_at > ?2
    FROM value_tags t JOIN cached_values v USING (response_id) WHERE t.tag = ?3 LIMIT ?1";

/// Ids of responses, and whether each value is alive.
fn some(db: &Connection, sql: &'static str, values: impl Params) -> Done<Vec<(i64, bool)>> {
    let mut statement = db.prepare_cached(sql)?;
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found = statement.query_map(values, row)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn alive(found: &[(i64, bool)]) -> u64 {
    found.iter().filter(|(_, is_alive)| *is_alive).count() as u64
}

/// Hides a response until its rows are removed. Yields its key.
fn hide(tx: &Transaction<'_>, response: i64) -> Done<Option<[u8; 16]>> {
    let key = tx
        .prepare_cached(
            "DELETE FROM variants WHERE response_id = ?1 AND url_key =
                 (SELECT u.url_key FROM requests q JOIN urls u USING (url_id) WHERE q.request_id = ?1)
             RETURNING url_key",
        )?
        .query_row([response], |row| row.get(0))
        .optional()?;
    tx.prepare_cached("UPDATE responses SET is_deleted = 1 WHERE response_id = ?1")?
        .execute([response])?;
    Ok(key)
}
