//! Write transactions: one operation alone, or a group with a savepoint for each.

use std::time::Duration;

use rusqlite::{Connection, Transaction};

use super::growth::Growth;
use super::operation::{Operation, run_caught};
use crate::busy::{self, Deadline};
use crate::error::{Error, ErrorKind, Result};
use crate::transaction::TransactionMode;

/// Begins a transaction; those that every write runs in are immediate, because upgrading a read to a
/// write fails with a snapshot conflict, which no waiting resolves.
pub(super) fn begin(
    connection: &mut Connection,
    mode: TransactionMode,
    deadline: Deadline,
) -> Result<Transaction<'_>> {
    busy::with_deadline(deadline, || {
        Transaction::new(connection, mode.into()).map_err(Error::from)
    })
}

/// Runs `f` and commits, or rolls back if it fails.
///
/// The value is separate from the outcome, so that the caller can drop it without the lock.
pub(super) fn run_alone<T>(
    transaction: Transaction<'_>,
    f: impl FnOnce(&Transaction<'_>) -> Result<T>,
    growth: &Growth,
    busy_timeout: Duration,
) -> (Result<()>, Option<T>) {
    busy::with_busy_timeout(busy_timeout, || {
        match run_caught(|| {
            growth.limit(&transaction)?;
            f(&transaction)
        }) {
            Ok(value) if transaction.is_autocommit() => (Err(ended()), Some(value)),
            Ok(value) => (transaction.commit().map_err(Error::from), Some(value)),
            Err(error) => (Err(error), None),
        }
    })
}

/// Runs `operations` in one transaction and commits.
///
/// Returns one outcome for each operation that has run or has waited for too long. Fewer outcomes than
/// operations mean that the rest has not run and needs another transaction.
pub(super) fn commit(
    connection: &mut Connection,
    operations: &mut [Box<dyn Operation>],
    growth: &Growth,
    busy_timeout: Duration,
) -> Vec<Result<()>> {
    let Some(first) = operations.first() else {
        return Vec::new();
    };
    let mode = first.alone_in().unwrap_or_default();
    // A deferred transaction takes its locks within the operation, which waits no longer for that.
    let until = match mode {
        TransactionMode::Deferred => first.deadline(),
        TransactionMode::Immediate | TransactionMode::Exclusive => Deadline::after(busy_timeout),
    };
    let transaction = match begin(connection, mode, first.deadline()) {
        Ok(transaction) => transaction,
        Err(error) if error.kind() == ErrorKind::Busy => {
            // Those that came later may wait for longer.
            let waiting = operations.iter().skip(1);
            let late = waiting.take_while(|operation| operation.deadline().has_passed());
            return vec![Err(error); 1 + late.count()];
        }
        Err(error) => return operations.iter().map(|_| Err(error.clone())).collect(),
    };
    busy::with_deadline(until, || {
        if let Err(error) = growth.limit(&transaction) {
            return operations.iter().map(|_| Err(error.clone())).collect();
        }
        let mut outcomes = Vec::with_capacity(operations.len());
        for operation in operations {
            outcomes.push(run_in_savepoint(&transaction, operation.as_mut()));
            if transaction.is_autocommit() {
                // Some errors, such as a full disk, roll back the whole transaction.
                let error = outcomes
                    .last()
                    .cloned()
                    .and_then(Result::err)
                    .unwrap_or_else(ended);
                fail_all(&mut outcomes, &error);
                return outcomes;
            }
        }
        if let Err(error) = transaction.commit() {
            fail_all(&mut outcomes, &error.into());
        }
        outcomes
    })
}

fn run_in_savepoint(transaction: &Transaction<'_>, operation: &mut dyn Operation) -> Result<()> {
    let execute = |sql: &str| transaction.prepare_cached(sql)?.execute([]);
    execute("SAVEPOINT operation")?;
    let outcome = operation.run(transaction);
    if transaction.is_autocommit() {
        return outcome;
    }
    let ended = match &outcome {
        Ok(()) => execute("RELEASE operation"),
        Err(_) => execute("ROLLBACK TO operation").and_then(|_| execute("RELEASE operation")),
    };
    match ended {
        Ok(_) => outcome,
        Err(error) => {
            // The savepoint can be neither released nor rolled back, so the transaction cannot go on.
            let _rolled_back = transaction.execute_batch("ROLLBACK");
            Err(error.into())
        }
    }
}

fn fail_all(outcomes: &mut [Result<()>], error: &Error) {
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
        *outcome = Err(error.clone());
    }
}

fn ended() -> Error {
    let detail = "the operation ended its transaction; leave COMMIT and ROLLBACK to the writer";
    Error::new(ErrorKind::InvalidInput, "write", detail)
}
