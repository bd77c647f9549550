//! A disk that gets full: a small one if there is one, otherwise one of which everything is to stay free.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use store_core::{CacheStore as _, ErrorKind, Selection};
use store_sqlite::{DatabaseOptions, SqliteDatabase};

use super::{Pair, Trial, key};
use crate::error::Error;

/// Values that are stored before the disk is full.
const KEPT: usize = 300;
const DELETED: usize = 50;
const ACQUIRED: usize = 100;

pub(super) async fn run(file: &Path, small_disk: Option<&Path>) -> Result<Trial, Error> {
    let mut trial = Trial::new("full disk");
    let mut options = DatabaseOptions::default();
    let file = small_disk.map_or_else(|| file.to_owned(), |folder| folder.join("stores.db"));
    let mut database = SqliteDatabase::open(&file).await?;
    store_sqlite::migrate(&database).await?;
    let pair = Pair::over(&database)?;
    for number in 0..KEPT {
        pair.set(number).await?;
    }
    if small_disk.is_none() {
        database.close().await?;
        options = options.with_min_free_bytes(u64::MAX);
        database = SqliteDatabase::open_with(&file, options).await?;
    }
    let pair = Pair::over(&database)?;
    let mut stored = fill_up(&mut trial, &pair, KEPT).await?;
    for round in 0..10 {
        for number in 0..KEPT {
            let is_there = pair.has(number).await?;
            let is_expected = number >= round * (DELETED / 10);
            trial.expect(is_there == is_expected, || {
                format!("round {round}: value {number} is there: {is_there}")
            });
        }
        for number in round * (DELETED / 10)..(round + 1) * (DELETED / 10) {
            let deleted = pair.cache.delete(&key(number)?).await;
            complain(&mut trial, "delete", deleted.err());
        }
        for _ in 0..ACQUIRED / 10 {
            match pair.acquire().await {
                Ok(is_granted) => trial.expect(is_granted, || "refused".to_owned()),
                Err(error) => complain(&mut trial, "acquire", Some(error)),
            }
        }
        trial.calls += KEPT + (DELETED + ACQUIRED) / 10;
        stored = fill_up(&mut trial, &pair, stored).await?;
    }
    if let Some(folder) = small_disk {
        others_fill_it_up(&mut trial, &pair, folder, stored).await?;
    }
    let cleared = pair.cache.clear(&Selection::All).await;
    complain(&mut trial, "clear", cleared.err());
    // Hidden values take their space until they are freed.
    loop {
        match pair.cache.cleanup().await {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                complain(&mut trial, "cleanup", Some(error));
                break;
            }
        }
    }
    match database.vacuum().await {
        Ok(report) => trial.expect(report.bytes_after < report.bytes_before / 2, || {
            format!("{report:?}")
        }),
        Err(error) => trial.expect(false, || format!("vacuum: {error}")),
    }
    complain(&mut trial, "acquire", pair.acquire().await.err());
    if small_disk.is_some() {
        // There is space again.
        for number in 0..KEPT {
            complain(&mut trial, "set", pair.set(number).await.err());
        }
    }
    let report = database.check().await?;
    trial.expect(report.is_ok(), || format!("{report:?}"));
    database.close().await?;
    Ok(trial)
}

/// Stores values until there is no space for another; returns the number of the next.
async fn fill_up(trial: &mut Trial, pair: &Pair, from: usize) -> Result<usize, Error> {
    let mut number = from;
    loop {
        trial.calls += 1;
        match pair.set(number).await {
            Ok(()) => number += 1,
            Err(error) => {
                let kind = error.kind();
                trial.expect(kind == ErrorKind::StorageFull, || format!("set: {error}"));
                return Ok(number);
            }
        }
    }
}

/// Other programs take the rest of a disk: what is kept is read, and with space again the others go on.
async fn others_fill_it_up(
    trial: &mut Trial,
    pair: &Pair,
    folder: &Path,
    next: usize,
) -> Result<(), Error> {
    let other = take_the_rest(folder)?;
    for number in DELETED..KEPT {
        trial.calls += 1;
        let found = pair.has(number).await;
        trial.expect(matches!(found, Ok(true)), || {
            format!("value {number} on a disk without a free byte: {found:?}")
        });
    }
    if let Err(error) = pair.set(next).await {
        let kind = error.kind();
        trial.expect(kind == ErrorKind::StorageFull, || format!("set: {error}"));
    }
    fs::remove_file(&other).map_err(Error::file("remove", &other))?;
    for number in DELETED..DELETED + 5 {
        let deleted = pair.cache.delete(&key(number)?).await;
        complain(trial, "delete", deleted.err());
    }
    complain(trial, "acquire", pair.acquire().await.err());
    Ok(())
}

/// Writes a file until the disk is full to the last byte.
fn take_the_rest(folder: &Path) -> Result<PathBuf, Error> {
    let path = folder.join("other");
    let mut file = File::create(&path).map_err(Error::file("create", &path))?;
    for bytes in [65_536, 1] {
        let block = vec![7_u8; bytes];
        while file.write_all(&block).is_ok() {}
    }
    Ok(path)
}

fn complain(trial: &mut Trial, what: &str, error: Option<store_core::Error>) {
    if let Some(error) = error {
        trial.expect(false, || {
            format!("{what}: {}", store_core::ErrorChain(&error))
        });
    }
}
