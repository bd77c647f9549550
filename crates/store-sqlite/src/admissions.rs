//! The log of admissions as it is, for audits: what was let through, and when.

use sqlite_database::SqliteDatabase;
use store_core::{Priority, Resource, Result, Timestamp};

use crate::error::store_error;

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Admission {
    /// What it counts against.
    pub resource: Resource,
    /// The moment it counts at.
    pub at: Timestamp,
    /// Its number within the resource; free for another once the row is gone.
    pub row: i64,
    /// Who waited.
    pub priority: Priority,
}

/// Reads the whole log, oldest first: every admission that was not given back and is not so old that
/// no window holds it any more.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::{Acquire, Decision, HOUR, Limit, RateLimitStore, Resource};
/// use store_sqlite::{SqliteDatabase, SqliteRateLimitStore, admissions};
///
/// let db = SqliteDatabase::in_memory().await?;
/// let limits = SqliteRateLimitStore::new(&db, Limit::new(200, HOUR));
/// let issues = Resource::named("issues")?;
/// if let Decision::Granted(permit) = limits.acquire(Acquire::one(&issues).user()).await? {
///     permit.commit();
/// }
/// assert_eq!(admissions(&db).await?[0].resource, issues);
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(example()).unwrap();
/// ```
///
/// # Errors
/// Those of the database.
pub async fn admissions(database: &SqliteDatabase) -> Result<Vec<Admission>> {
    const OPERATION: &str = "admissions";
    let rows = database
        .read(|db| {
            let mut log = db.prepare_cached(
                "SELECT resource, timestamp, id, is_user FROM rate_limits
                 ORDER BY timestamp, resource, id",
            )?;
            let rows = log.query_map([], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get::<_, bool>(3)?,
                ))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })
        .await
        .map_err(|error| store_error(error, OPERATION))?;
    rows.into_iter()
        .map(|(resource, at, row, is_user)| {
            Ok(Admission {
                resource: Resource::named(&resource)?,
                at: Timestamp::from_millis(at),
                row,
                priority: if is_user {
                    Priority::User
                } else {
                    Priority::Background
                },
            })
        })
        .collect()
}
