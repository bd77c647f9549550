//! Compressing bodies that are to be stored.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use sqlite_database::Result;
use sqlite_database::rusqlite::Transaction;
use store_core::{Clock, ErrorChain, Timestamp};

use super::dictionaries::{self, StoredCodecs};
use super::shared_rows::SharedRows;
use crate::codec::{Codec, Codecs, Dictionary, Identity, MimeCategory, ZstdDictionary, is_text};
use crate::events::{Event, Events};

/// With a dictionary, shorter bodies get shorter, too.
pub(super) const MIN_DICTIONARY_BYTES: usize = 64;

/// The fields that say how a body is compressed.
#[derive(Clone, Debug, Default)]
pub(super) struct MediaType {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
}

impl MediaType {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let field = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            content_type: field("content-type"),
            content_encoding: field("content-encoding"),
        }
    }

    pub(super) fn category(&self) -> MimeCategory {
        MimeCategory::from_content_type(self.content_type.as_deref())
    }

    pub(super) fn codec(&self, codecs: &Codecs, len: usize) -> Arc<dyn Codec> {
        let (content_type, encoding) = (&self.content_type, &self.content_encoding);
        codecs.for_body(content_type.as_deref(), encoding.as_deref(), len)
    }

    /// Whether it is text that arrived without a coding.
    pub(super) fn is_text(&self) -> bool {
        is_text(
            self.content_type.as_deref(),
            self.content_encoding.as_deref(),
        )
    }
}

/// Compresses bodies, and says so.
#[derive(Clone, Debug)]
pub(super) struct Compressor {
    pub(super) codecs: StoredCodecs,
    pub(super) events: Events,
    pub(super) clock: Arc<dyn Clock>,
}

/// A compressed body.
#[derive(Debug)]
pub(super) struct Compressed {
    pub(super) codec: Arc<dyn Codec>,
    /// That of the codec, if it has one.
    pub(super) dictionary: Option<Arc<Dictionary>>,
    pub(super) bytes: Vec<u8>,
    pub(super) duration: Duration,
}

impl Compressor {
    /// The body by its codec, with the dictionary of its host if there is one; as it is if that fails or does not make
    /// it shorter.
    pub(super) fn compress(
        &self,
        media_type: &MediaType,
        body: &[u8],
        dictionary: Option<Arc<ZstdDictionary>>,
    ) -> Compressed {
        match dictionary {
            Some(codec) if body.len() >= MIN_DICTIONARY_BYTES && media_type.is_text() => {
                let dictionary = Arc::clone(codec.dictionary());
                self.compress_with(codec, Some(dictionary), body)
            }
            _ => {
                let codec = media_type.codec(&self.codecs.listed, body.len());
                self.compress_with(codec, None, body)
            }
        }
    }

    fn compress_with(
        &self,
        codec: Arc<dyn Codec>,
        dictionary: Option<Arc<Dictionary>>,
        body: &[u8],
    ) -> Compressed {
        if codec.name() == Identity::NAME {
            return Compressed::identity(body, Duration::ZERO);
        }
        let started = self.clock.monotonic();
        let compressed = codec.compress(body);
        let duration = self.clock.monotonic().saturating_sub(started);
        match compressed {
            Ok(bytes) if bytes.len() < body.len() => {
                self.events.emit(|| Event::CompressionComplete {
                    codec: codec.name().to_owned(),
                    original_bytes: body.len() as u64,
                    compressed_bytes: bytes.len() as u64,
                    duration,
                });
                Compressed {
                    codec,
                    dictionary,
                    bytes,
                    duration,
                }
            }
            Ok(_) => Compressed::identity(body, duration),
            Err(error) => {
                self.events.emit(|| Event::CompressionError {
                    codec: codec.name().to_owned(),
                    error: ErrorChain(&error).to_string(),
                });
                Compressed::identity(body, duration)
            }
        }
    }
}

impl Compressed {
    /// The row of its codec.
    pub(super) fn process(
        &self,
        tx: &Transaction<'_>,
        rows: &mut SharedRows<'_>,
        domain: &str,
        now: Timestamp,
    ) -> Result<i64> {
        let codec = (&*self.codec, self.dictionary.as_deref());
        dictionaries::process_of(tx, rows, codec, domain, now)
    }

    fn identity(body: &[u8], duration: Duration) -> Self {
        Self {
            codec: Arc::new(Identity),
            dictionary: None,
            bytes: body.to_vec(),
            duration,
        }
    }
}
