//! A row of `body_contents`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use store_core::Timestamp;

use super::json::{millis, optional_latin1, optional_millis};
use super::{ContentHash, InvalidRecord, Record};
use crate::codec::MimeCategory;

/// The content of bodies, kept once for all that have it.
///
/// All sizes are in bytes. In JSON there is also `compression_ratio`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BodyContentRecord {
    /// The row's id.
    pub content_id: Option<i64>,
    /// The SHA-256 of the content before compression by the cache.
    pub content_hash: ContentHash,
    /// The stored bytes, compressed if there is a [`compressed_size`](Self::compressed_size). `None`: not read.
    #[serde(with = "optional_latin1", default)]
    pub body_content: Option<Bytes>,
    /// The value of `Content-Type`.
    pub content_type: Option<String>,
    /// The value of `Content-Encoding`: the coding that the origin applied, which the cache leaves alone.
    pub content_encoding: Option<String>,
    /// How long the content is that a client gets.
    pub content_length: u64,
    /// The kind of content by its media type: the name of a [`MimeCategory`].
    pub mime_category: Option<String>,
    /// How the cache compressed the content, [`CompressionProcessRecord::id`](super::CompressionProcessRecord::id).
    pub compression_process_id: Option<i64>,
    /// How long the content was before compression by the cache.
    pub original_size: u64,
    /// How long the content is after compression by the cache. `None`: not compressed.
    pub compressed_size: Option<u64>,
    /// How many bodies have this content.
    pub reference_count: u64,
    /// When the content was first stored.
    #[serde(with = "millis")]
    pub first_seen_at: Timestamp,
    /// When a body was last added to those that have this content. `None`: never.
    #[serde(with = "optional_millis", default)]
    pub last_referenced_at: Option<Timestamp>,
    /// When the record was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl BodyContentRecord {
    /// The record of a content that is not compressed, which no body has yet.
    #[must_use]
    pub fn of(body: Bytes, content_type: Option<&str>, now: Timestamp) -> Self {
        let size = len(&body);
        Self {
            content_id: None,
            content_hash: ContentHash::of(&body),
            body_content: Some(body),
            content_type: content_type.map(str::to_owned),
            content_encoding: None,
            content_length: size,
            mime_category: Some(
                MimeCategory::from_content_type(content_type)
                    .as_str()
                    .to_owned(),
            ),
            compression_process_id: None,
            original_size: size,
            compressed_size: None,
            reference_count: 0,
            first_seen_at: now,
            last_referenced_at: None,
            created_at: now,
            modified_at: now,
        }
    }

    /// Puts the compressed bytes in place of the content's.
    #[must_use]
    pub fn with_compressed(mut self, compression_process_id: i64, compressed: Bytes) -> Self {
        self.compression_process_id = Some(compression_process_id);
        self.compressed_size = Some(len(&compressed));
        self.body_content = Some(compressed);
        self
    }

    /// Whether `body`, which is not compressed by the cache, is this content.
    #[must_use]
    pub fn verify(&self, body: &[u8]) -> bool {
        self.original_size == len(body) && self.content_hash == ContentHash::of(body)
    }

    /// How many times longer the content was before compression; 1 if it is not compressed.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a ratio of sizes beyond 2^53 bytes need not be exact"
    )]
    pub fn compression_ratio(&self) -> f64 {
        match self.compressed_size {
            None | Some(0) => 1.0,
            Some(size) => self.original_size as f64 / size as f64,
        }
    }

    /// Counts a body that has this content.
    pub fn increment_reference_count(&mut self, now: Timestamp) {
        self.reference_count = self.reference_count.saturating_add(1);
        // The clock may have been set back.
        let earliest = self.last_referenced_at.unwrap_or(self.first_seen_at);
        self.last_referenced_at = Some(now.max(earliest));
        self.touch(now);
    }

    /// Counts a body less that has this content.
    ///
    /// # Errors
    /// No body has it; the record is as it was.
    pub fn decrement_reference_count(&mut self, now: Timestamp) -> Result<(), InvalidRecord> {
        let Some(count) = self.reference_count.checked_sub(1) else {
            let reason = "would be less than 0";
            return Err(InvalidRecord::new(Self::KIND, "reference_count", reason));
        };
        self.reference_count = count;
        self.touch(now);
        Ok(())
    }

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let kind = Self::KIND;
        for (number, field) in [
            (self.content_length, "content_length"),
            (self.original_size, "original_size"),
            (self.compressed_size.unwrap_or(0), "compressed_size"),
            (self.reference_count, "reference_count"),
        ] {
            kind.ensure_fits(number, field)?;
        }
        kind.ensure(
            self.compressed_size.is_none() || self.compression_process_id.is_some(),
            "compression_process_id",
            "is missing for a compressed content",
        )?;
        let stored = self.compressed_size.unwrap_or(self.original_size);
        let body = self.body_content.as_deref();
        kind.ensure(
            body.is_none_or(|body| len(body) == stored),
            "body_content",
            "is not as long as its size says",
        )?;
        kind.ensure(
            self.last_referenced_at
                .is_none_or(|at| self.first_seen_at <= at),
            "last_referenced_at",
            "is before first_seen_at",
        )
    }
}

fn len(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use store_core::SECOND;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn content() -> BodyContentRecord {
        BodyContentRecord::of(Bytes::from_static(b"aaaaaa"), Some("Text/HTML; a=/"), NOW)
    }

    // covers("C13")
    #[test]
    fn a_content_is_known_by_the_hash_of_what_is_not_compressed() {
        let plain = content();
        let packed = content().with_compressed(1, Bytes::from_static(b"6a"));
        for content in [&plain, &packed] {
            assert!(content.verify(b"aaaaaa"));
            assert!(!content.verify(b"aaaaab") && !content.verify(b"6a"));
            assert_eq!(content.mime_category.as_deref(), Some("markup"));
            assert_eq!(content.validate(), Ok(()));
        }
        assert!((plain.compression_ratio() - 1.0).abs() < 1e-9);
        assert!((packed.compression_ratio() - 3.0).abs() < 1e-9);
        assert_eq!(packed.to_json()["compression_ratio"], 3.0);
        assert_eq!(packed.to_json()["body_content"], "6a");
    }

    // covers("C13")
    #[test]
    fn references_are_counted_and_never_below_none() {
        let mut content = content();
        content.increment_reference_count(NOW + SECOND);
        assert_eq!(
            (content.reference_count, content.modified_at),
            (1, NOW + SECOND)
        );
        assert_eq!(content.last_referenced_at, Some(NOW + SECOND));
        content.decrement_reference_count(NOW + SECOND * 2).unwrap();
        assert_eq!(content.modified_at, NOW + SECOND * 2);

        let before = content.clone();
        let error = content
            .decrement_reference_count(NOW + SECOND * 3)
            .unwrap_err();
        assert_eq!(error.field(), "reference_count");
        assert_eq!(content, before);
    }

    #[test]
    fn sizes_that_contradict_the_content_are_found() {
        type Break = (fn(&mut BodyContentRecord), &'static str);
        let breaks: [Break; 4] = [
            (|content| content.original_size = 5, "body_content"),
            (
                |content| content.compressed_size = Some(6),
                "compression_process_id",
            ),
            (
                |content| content.content_length = u64::MAX,
                "content_length",
            ),
            (
                |content| content.last_referenced_at = Some(NOW - SECOND),
                "last_referenced_at",
            ),
        ];
        for (change, field) in breaks {
            let mut content = content();
            change(&mut content);
            assert_eq!(content.validate().unwrap_err().field(), field);
        }
    }
}
