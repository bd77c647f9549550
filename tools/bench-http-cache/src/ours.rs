//! Our side: [`SqliteStore`] on a file.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_cache_db::policy::Policy;
use http_cache_db::store::{ResponseId, ResponseStore as _, StoredBody};
use http_cache_db::{SqliteStore, SqliteStoreOptions};
use store_core::{Clock as _, SystemClock};

use crate::corpus::{self, Entry};
use crate::error::Error;
use crate::statistics::Samples;

const NAME: &str = "our store";
/// More than the corpus takes, so that nothing is evicted.
const MAX_BYTES: u64 = 8 << 30;

/// The store, and what it took.
#[derive(Debug)]
pub(crate) struct Ours {
    path: PathBuf,
    pub(crate) store: SqliteStore,
    policy: Policy,
    pub(crate) puts: Samples,
    pub(crate) hits: Samples,
    pub(crate) validations: Samples,
    /// The responses by their place in the corpus.
    stored: Vec<ResponseId>,
}

/// Bytes on the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// The file, after a checkpoint.
    pub(crate) file: u64,
    /// All bodies, compressed.
    pub(crate) bodies: u64,
}

/// What a file grew by while responses were validated, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    pub(crate) bodies: u64,
    /// What this process wrote per validation, the log and checkpoints included; `None` where that is not known.
    pub(crate) written: Option<f64>,
}

impl Ours {
    pub(crate) async fn open(folder: &Path) -> Result<Self, Error> {
        Self::open_file(folder.join("ours.db"), 0).await
    }

    /// The same file, with copies in memory.
    pub(crate) async fn with_copies(&self) -> Result<Self, Error> {
        Self::open_file(self.path.clone(), MAX_BYTES).await
    }

    async fn open_file(path: PathBuf, memory_bytes: u64) -> Result<Self, Error> {
        let options = SqliteStoreOptions::default()
            .with_max_bytes(MAX_BYTES)
            .with_memory_bytes(memory_bytes);
        Ok(Self {
            store: SqliteStore::open(&path, options).await?,
            path,
            policy: corpus::policy(),
            puts: Samples::default(),
            hits: Samples::default(),
            validations: Samples::default(),
            stored: Vec::new(),
        })
    }

    /// Stores entries, which must come in the order of the corpus.
    pub(crate) async fn put(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let not_stored = |entry: &Entry| Error::NotStored {
            store: NAME,
            url: entry.url.clone(),
        };
        for entry in entries {
            let salt = self.store.salt();
            let response = entry.new_response(entry.response.clone(), 0, salt, &self.policy);
            let response = response.ok_or_else(|| not_stored(entry))?;
            let timer = SystemClock::new();
            let mut fill = self.store.begin(salt.target_key(&entry.target)).await?;
            fill.describe(&entry.response);
            fill.append(entry.body.clone()).await?;
            let stored = fill.commit(response).await?;
            self.puts.add(timer.monotonic());
            self.stored.push(stored.ok_or_else(|| not_stored(entry))?);
        }
        Ok(())
    }

    /// Finds the entry: from its URL to its head and body.
    async fn find(&self, entry: &Entry) -> Result<Option<Bytes>, Error> {
        let target = self.store.salt().target_key(&entry.target);
        let variants = self.store.variants(target).await?;
        let [variant] = &variants[..] else {
            return Ok(None);
        };
        if variant.head.headers.len() != entry.response.len() {
            return Ok(None);
        }
        if let Some(body) = &variant.body {
            return Ok(Some(body.clone()));
        }
        Ok(match self.store.body(variant.content).await? {
            Some(StoredBody::Whole(body)) => Some(body),
            Some(StoredBody::Chunked { .. }) | None => None,
        })
    }

    pub(crate) async fn get(&mut self, entry: &Entry, is_counted: bool) -> Result<(), Error> {
        let timer = SystemClock::new();
        let body = self.find(entry).await?;
        let duration = timer.monotonic();
        if body.is_none_or(|body| body.len() != entry.body.len()) {
            return Err(Error::WrongBody {
                store: NAME,
                url: entry.url.clone(),
            });
        }
        if is_counted {
            self.hits.add(duration);
        }
        Ok(())
    }

    /// Whether every body is that of the corpus.
    pub(crate) async fn verify(&self, entries: &[Entry]) -> Result<(), Error> {
        for entry in entries {
            if self.find(entry).await? != Some(entry.body.clone()) {
                return Err(Error::WrongBody {
                    store: NAME,
                    url: entry.url.clone(),
                });
            }
        }
        Ok(())
    }

    /// Validates entries from the first on: the origin answered 304.
    pub(crate) async fn validate(&mut self, entries: &[Entry]) -> Result<Growth, Error> {
        const LATER: u64 = 4_000;
        let before = self.store.counts().await?.stored_bytes;
        let written = written_bytes();
        let mut count = 0;
        for (entry, id) in entries.iter().zip(&self.stored) {
            let salt = self.store.salt();
            let fields = entry.validated(LATER)?;
            let response = entry.new_response(fields, LATER.cast_signed(), salt, &self.policy);
            let not_stored = || Error::NotStored {
                store: NAME,
                url: entry.url.clone(),
            };
            let response = response.ok_or_else(not_stored)?;
            let target = salt.target_key(&entry.target);
            let found = self.store.variants(target).await?;
            let content = found.first().ok_or_else(not_stored)?.content;
            let timer = SystemClock::new();
            let fill = self.store.begin(target).await?;
            let is_freshened = fill.freshen(*id, content, response).await?;
            self.validations.add(timer.monotonic());
            if !is_freshened {
                return Err(not_stored());
            }
            count += 1;
        }
        let written = written_bytes()
            .zip(written)
            .map(|(after, before)| after - before);
        Ok(Growth {
            bodies: self.store.counts().await?.stored_bytes - before,
            written: written.map(|bytes| bytes / f64::from(count)),
        })
    }

    /// Checkpoints and closes.
    pub(crate) async fn close(&self) -> Result<Size, Error> {
        let bodies = self.store.counts().await?.stored_bytes;
        self.store.close().await?;
        Ok(Size {
            file: file_bytes(&self.path)?,
            bodies,
        })
    }
}

pub(crate) fn file_bytes(path: &Path) -> Result<u64, Error> {
    let metadata = fs::metadata(path).map_err(Error::file("look at", path))?;
    Ok(metadata.len())
}

/// The bytes that this process has written, where the system counts them.
fn written_bytes() -> Option<f64> {
    let counters = fs::read_to_string("/proc/self/io").ok()?;
    let line = counters
        .lines()
        .find_map(|line| line.strip_prefix("wchar: "));
    line?.parse().ok()
}
