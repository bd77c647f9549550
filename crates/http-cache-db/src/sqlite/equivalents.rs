//! The targets that responses of equivalent ones answer (`No-Vary-Search`): one read of a short index at a miss.

use http::Uri;
use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::keys::{Salt, TargetKey};
use crate::store::{Equivalence, NewResponse};

/// The field of a base, or the target of a key.
pub(super) const FIND: &str =
    "SELECT value, url_key FROM equivalent_targets WHERE equivalence_key = ?1";
/// Forgets the targets of a base.
pub(super) const FORGET: &str = "DELETE FROM equivalent_targets WHERE base_key = ?1";

/// The target whose response answers this one, and the field that says so.
pub(super) fn find(
    db: &Connection,
    target: &Uri,
    salt: Salt,
) -> Result<Option<(TargetKey, String)>> {
    let mut find = db.prepare_cached(FIND)?;
    let base = Equivalence::base(target, salt);
    let value = find.query_row([&base.as_bytes()[..]], |row| row.get::<_, String>(0));
    let Some(value) = value.optional()? else {
        return Ok(None);
    };
    let Some(key) = Equivalence::key_under(target, &value, salt) else {
        return Ok(None);
    };
    let found = find.query_row([&key.as_bytes()[..]], |row| row.get::<_, [u8; 16]>(1));
    let found = found.optional()?;
    Ok(found.map(|target| (TargetKey::from_bytes(target), value)))
}

/// Writes down which targets a response answers besides its own, in place of what it said before.
pub(super) fn replace(
    tx: &Transaction<'_>,
    target: TargetKey,
    response: i64,
    new: &NewResponse,
) -> Result<()> {
    tx.prepare_cached("DELETE FROM equivalent_targets WHERE response_id = ?1")?
        .execute([response])?;
    insert(tx, target, response, new)
}

pub(super) fn insert(
    tx: &Transaction<'_>,
    target: TargetKey,
    response: i64,
    new: &NewResponse,
) -> Result<()> {
    let Some(Equivalence { base, value, key }) = &new.equivalence else {
        return Ok(());
    };
    let mut insert =
        tx.prepare_cached("INSERT OR REPLACE INTO equivalent_targets VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for own in [base, key] {
        let values = params![
            own.as_bytes(),
            base.as_bytes(),
            target.as_bytes(),
            value,
            response
        ];
        insert.execute(values)?;
    }
    Ok(())
}

/// Forgets which responses answer other targets of a base.
pub(super) fn forget(tx: &Transaction<'_>, base: TargetKey) -> Result<()> {
    tx.prepare_cached(FORGET)?.execute([&base.as_bytes()[..]])?;
    Ok(())
}
