//! What the time of a hit and of a put goes into: each part alone, on the same entries.
//!
//! The parts leave out what cannot be called from outside, so that they do not add up: the rest of a hit is reading
//! the list of fields and building the answer, the rest of a put its statements.

use std::hint::black_box;

use http::header::HeaderMap;
use http_cache_db::SqliteStore;
use http_cache_db::codec::{Codec as _, Zstd};
use http_cache_db::store::ResponseStore as _;
use sha2::{Digest as _, Sha256};
use sqlite_database::SqliteDatabase;
use store_core::backend::SeededRandom;
use store_core::{Clock as _, SystemClock};

use crate::corpus::{self, Entry};
use crate::error::Error;
use crate::ours::Ours;
use crate::run::{any, folder};
use crate::statistics::{Figures, Samples};

const WARM_UP: usize = 5_000;
const CALLS: usize = 30_000;

/// The parts of both.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) hit: Vec<Part>,
    pub(crate) put: Vec<Part>,
}

/// A part, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) what: &'static str,
    pub(crate) figures: Figures,
}

/// The statement of a hit, as the store has it.
const VARIANTS: &str = "
    SELECT r.response_id, v.content_id, r.status_code, r.requested_at, r.responded_at, r.headers, v.vary_key, v.range,
        c.original_size, c.chunk_count, c.compression_process_id, c.content_hash, c.body_content
    FROM variants v
    JOIN responses r ON r.response_id = v.response_id
    JOIN body_contents c ON c.content_id = v.content_id
    WHERE v.url_key = ?1 AND v.method_id = 1";
const COLUMNS: usize = 13;

pub(crate) async fn measure(entries: &[Entry]) -> Result<Parts, Error> {
    let folder = folder()?;
    let mut ours = Ours::open(folder.path()).await?;
    ours.put(entries).await?;
    let hit = hit(&mut ours, entries).await?;
    ours.close().await?;
    let second = self::folder()?;
    let ours = Ours::open(second.path()).await?;
    let put = put(&ours.store, entries).await?;
    ours.close().await?;
    Ok(Parts { hit, put })
}

/// What `work` takes on entries at random.
fn time(
    what: &'static str,
    entries: &[Entry],
    mut work: impl FnMut(&Entry) -> Result<(), Error>,
) -> Result<Part, Error> {
    let random = SeededRandom::new(42);
    let mut samples = Samples::default();
    for call in 0..WARM_UP + CALLS {
        let Some(entry) = any(&random, entries) else {
            break;
        };
        let timer = SystemClock::new();
        work(entry)?;
        let duration = timer.monotonic();
        if call >= WARM_UP {
            samples.add(duration);
        }
    }
    let figures = samples.figures();
    Ok(Part { what, figures })
}

async fn hit(ours: &mut Ours, entries: &[Entry]) -> Result<Vec<Part>, Error> {
    let store = ours.store.clone();
    let database = store.database()?;
    let salt = store.salt();
    let zstd = Zstd::default();
    let compressed: Vec<_> = entries
        .iter()
        .map(|entry| Ok((zstd.compress(&entry.body)?, entry.body.len())))
        .collect::<Result<_, Error>>()?;
    let mut next = (0..compressed.len()).cycle();
    let read_all = |database: &SqliteDatabase, entry: &Entry, columns: usize| {
        let key = salt.target_key(&entry.target);
        Ok(database.blocking_read(|db| {
            let mut statement = db.prepare_cached(VARIANTS)?;
            let mut rows = statement.query([&key.as_bytes()[..]])?;
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    black_box(row.get_ref(column)?);
                }
            }
            Ok(())
        })?)
    };
    let mut parts = vec![
        time("two readings of the clock", entries, |_| Ok(()))?,
        time("the key of the target", entries, |entry| {
            black_box(salt.target_key(&entry.target));
            Ok(())
        })?,
        time("a connection, taken and returned", entries, |_| {
            Ok(database.blocking_read(|_| Ok(()))?)
        })?,
        time(
            "key, connection and SELECT, no column read",
            entries,
            |entry| read_all(&database, entry, 0),
        )?,
        time("the same with all columns", entries, |entry| {
            read_all(&database, entry, COLUMNS)
        })?,
        time("decompression", entries, |_| {
            if let Some((stored, len)) = next.next().and_then(|place| compressed.get(place)) {
                black_box(zstd.decompress(stored, *len)?);
            }
            Ok(())
        })?,
        time("a map of twelve known fields", entries, |entry| {
            let mut map = HeaderMap::with_capacity(16);
            for (name, value) in &entry.response {
                map.append(name.clone(), value.clone());
            }
            black_box(map);
            Ok(())
        })?,
    ];
    let random = SeededRandom::new(42);
    for call in 0..WARM_UP + CALLS {
        if let Some(entry) = any(&random, entries) {
            ours.get(entry, call >= WARM_UP).await?;
        }
    }
    parts.push(Part {
        what: "the whole hit",
        figures: std::mem::take(&mut ours.hits).figures(),
    });
    let mut copies = ours.with_copies().await?;
    copies.verify(entries).await?;
    let random = SeededRandom::new(42);
    for call in 0..WARM_UP + CALLS {
        if let Some(entry) = any(&random, entries) {
            copies.get(entry, call >= WARM_UP).await?;
        }
    }
    parts.push(Part {
        what: "the whole hit, of a copy in memory",
        figures: std::mem::take(&mut copies.hits).figures(),
    });
    copies.close().await?;
    Ok(parts)
}

async fn put(store: &SqliteStore, entries: &[Entry]) -> Result<Vec<Part>, Error> {
    let (salt, policy) = (store.salt(), corpus::policy());
    let database = store.database()?;
    let zstd = Zstd::default();
    let mut samples: [Samples; 7] = Default::default();
    for entry in entries {
        let response = entry.new_response(entry.response.clone(), 0, salt, &policy);
        let not_stored = || Error::NotStored {
            store: "our store",
            url: entry.url.clone(),
        };
        let response = response.ok_or_else(not_stored)?;
        let mut laps = Vec::with_capacity(samples.len());
        let mut timer = SystemClock::new();
        let mut split = || {
            laps.push(timer.monotonic());
            timer = SystemClock::new();
        };
        black_box(Sha256::digest(&entry.body));
        split();
        black_box(zstd.compress(&entry.body)?);
        split();
        database.write(|_| Ok(())).await?;
        split();
        database
            .write(|tx| {
                let touch = "UPDATE state SET value = value + 1 WHERE name = 'eviction_hand'";
                Ok(tx.prepare_cached(touch)?.execute([])?)
            })
            .await?;
        split();
        let mut fill = store.begin(salt.target_key(&entry.target)).await?;
        split();
        fill.describe(&entry.response);
        fill.append(entry.body.clone()).await?;
        split();
        fill.commit(response).await?.ok_or_else(not_stored)?;
        split();
        for (samples, time) in samples.iter_mut().zip(laps) {
            samples.add(time);
        }
    }
    let names = [
        "SHA-256 of the body",
        "compression",
        "an empty transaction",
        "a transaction that changes one row",
        "`begin`",
        "`append`, with SHA-256",
        "`commit`, with compression",
    ];
    let parts = names.into_iter().zip(samples);
    Ok(parts
        .map(|(what, samples)| Part {
            what,
            figures: samples.figures(),
        })
        .collect())
}
