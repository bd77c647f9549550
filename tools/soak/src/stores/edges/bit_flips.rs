//! Bits that flip on the disk: a damaged value is missing or an error, and never another value.

use std::fs;
use std::path::Path;

use store_core::{Acquire, CacheStore as _, Lookup, RateLimitStore as _};
use store_sqlite::SqliteDatabase;

use super::{Pair, Trial, key};
use crate::error::Error;
use crate::load::rng::Rng;

const VALUES: usize = 60;
/// How many files, each with one flipped bit.
const FILES: usize = 150;

pub(super) async fn run(file: &Path) -> Result<Trial, Error> {
    let mut trial = Trial::new("bit flips");
    let database = SqliteDatabase::open(file).await?;
    let pair = Pair::over(&database)?;
    for number in 0..VALUES {
        pair.set(number).await?;
    }
    drop(pair);
    database.close().await?;
    let whole = fs::read(file).map_err(Error::file("read", file))?;
    let rng = Rng::new(1, 0);
    let (mut hits, mut refused) = (0, 0);
    for number in 0..FILES {
        let mut bytes = whole.clone();
        let (at, bit) = (rng.below(bytes.len()), rng.below(8));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << bit;
        }
        let damaged = file.with_extension(format!("{number}.db"));
        fs::write(&damaged, bytes).map_err(Error::file("write", &damaged))?;
        let Ok(database) = SqliteDatabase::open(&damaged).await else {
            refused += VALUES;
            trial.calls += VALUES;
            continue;
        };
        let pair = Pair::over(&database)?;
        for number in 0..VALUES {
            trial.calls += 1;
            match pair.cache.get(&key(number)?).await {
                Ok(Lookup::Hit(_)) => {
                    hits += 1;
                    // Other errors than those of a damaged file were found by `get`.
                    let is_whole = pair.has(number).await.unwrap_or(true);
                    trial.expect(is_whole, || {
                        format!("bit {bit} of byte {at}: another value of {number}")
                    });
                }
                Ok(_) => {}
                Err(_) => refused += 1,
            }
        }
        // It may be refused, and must not panic or wait.
        let _outcome = pair.limits.try_acquire(Acquire::one(&pair.resource)).await;
        drop(pair);
        let _outcome = database.close().await;
    }
    let calls = trial.calls;
    trial.expect(hits > calls / 2 && refused < calls / 4, || {
        format!("{hits} hits and {refused} refusals in {calls} calls")
    });
    Ok(trial)
}
