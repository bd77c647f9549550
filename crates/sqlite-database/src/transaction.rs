//! Writes, which commit whatever becomes of their caller, and transactions in a mode of SQLite's, which roll
//! back if it is gone.

use std::sync::{Arc, Weak};

use rusqlite::{Transaction, TransactionBehavior};

use crate::database::SqliteDatabase;
use crate::error::{Error, ErrorKind, Result};

/// When a transaction takes locks, by the name of SQLite's
/// [`BEGIN`](https://sqlite.org/lang_transaction.html#deferred_immediate_and_exclusive_transactions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransactionMode {
    /// At its first statement: a snapshot for a read, the write lock for a write. A write after a read fails
    /// with [`ErrorKind::Busy`] at once if another connection has committed in between, or holds the write lock at
    /// that moment, as a checkpoint does for an instant; the whole transaction can be tried again.
    Deferred,
    /// The write lock at once, so that nothing changes between its reads and its writes. Others can read.
    #[default]
    Immediate,
    /// As [`Immediate`](Self::Immediate) in a file, which is in WAL mode: others can read. In memory it
    /// keeps readers out.
    Exclusive,
}

impl From<TransactionMode> for TransactionBehavior {
    fn from(mode: TransactionMode) -> Self {
        match mode {
            TransactionMode::Deferred => Self::Deferred,
            TransactionMode::Immediate => Self::Immediate,
            TransactionMode::Exclusive => Self::Exclusive,
        }
    }
}

impl SqliteDatabase {
    /// Runs `f` inside a write transaction and returns after its commit.
    ///
    /// While the writer is idle this happens on the caller's thread, otherwise on the writer
    /// thread, which commits queued operations as a group. An error or a panic of `f` rolls back `f`
    /// alone. The writes of one task are applied in order.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> sqlite_database::Result<()> {
    /// let database = sqlite_database::SqliteDatabase::in_memory().await?;
    /// let changed = database
    ///     .write(|tx| {
    ///         tx.execute_batch("CREATE TABLE book (title TEXT NOT NULL) STRICT")?;
    ///         Ok(tx.execute("INSERT INTO book VALUES ('Saga')", [])?)
    ///     })
    ///     .await?;
    /// assert_eq!(changed, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of `f` ([`Error::aborted`] wraps one that is no database error);
    /// [`ErrorKind::Busy`] if another process holds the write lock for longer than the
    /// [`busy_timeout`](crate::DatabaseOptions::busy_timeout); [`ErrorKind::Closed`] after
    /// [`close`](Self::close); [`ErrorKind::Internal`] if `f` panics; [`ErrorKind::InvalidInput`] if
    /// `f` ends the transaction; [`ErrorKind::StorageFull`], [`ErrorKind::ReadOnly`] and other kinds
    /// if the commit fails, which rolls `f` back.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the operation commits even if the future is dropped. Its result is then dropped
    /// after the commit, so a result that is a guard can compensate in its destructor.
    pub async fn write<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        const OPERATION: &str = "write";
        self.ensure_open(OPERATION)?;
        let outcome = self.writer().write(f).await;
        outcome.map_err(|error| self.add_context(error, OPERATION))
    }

    /// Queues `f` for the writer thread and returns at once; a failure is logged.
    ///
    /// Never blocks and needs no async runtime, so destructors may call it. After
    /// [`close`](Self::close) `f` is dropped without being run.
    pub fn write_detached<F>(&self, f: F)
    where
        F: FnOnce(&Transaction<'_>) -> Result<()> + Send + 'static,
    {
        self.writer().write_detached(f);
    }

    /// Runs `f` in a transaction of its own and returns after its commit.
    ///
    /// [`write`](Self::write) is the same for [`TransactionMode::Immediate`] and commits queued operations
    /// together, which is faster where many write; it also commits if its caller is gone. Here the
    /// caller decides: an error or a panic of `f` rolls back, and so does a dropped future. Other writes
    /// of this process wait, also for a transaction that only reads: use [`read`](Self::read) for that.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> sqlite_database::Result<()> {
    /// use sqlite_database::{SqliteDatabase, TransactionMode};
    ///
    /// let database = SqliteDatabase::in_memory().await?;
    /// let copies: i64 = database
    ///     .transaction(TransactionMode::Immediate, |tx| {
    ///         tx.execute_batch(
    ///             "CREATE TABLE book (title TEXT, copies INTEGER) STRICT;
    ///              INSERT INTO book VALUES ('Saga', 2)",
    ///         )?;
    ///         tx.execute("UPDATE book SET copies = copies - 1", [])?;
    ///         Ok(tx.query_row("SELECT copies FROM book", [], |row| row.get(0))?)
    ///     })
    ///     .await?;
    /// assert_eq!(copies, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); [`ErrorKind::Busy`] also as [`TransactionMode::Deferred`] says.
    ///
    /// # Cancel safety
    ///
    /// Dropped before `f` has ended, the transaction is not begun or rolls back; dropped after that, it may
    /// have committed.
    pub async fn transaction<T, F>(&self, mode: TransactionMode, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        const OPERATION: &str = "transaction";
        self.ensure_open(OPERATION)?;
        let caller = Arc::new(());
        let waits = Arc::downgrade(&caller);
        let unless_dropped = move |tx: &Transaction<'_>| {
            ensure_waited_for(&waits)?;
            let value = f(tx)?;
            ensure_waited_for(&waits)?;
            Ok(value)
        };
        let outcome = self.writer().write_alone(mode, unless_dropped).await;
        drop(caller);
        outcome.map_err(|error| self.add_context(error, OPERATION))
    }
}

fn ensure_waited_for(caller: &Weak<()>) -> Result<()> {
    if caller.strong_count() == 0 {
        let detail = "its caller is gone; the transaction rolled back";
        return Err(Error::new(ErrorKind::Aborted, "transaction", detail));
    }
    Ok(())
}
