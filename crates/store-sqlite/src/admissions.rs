//! The admission log, for monitoring and audits.

use sqlite_database::SqliteDatabase;
use store_core::{Priority, Resource, Result, Timestamp};

use crate::error::store_error;
use crate::migrate::{RATE_LIMIT, migrate_component};

/// An admitted permit: one row of the admission log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Admission {
    /// The resource it counts against.
    pub resource: Resource,
    /// The time of the admission.
    pub at: Timestamp,
    /// The number of the row within the resource; reused once the row is removed.
    pub row: i64,
    /// The priority of the request.
    pub priority: Priority,
}

/// The whole admission log, oldest first: permits that were not given back and that a window may
/// still contain.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_sqlite::{
///     HOUR, Limit, RateLimitStoreExt, Resource, SqliteDatabase, SqliteRateLimitStore, admissions,
/// };
///
/// let db = SqliteDatabase::in_memory().await?;
/// let limiter = SqliteRateLimitStore::new(&db, Limit::new(200, HOUR)).limiter();
/// let issues = Resource::new("issues")?;
/// let _permit = limiter.acquire(&issues).await?;
/// assert_eq!(admissions(&db).await?[0].resource, issues);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`migrate()`](crate::migrate()), for a file whose rate limiter was not used yet; `Busy`,
/// `Unavailable`, `Closed` or `Corrupt` if the database cannot be read; `InvalidInput` if a row has no
/// valid resource name.
pub async fn admissions(database: &SqliteDatabase) -> Result<Vec<Admission>> {
    const OPERATION: &str = "admissions";
    migrate_component(database, &RATE_LIMIT).await?;
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
                resource: Resource::new(&resource)?,
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
