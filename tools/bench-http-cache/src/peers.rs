//! The peers: managers of the `http-cache` crate, in memory (moka) and in a file (redb).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use http::Request;
use http_cache::{
    CacheManager, HttpHeaders, HttpResponse, HttpVersion, MokaCache, MokaManager, RedbManager,
};
use http_cache_semantics::CachePolicy;
use store_core::{Clock as _, SystemClock};
use url::Url;

use crate::corpus::Entry;
use crate::error::Error;
use crate::ours::file_bytes;
use crate::statistics::Samples;

/// More than the corpus has: by default it would keep 42 entries.
const MOKA_ENTRIES: u64 = 20_000;

/// A manager, and what it took.
#[derive(Debug)]
pub(crate) struct Peer<M> {
    name: &'static str,
    manager: M,
    pub(crate) puts: Samples,
    pub(crate) hits: Samples,
}

pub(crate) fn moka() -> Peer<MokaManager> {
    Peer::new("moka", MokaManager::new(MokaCache::new(MOKA_ENTRIES)))
}

pub(crate) fn redb(folder: &Path) -> Result<Peer<RedbManager>, Error> {
    let manager = RedbManager::new(redb_path(folder)).map_err(peer)?;
    Ok(Peer::new("redb", manager))
}

fn redb_path(folder: &Path) -> PathBuf {
    folder.join("redb.db")
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn peer(error: http_cache::BoxError) -> Error {
    Error::Peer(error.to_string())
}

impl Peer<RedbManager> {
    /// Closes, and yields the bytes of the file.
    pub(crate) fn close(self, folder: &Path) -> Result<u64, Error> {
        drop(self);
        file_bytes(&redb_path(folder))
    }
}

impl<M: CacheManager> Peer<M> {
    fn new(name: &'static str, manager: M) -> Self {
        Self {
            name,
            manager,
            puts: Samples::default(),
            hits: Samples::default(),
        }
    }

    pub(crate) async fn put(&mut self, entries: &[Entry]) -> Result<(), Error> {
        for entry in entries {
            let (response, policy) = (response(entry)?, policy(entry)?);
            let timer = SystemClock::new();
            let put = self.manager.put(key(entry), response, policy).await;
            self.puts.add(timer.monotonic());
            put.map_err(peer)?;
        }
        Ok(())
    }

    pub(crate) async fn get(&mut self, entry: &Entry, is_counted: bool) -> Result<(), Error> {
        let timer = SystemClock::new();
        let found = self.manager.get(&key(entry)).await;
        let duration = timer.monotonic();
        let len = found
            .map_err(peer)?
            .map(|(response, _)| response.body.len());
        if len != Some(entry.body.len()) {
            return Err(Error::WrongBody {
                store: self.name,
                url: entry.url.clone(),
            });
        }
        if is_counted {
            self.hits.add(duration);
        }
        Ok(())
    }
}

/// The key that the crate's middleware makes.
fn key(entry: &Entry) -> String {
    format!("GET:{}", entry.url)
}

fn response(entry: &Entry) -> Result<HttpResponse, Error> {
    let mut headers = HashMap::<String, Vec<String>>::new();
    for (name, value) in &entry.response {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers
            .entry(name.as_str().to_owned())
            .or_default()
            .push(value);
    }
    Ok(HttpResponse {
        body: entry.body.to_vec(),
        headers: HttpHeaders::Modern(headers),
        status: 200,
        url: Url::parse(&entry.url)?,
        version: HttpVersion::Http11,
        metadata: None,
    })
}

fn policy(entry: &Entry) -> Result<CachePolicy, Error> {
    let mut request = Request::get(&entry.url).body(())?;
    *request.headers_mut() = entry.request.clone();
    let mut response = http::Response::new(());
    *response.headers_mut() = entry.response.clone();
    Ok(CachePolicy::new(&request, &response))
}
