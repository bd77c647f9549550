//! The log of changed targets.

use sqlite_database::Result;
use sqlite_database::rusqlite::Connection;

use crate::keys::TargetKey;

/// Up to where the log was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sqlite) struct Position(i64);

/// What a reading has found.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) position: Position,
    /// The targets that were changed; `None` if everything may have been.
    pub(super) targets: Option<Vec<TargetKey>>,
}

/// What was changed after a position.
pub(super) fn read(db: &Connection, after: Position) -> Result<Read> {
    // In one statement, and so of one moment. The row of the position itself shows that none after it was removed.
    let mut changes = db.prepare_cached(
        "SELECT sequence, url_key FROM target_changes WHERE sequence >= ?1 ORDER BY sequence",
    )?;
    let mut rows = changes.query([after.0])?;
    let (mut position, mut is_first) = (after, true);
    let mut targets = Some(Vec::new());
    while let Some(row) = rows.next()? {
        position = Position(row.get(0)?);
        if std::mem::take(&mut is_first) {
            if position != after {
                targets = None;
            }
            continue;
        }
        match row.get::<_, [u8; 16]>(1) {
            Ok(key) => {
                if let Some(targets) = &mut targets {
                    targets.push(TargetKey::from_bytes(key));
                }
            }
            // Damage.
            Err(_) => targets = None,
        }
    }
    // The newest row is never removed: another file, with fewer changes.
    if is_first {
        return Ok(Read {
            position: Position::default(),
            targets: None,
        });
    }
    Ok(Read { position, targets })
}
