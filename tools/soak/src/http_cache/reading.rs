//! Reading responses, and checking their bodies.

use http_cache_db::SqliteStore;
use http_cache_db::store::{ResponseStore as _, StoredBody, Variant};
use store_core::Result;

use super::made::{FIELD, Made};
use super::site::Site;
use super::tally::Tally;
use crate::error::Error;

/// A response whose field says what it is.
pub(super) fn made(variant: &Variant) -> Option<Made> {
    let field = variant.head.headers.get(FIELD)?;
    Made::parse(field.to_str().ok()?)
}

/// Reads the body of a response and compares it. `None` if it is gone.
pub(super) async fn body(
    store: &SqliteStore,
    site: Site,
    variant: Variant,
    tally: &mut Tally,
) -> Result<Option<Made>> {
    let Some(made) = made(&variant).filter(|made| made.target == site.0) else {
        tally.torn(format!("a response of another target: {:?}", variant.head));
        return Ok(None);
    };
    let content = variant.content;
    let body = match variant.body {
        Some(body) => Some(StoredBody::Whole(body)),
        None => store.body(content).await?,
    };
    let expected = made.body();
    let read = match body {
        None => None,
        Some(StoredBody::Whole(body)) => Some(body.to_vec()),
        Some(StoredBody::Chunked { len, chunk_bytes }) => {
            let mut read = Vec::new();
            for index in 0..len.div_ceil(chunk_bytes) {
                let Some(chunk) = store.chunk(content, index).await? else {
                    // One that is there has all its chunks.
                    if store.body(content).await?.is_some() {
                        tally.torn(format!("no chunk {index} of {made:?}"));
                    }
                    return Ok(None);
                };
                read.extend_from_slice(&chunk);
            }
            Some(read)
        }
    };
    let Some(read) = read else {
        return Ok(None);
    };
    if read != expected || variant.head.body_len != read.len() as u64 {
        let (len, expected) = (read.len(), expected.len());
        tally.torn(format!("{len} bytes for the {expected} of {made:?}"));
    }
    Ok(Some(made))
}

/// Reads every response of every target.
pub(super) async fn everything(
    store: &SqliteStore,
    targets: usize,
    tally: &mut Tally,
) -> std::result::Result<(), Error> {
    for site in (0..targets).map(Site) {
        for variant in store.variants(site.key(store.salt())).await? {
            if body(store, site, variant, tally).await?.is_some() {
                tally.hits += 1;
            } else {
                tally.torn(format!("no body of target {}", site.0));
            }
        }
    }
    Ok(())
}

/// How many bodies have no response.
pub(super) async fn left(store: &SqliteStore) -> std::result::Result<u64, Error> {
    let count = "SELECT count(*) FROM body_contents WHERE reference_count = 0";
    let database = store.database()?;
    let left = database.read(|db| Ok(db.query_row(count, [], |row| row.get::<_, i64>(0))?));
    Ok(left.await?.unsigned_abs())
}
