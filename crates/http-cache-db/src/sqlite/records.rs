//! Rows as records, each loaded when it is asked for.

mod rows;

use bytes::{Bytes, BytesMut};
use sqlite_database::rusqlite::Connection;
use store_core::Result;

use self::rows::{Loaded, file, header_pair};
pub(super) use self::rows::{body, compression, content, request, response, url, validation};
use super::interned::Interned;
use super::store::SqliteStore;
use crate::record::{
    BodyContentRecord, BodyRecord, CacheValidationRecord, CompressionProcessRecord,
    HeaderPairRecord, RequestRecord, ResponseRecord, StoredFile, UrlRecord,
};
use crate::store::{ContentId, ResponseId, ResponseStore, StoredBody};

/// Records by their ids; `None` if there is no such row.
impl SqliteStore {
    /// A response.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn response_record(&self, id: ResponseId) -> Result<Option<ResponseRecord>> {
        self.load("response_record", move |db, interned| {
            response(db, interned, id)
        })
        .await
    }

    /// A request, by [`ResponseRecord::request_id`].
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn request_record(&self, id: i64) -> Result<Option<RequestRecord>> {
        self.load("request_record", move |db, interned| {
            request(db, interned, id)
        })
        .await
    }

    /// A URL, by [`RequestRecord::url_id`].
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn url_record(&self, id: i64) -> Result<Option<UrlRecord>> {
        self.load("url_record", move |db, _| url(db, id)).await
    }

    /// A version of a body, by [`ResponseRecord::body_id`] or [`BodyRecord::previous_version_id`].
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn body_record(&self, id: i64) -> Result<Option<BodyRecord>> {
        self.load("body_record", move |db, _| body(db, id)).await
    }

    /// What a body has, by [`BodyRecord::content_id`]; without the bytes, which
    /// [`body`](ResponseStore::body) reads.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn content_record(&self, id: ContentId) -> Result<Option<BodyContentRecord>> {
        self.load("content_record", move |db, _| content(db, id))
            .await
    }

    /// The validators of a response.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn validation_record(&self, id: ResponseId) -> Result<Option<CacheValidationRecord>> {
        self.load("validation_record", move |db, _| validation(db, id))
            .await
    }

    /// A codec, by [`BodyContentRecord::compression_process_id`].
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn compression_record(&self, id: i64) -> Result<Option<CompressionProcessRecord>> {
        self.load("compression_record", move |db, _| compression(db, id))
            .await
    }

    /// A header pair.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn header_pair_record(&self, id: i64) -> Result<Option<HeaderPairRecord>> {
        self.load("header_pair_record", move |db, _| header_pair(db, id))
            .await
    }

    /// The body of a response, with the method, URL and status that it belongs to. Reads the whole body into
    /// memory.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn stored_file(&self, id: ResponseId) -> Result<Option<StoredFile>> {
        let found = self.load("stored_file", move |db, _| file(db, id)).await?;
        let Some((mut file, content)) = found else {
            return Ok(None);
        };
        let body = match self.body(content).await? {
            None => return Ok(None),
            Some(StoredBody::Whole(body)) => body,
            Some(StoredBody::Chunked { len, chunk_bytes }) => {
                let mut body = BytesMut::new();
                for index in 0..len.div_ceil(chunk_bytes) {
                    let chunk: Option<Bytes> = self.chunk(content, index).await?;
                    let Some(chunk) = chunk else {
                        return Ok(None);
                    };
                    body.extend_from_slice(&chunk);
                }
                body.freeze()
            }
        };
        file.set_content(body);
        Ok(Some(file))
    }

    pub(super) async fn load<T, F>(&self, operation: &'static str, load: F) -> Result<Option<T>>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Interned) -> Loaded<T> + Send + 'static,
    {
        let opened = self.shared.opened(operation)?;
        let interned = std::sync::Arc::clone(&opened);
        let loaded = opened
            .database
            .read(move |db| load(db, &interned.interned))
            .await;
        loaded.map_err(|error| self.shared.error(error, operation))
    }
}
