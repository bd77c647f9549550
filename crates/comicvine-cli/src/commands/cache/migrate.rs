//! The answers of a store, copied into the file of an HTTP cache.

use store_core::{
    CacheStore, Clock, Entry, EntryInfo, Lookup, NewEntry, PageRequest, SetOutcome, SystemClock,
    Ttl,
};

use crate::error::Error;
use crate::options::GlobalOptions;
use crate::output;
use crate::progress::spinner;
use crate::session::OpenStores;
use crate::store::{self, Purpose};

/// The answers that are read at once.
const PAGE: u32 = 100;

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
struct Migrated {
    copied: u64,
    /// Those of which the file has one that is as new.
    kept: u64,
}

/// Copies the answers of the store that `global` names to the file of `--http-cache`.
pub(super) async fn run(global: &GlobalOptions) -> Result<(), Error> {
    if !store::has_http_cache(global) {
        return Err(Error::usage(
            "`comicvine cache migrate` copies answers to the file of an HTTP cache; name it with --http-cache PATH",
        ));
    }
    let from = OpenStores::open_without_http_cache(global).await?;
    let to = match OpenStores::open(global, Purpose::Requests).await {
        Ok(to) => to,
        Err(error) => return from.close(Err(error)).await,
    };
    let migrated = copy(&*from.cache, &*to.cache).await;
    let told = migrated.and_then(|Migrated { copied, kept }| {
        let kept = match kept {
            0 => String::new(),
            kept => format!(", kept {kept} that were there"),
        };
        Ok(output::print_line(&format!(
            "copied {copied} answers{kept}; the store still has them: `comicvine cache clear --all` deletes them there, \
             without --http-cache and with COMIC_VINE_HTTP_CACHE unset"
        ))?)
    });
    let closed = to.close(told).await;
    from.close(closed).await
}

async fn copy(from: &dyn CacheStore, to: &dyn CacheStore) -> Result<Migrated, Error> {
    let working = spinner("copying answers");
    let mut migrated = Migrated::default();
    let mut request = PageRequest::default().with_limit(PAGE);
    loop {
        let page = from.list(&request).await?;
        for info in page.items {
            // One that has gone meanwhile is not missed.
            if let Lookup::Hit(entry) = from.get(&info.key).await? {
                match copy_one(to, info, entry).await? {
                    SetOutcome::Stored => migrated.copied += 1,
                    SetOutcome::Outdated => migrated.kept += 1,
                }
            }
            working.set_message(format!("copying answers: {}", migrated.copied));
        }
        match page.next {
            Some(next) => request = request.with_after(next),
            None => break,
        }
    }
    working.finish_and_clear();
    Ok(migrated)
}

/// Copies an answer, unless there is one that is as new.
async fn copy_one(to: &dyn CacheStore, info: EntryInfo, found: Entry) -> Result<SetOutcome, Error> {
    let token = match to.get(&info.key).await? {
        Lookup::Hit(there) if there.created_at >= found.created_at => {
            return Ok(SetOutcome::Outdated);
        }
        Lookup::Hit(_) => to.fill_token().await?,
        Lookup::Miss(token) => token,
    };
    let now = SystemClock::new().now();
    let ttl = found
        .expires_at
        .map_or(Ttl::Never, |at| Ttl::After(at.since(now)));
    let entry = NewEntry::fill(info.key, found.value, token)
        .with_ttl(ttl)
        .with_tags(info.tags);
    Ok(to.set(entry).await?)
}
