//! The file that a command is for: opened, asked for a URL or a body, and its results printed.

use std::path::{Path, PathBuf};

use http_cache_db::sqlite::FoundUrl;
use http_cache_db::store::{ContentId, ResponseStore, StoredBody};
use http_cache_db::{SqliteStore, SqliteStoreOptions};
use serde_json::Value;
use url::Url;

use crate::error::Error;
use crate::output;

use super::Format;

/// The file, and how its results are printed.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    format: Format,
}

/// Fails if the text is no URL with its scheme. The error does not show it: it may have secrets.
pub(super) fn whole_url(text: &str) -> Result<(), Error> {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    if has_scheme && Url::parse(text).is_ok() {
        return Ok(());
    }
    let text = "this is not a whole URL; give it as it is at the origin, with http:// or https://, such as \
        https://example.org/issues";
    Err(Error::Usage(text.to_owned()))
}

impl File {
    /// Fails if there is no such file.
    pub(super) fn new(path: PathBuf, format: Format) -> Result<Self, Error> {
        // What else is wrong with the path, opening tells.
        if path.try_exists().is_ok_and(|exists| !exists) {
            return Err(Error::NoFile { path });
        }
        Ok(Self { path, format })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it to look at it.
    pub(super) async fn look(&self) -> Result<SqliteStore, Error> {
        let store = SqliteStore::open_read_only(&self.path).await;
        store.map_err(|source| self.failed(source))
    }

    /// Opens it to change it.
    pub(super) async fn open(&self) -> Result<SqliteStore, Error> {
        let options = SqliteStoreOptions::default();
        let store = SqliteStore::open_existing(&self.path, options).await;
        store.map_err(|source| self.failed(source))
    }

    pub(super) fn failed(&self, source: http_cache_db::Error) -> Error {
        Error::Store {
            path: self.path.clone(),
            source: Box::new(source),
        }
    }

    pub(super) async fn close(&self, store: SqliteStore) -> Result<(), Error> {
        store.close().await.map_err(|source| self.failed(source))
    }

    /// The stored URLs that `url` names, at least one. It is a [whole URL](whole_url).
    pub(super) async fn find(
        &self,
        store: &SqliteStore,
        url: &str,
    ) -> Result<Vec<FoundUrl>, Error> {
        let found = store.find_url(url).await;
        let found = found.map_err(|source| self.failed(source))?;
        if found.is_empty() {
            let text = "nothing is stored of this URL, which is that at the origin, not at the proxy; \
                `http-cache-proxy db urls` lists what is stored";
            return Err(Error::Failed(text.to_owned()));
        }
        Ok(found)
    }

    /// Writes a body to standard output, and nothing else.
    pub(super) async fn print_body(
        &self,
        store: &SqliteStore,
        content: ContentId,
    ) -> Result<(), Error> {
        self.read_body(store, content, output::print_bytes).await
    }

    /// A body as a whole.
    pub(super) async fn body(
        &self,
        store: &SqliteStore,
        content: ContentId,
    ) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let append = |part: &[u8]| {
            body.extend_from_slice(part);
            Ok(())
        };
        self.read_body(store, content, append).await?;
        Ok(body)
    }

    async fn read_body(
        &self,
        store: &SqliteStore,
        content: ContentId,
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let gone = || {
            Error::Failed("the body is gone or damaged; see `http-cache-proxy db check`".to_owned())
        };
        let body = store.body(content).await;
        match body
            .map_err(|source| self.failed(source))?
            .ok_or_else(gone)?
        {
            StoredBody::Whole(body) => take(&body),
            StoredBody::Chunked { len, chunk_bytes } => {
                for index in 0..len.div_ceil(chunk_bytes) {
                    let chunk = store.chunk(content, index).await;
                    let chunk = chunk.map_err(|source| self.failed(source))?;
                    take(&chunk.ok_or_else(gone)?)?;
                }
                Ok(())
            }
        }
    }

    /// Prints a result in the format that was asked for.
    pub(super) fn print(
        &self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> Value,
    ) -> Result<(), Error> {
        output::print(&self.rendered(text, json))
    }

    /// A result in the format that was asked for.
    pub(super) fn rendered(
        &self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> Value,
    ) -> String {
        match self.format {
            Format::Table => text(),
            Format::Json => format!("{:#}", json()),
        }
    }
}
