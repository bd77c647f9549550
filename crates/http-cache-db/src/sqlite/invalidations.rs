//! What makes a response that is on its way outdated: an invalidation or a purge since its request was sent.

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::{HOUR, Timestamp};

use super::commit::Row;
use super::{equivalents, state};
use crate::keys::{Salt, TargetKey};
use crate::store::{Equivalence, Selector, Tag};
use crate::url_base::UrlBase;

/// Whether an invalidation is later than a number of them.
pub(super) const IS_LATER: &str = "SELECT sequence > ?2 FROM invalidations WHERE url_key = ?1";
/// Whether a URL starts with a prefix that was purged later.
pub(super) const IS_UNDER_LATER: &str = "
    SELECT 1 FROM invalidations
    WHERE prefix IS NOT NULL AND sequence > ?1 AND substr(?2, 1, length(prefix)) = prefix LIMIT 1";

/// The invalidations so far, to be remembered when a request is sent.
pub(super) fn count(db: &Connection) -> Result<i64> {
    state::get(db, "invalidations")
}

/// Remembers that what this key stands for is invalid: a target, or what a purge selects. The targets of a base are no
/// longer answered by each other's responses.
pub(super) fn remember(tx: &Transaction<'_>, key: TargetKey, now: Timestamp) -> Result<()> {
    equivalents::forget(tx, key)?;
    insert(tx, key.as_bytes(), None, now)
}

/// Remembers that what a purge selects is invalid.
pub(super) fn remember_selected(
    tx: &Transaction<'_>,
    selector: &Selector,
    salt: &Salt,
    now: Timestamp,
) -> Result<()> {
    match selector {
        Selector::Url(url) => {
            remember(tx, Equivalence::base(url, *salt), now)?;
            remember(tx, salt.target_key(url), now)
        }
        Selector::Tag(tag) => remember(tx, tag_key(salt, tag), now),
        Selector::Host(domain) => remember(tx, host_key(salt, domain), now),
        Selector::Prefix(prefix) => {
            let text = prefix.text();
            let key = salt.key_of(&["prefix", &text]);
            insert(tx, key.as_bytes(), Some(&text), now)
        }
        Selector::Everything => remember_all(tx),
    }
}

fn insert(
    tx: &Transaction<'_>,
    key: &[u8; 16],
    prefix: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let sequence = state::increment(tx, "invalidations")?;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO invalidations (url_key, sequence, invalidated_at, prefix)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![key, sequence, now.as_millis(), prefix])?;
    Ok(())
}

/// Remembers that everything is invalid.
pub(super) fn remember_all(tx: &Transaction<'_>) -> Result<()> {
    let sequence = state::increment(tx, "invalidations")?;
    state::set(tx, "cleared", sequence)
}

/// Whether a response to store was invalidated, or purged, since its fill began, or may have been.
pub(super) fn is_outdated(tx: &Transaction<'_>, row: &Row, salt: &Salt) -> Result<bool> {
    let begun = row.begun;
    if count(tx)? == begun {
        return Ok(false);
    }
    let tags = row.response.tags.iter();
    let tags = tags.chain(row.response.request_tags.iter());
    let base = row.response.equivalence.iter().map(|of| of.base);
    let keys = base.chain([row.target, host_key(salt, &row.url.domain)]);
    if is_any_outdated(tx, keys.chain(tags.map(|tag| tag_key(salt, tag))), begun)? {
        return Ok(true);
    }
    let url = UrlBase::of_record(&row.url).text();
    let mut is_under_later = tx.prepare_cached(IS_UNDER_LATER)?;
    Ok(is_under_later.exists(params![begun, url])?)
}

/// Whether one of these keys was invalidated since the first `begun` invalidations, or may have been.
pub(super) fn is_any_outdated(
    tx: &Transaction<'_>,
    keys: impl IntoIterator<Item = TargetKey>,
    begun: i64,
) -> Result<bool> {
    if begun < state::get(tx, "cleared")?.max(state::get(tx, "forgotten")?) {
        return Ok(true);
    }
    let mut is_later = tx.prepare_cached(IS_LATER)?;
    for key in keys {
        let is_later = is_later.query_row(params![key.as_bytes(), begun], |row| row.get(0));
        if is_later.optional()?.unwrap_or_default() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn tag_key(salt: &Salt, tag: &Tag) -> TargetKey {
    salt.key_of(&["tag", tag.origin().unwrap_or_default(), tag.name()])
}

fn host_key(salt: &Salt, domain: &str) -> TargetKey {
    salt.key_of(&["host", domain])
}

/// Forgets up to `most` invalidations of an hour ago and before, or of more than an hour ahead: the clock was set
/// back. What was asked for before the last of them is not stored any more. Yields how many there were.
pub(super) fn forget(tx: &Transaction<'_>, now: Timestamp, most: u32) -> Result<usize> {
    let before = now
        .as_millis()
        .saturating_sub(HOUR.as_millis().try_into().unwrap_or(i64::MAX));
    let last = tx
        .prepare_cached(
            "SELECT max(sequence) FROM
                 (SELECT sequence, invalidated_at FROM invalidations ORDER BY sequence LIMIT ?2)
             WHERE invalidated_at <= ?1 OR invalidated_at > ?3",
        )?
        .query_row(params![before, most, (now + HOUR).as_millis()], |row| {
            row.get::<_, Option<i64>>(0)
        })?;
    let Some(last) = last else {
        return Ok(0);
    };
    state::set(tx, "forgotten", last)?;
    Ok(tx.execute("DELETE FROM invalidations WHERE sequence <= ?1", [last])?)
}
