//! A response on its way into the file.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use sha2::{Digest, Sha256};
use sqlite_database::rusqlite::Transaction;
use store_core::{Error, ErrorKind, Result, SECOND};

use super::chunks::Chunks;
use super::cleanup::READING;
use super::commit::{self, Row, Stored};
use super::compressor::{Compressor, MediaType};
use super::content::{NewContent, Source};
use super::error::BACKEND;
use super::freshen;
use super::interned::Known;
use super::open::Opened;
use super::read::{MAX_WHOLE_BYTES, find_content};
use super::request_fields::stored_fields;
use super::shared::Shared;
use super::values::{self, Value};
use crate::events::Event;
use crate::keys::TargetKey;
use crate::record::{ContentHash, InvalidRecord, RequestRecord, ResponseRecord, UrlRecord};
use crate::store::{ContentId, Fill, NewResponse, ResponseId, Share};

/// To compress a body of fewer bytes is faster than to ask whether an equal one is stored already.
const ASK_FIRST_BYTES: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct SqliteFill {
    shared: Arc<Shared>,
    opened: Arc<Opened>,
    target: TargetKey,
    /// The invalidations before the origin was asked.
    begun: i64,
    media_type: MediaType,
    hasher: Sha256,
    body_len: u64,
    share: Share,
    /// The body while it is short.
    body: BytesMut,
    /// The body once it is long.
    chunks: Option<Chunks>,
    /// Whether the body comes as a whole, which its caller has in memory: it takes no share of what may be arriving.
    is_whole: bool,
    /// Whether an append failed, or its caller went away: a part of the body is missing.
    is_broken: bool,
}

/// Stores a response, or does not if it is outdated.
type Write<R> = fn(
    &Transaction<'_>,
    &Arc<Opened>,
    &Compressor,
    &mut R,
    NewContent,
    u32,
) -> sqlite_database::Result<(Option<Stored>, Known)>;

impl SqliteFill {
    pub(super) fn new(
        shared: Arc<Shared>,
        opened: Arc<Opened>,
        target: TargetKey,
        begun: i64,
    ) -> Self {
        Self {
            share: shared.filling_bytes.share(),
            shared,
            opened,
            target,
            begun,
            media_type: MediaType::default(),
            hasher: Sha256::new(),
            body_len: 0,
            body: BytesMut::new(),
            chunks: None,
            is_whole: false,
            is_broken: false,
        }
    }

    fn ensure_whole(&self, operation: &'static str) -> Result<()> {
        if self.is_broken {
            let broken = Error::new(ErrorKind::InvalidInput, BACKEND, operation);
            return Err(broken.with_detail("an earlier append failed or was not awaited"));
        }
        Ok(())
    }

    /// The row to write, checked by the rules for records.
    fn row(&self, response: NewResponse) -> Result<Row> {
        let now = self.shared.options.clock.now();
        let redaction = &self.shared.options.redaction;
        let url = UrlRecord::parse(&redaction.of(&response.request.target), now);
        let row = url.and_then(|url| {
            let row = Row {
                target: self.target,
                begun: self.begun,
                url,
                request_headers: stored_fields(redaction, &response),
                response,
                now,
            };
            self.check(&row)?;
            Ok(row)
        });
        row.map_err(|error| {
            let invalid = Error::new(ErrorKind::InvalidInput, BACKEND, "commit");
            invalid.with_detail(error.to_string())
        })
    }

    /// Checks the records of the row. That of the URL was parsed just now, and fields and method are of the types of
    /// `http`, so that all three meet the rules built in.
    fn check(&self, row: &Row) -> Result<(), InvalidRecord> {
        let validation = &self.shared.options.validation;
        let response = &row.response;
        let times = response.head.times;
        if validation.is_extended() {
            validation.check(&row.url)?;
            let method = response.request.method.as_str();
            let mut request = RequestRecord::new(0, method, times.requested_at);
            for (name, value) in &row.request_headers {
                request.add_header(name.as_str(), value.as_bytes());
            }
            validation.check(&request)?;
        }
        let status = response.head.status.as_u16();
        let mut record = ResponseRecord::new(0, status, times.received_at);
        record.max_age = Some(response.lifetime.as_secs());
        record.expires_at = Some(times.received_at + response.lifetime);
        record.must_revalidate = response.must_revalidate;
        record.no_cache = response.no_cache;
        record.no_store = response.no_store;
        if validation.is_extended() {
            for (name, value) in &response.head.headers {
                record.add_header(name.as_str(), value.as_bytes());
            }
        }
        validation.check(&record)
    }

    /// The body, compressed unless an equal one is stored already.
    async fn content(&mut self, domain: &str) -> Result<NewContent> {
        let hash = ContentHash::from(<[u8; 32]>::from(self.hasher.clone().finalize()));
        let compressor = &self.shared.compressor;
        let source = if let Some(chunks) = &mut self.chunks {
            let finished = chunks.finish(compressor).await;
            let (content, count, duration) =
                finished.map_err(|error| self.shared.error(error, "commit"))?;
            Source::Chunks(content, count, duration)
        } else {
            let body = self.body.split().freeze();
            let is_new = body.len() < ASK_FIRST_BYTES || {
                let equal = self.opened.database.read(move |db| find_content(db, &hash));
                let equal = equal.await;
                equal
                    .map_err(|error| self.shared.error(error, "commit"))?
                    .is_none()
            };
            let compressed = if is_new {
                let dictionary = self.shared.dictionary_of(&self.opened, domain);
                let dictionary = dictionary.map_err(|error| self.shared.error(error, "commit"))?;
                Some(compressor.compress(&self.media_type, &body, dictionary))
            } else {
                None
            };
            Source::Whole(body, compressed)
        };
        Ok(NewContent {
            hash,
            len: self.body_len,
            media_type: self.media_type.clone(),
            domain: domain.to_owned(),
            source,
        })
    }

    /// Stores a value with this body. Yields whether it is stored.
    pub(super) async fn store_value(mut self, bytes: Bytes, value: Value) -> Result<bool> {
        self.media_type = MediaType::of(&value.row.response.head.headers);
        self.is_whole = true;
        self.append(bytes).await?;
        Ok(self.store(value, values::store).await?.is_some())
    }

    /// Stores the response of `row` with the body that arrived, by the transaction `write`.
    async fn store<R>(mut self, mut row: R, write: Write<R>) -> Result<Option<ResponseId>>
    where
        R: AsRef<Row> + Send + 'static,
    {
        let UrlRecord {
            full_url, domain, ..
        } = row.as_ref().url.clone();
        let content = self.content(&domain).await?;
        let (opened, shared) = (Arc::clone(&self.opened), Arc::clone(&self.shared));
        let max_versions = shared.options.max_versions;
        let written = self.opened.database.write(move |tx| {
            write(
                tx,
                &opened,
                &shared.compressor,
                &mut row,
                content,
                max_versions,
            )
        });
        let (stored, new) = written
            .await
            .map_err(|error| self.shared.error(error, "commit"))?;
        self.opened.interned.learn(new);
        let Some(stored) = stored else {
            return Ok(None);
        };
        if let Some(chunks) = &mut self.chunks {
            chunks.release();
        }
        self.tell(full_url, &stored);
        // An equal body in chunks was there already: these go.
        let surplus = stored.new_bytes.is_none() && self.chunks.is_some();
        let bytes = stored.new_bytes.unwrap_or_default();
        let bytes = if surplus { self.body_len } else { bytes };
        self.shared.keep_within_bounds(&self.opened, bytes).await;
        if surplus {
            self.shared.clean_up(&self.opened, SECOND, READING);
        }
        Ok(Some(stored.response))
    }

    fn tell(&self, url: String, stored: &Stored) {
        let Stored {
            response,
            content,
            new_version,
            reference_count,
            new_bytes,
        } = *stored;
        let events = &self.shared.options.events;
        events.emit(|| Event::StoreSuccess {
            url,
            response,
            bytes: self.body_len,
            stored_bytes: new_bytes.unwrap_or_default(),
        });
        events.emit(|| Event::ReferenceCountChanged {
            content,
            reference_count,
        });
        if let Some(version) = new_version {
            events.emit(|| Event::VersionCreated { response, version });
        }
    }
}

#[async_trait]
impl Fill for SqliteFill {
    fn describe(&mut self, headers: &HeaderMap) {
        self.media_type = MediaType::of(headers);
    }

    async fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.ensure_whole("append")?;
        self.is_broken = true;
        let body_len = self.body_len.saturating_add(bytes.len() as u64);
        let options = &self.shared.options;
        let is_too_long = body_len > options.longest_body();
        let has_share =
            self.is_whole || self.share.take(bytes.len() as u64, options.most_filling());
        if is_too_long || !has_share {
            return Err(Error::new(ErrorKind::TooLarge, BACKEND, "append"));
        }
        self.hasher.update(&bytes);
        self.body_len = body_len;
        let compressor = &self.shared.compressor;
        let appended = if let Some(chunks) = &mut self.chunks {
            chunks.append(compressor, &bytes).await
        } else {
            self.body.extend_from_slice(&bytes);
            if self.body_len <= MAX_WHOLE_BYTES {
                self.is_broken = false;
                return Ok(());
            }
            // Earlier ones that were given up make way for it.
            self.shared.clean_up(&self.opened, SECOND, READING);
            let arrived = self.body.split();
            let begun = Chunks::begin(&self.opened, compressor, &self.media_type, arrived);
            begun.await.map(|chunks| self.chunks = Some(chunks))
        };
        appended.map_err(|error| self.shared.error(error, "append"))?;
        self.is_broken = false;
        Ok(())
    }

    fn body_len(&self) -> u64 {
        self.body_len
    }

    async fn commit(self: Box<Self>, response: NewResponse) -> Result<Option<ResponseId>> {
        self.ensure_whole("commit")?;
        let row = self.row(response)?;
        let commit: Write<Row> = |tx, opened, compressor, row, content, max_versions| {
            commit::commit(tx, opened, compressor, row, content, max_versions)
        };
        self.store(row, commit).await
    }
    async fn freshen(
        self: Box<Self>,
        id: ResponseId,
        content: ContentId,
        response: NewResponse,
    ) -> Result<bool> {
        let row = self.row(response)?;
        let opened = Arc::clone(&self.opened);
        let database = &self.opened.database;
        let written = database.write(move |tx| freshen::freshen(tx, &opened, &row, (id, content)));
        let (is_freshened, new) = written
            .await
            .map_err(|error| self.shared.error(error, "freshen"))?;
        self.opened.interned.learn(new);
        Ok(is_freshened)
    }
}
