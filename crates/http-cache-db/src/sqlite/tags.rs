//! The tags of stored responses.

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::store::{NewResponse, Tag, Tags};

/// Finds a tag.
pub(super) const FIND: &str = "SELECT tag_id FROM tags WHERE name = ?1 AND origin = ?2";

/// Gives a response its tags in place of those that it had.
pub(super) fn replace(tx: &Transaction<'_>, response: i64, new: &NewResponse) -> Result<()> {
    tx.prepare_cached("DELETE FROM tagged_responses WHERE response_id = ?1")?
        .execute([response])?;
    insert(tx, response, new)
}

/// Gives a response the tags of its new fields, and those of a request besides what it has of others.
pub(super) fn freshen(tx: &Transaction<'_>, response: i64, new: &NewResponse) -> Result<()> {
    tx.prepare_cached("DELETE FROM tagged_responses WHERE response_id = ?1 AND is_of_request = 0")?
        .execute([response])?;
    insert(tx, response, new)
}

pub(super) fn insert(tx: &Transaction<'_>, response: i64, new: &NewResponse) -> Result<()> {
    insert_of(tx, response, &new.tags, false)?;
    insert_of(tx, response, &new.request_tags, true)
}

fn insert_of(tx: &Transaction<'_>, response: i64, tags: &Tags, is_of_request: bool) -> Result<()> {
    for tag in tags.iter() {
        let id = match find(tx, tag)? {
            Some(id) => id,
            None => tx
                .prepare_cached("INSERT INTO tags (name, origin) VALUES (?1, ?2)")?
                .insert(params![tag.name(), tag.origin().unwrap_or_default()])?,
        };
        tx.prepare_cached("INSERT OR IGNORE INTO tagged_responses VALUES (?1, ?2, ?3)")?
            .execute(params![id, response, is_of_request])?;
    }
    Ok(())
}

pub(super) fn find(db: &Connection, tag: &Tag) -> Result<Option<i64>> {
    let mut find = db.prepare_cached(FIND)?;
    let values = params![tag.name(), tag.origin().unwrap_or_default()];
    Ok(find.query_row(values, |row| row.get(0)).optional()?)
}

/// The tags of a response, in the order of their names.
pub(super) fn of_response(db: &Connection, response: i64) -> Result<Vec<Tag>> {
    let mut tags = db.prepare_cached(
        "SELECT DISTINCT origin, name FROM tagged_responses JOIN tags USING (tag_id)
         WHERE response_id = ?1 ORDER BY name, origin",
    )?;
    let tags = tags.query_map([response], |row| {
        let name: String = row.get(1)?;
        Ok(Tag::of(row.get(0)?, &name))
    })?;
    Ok(tags
        .filter_map(std::result::Result::transpose)
        .collect::<Result<_, _>>()?)
}
