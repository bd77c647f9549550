//! The codecs by name, and the one that writes.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Brotli, Codec, CodecError, Identity, Zstd, is_compressed};

/// The codecs that a program reads, and the one that it writes with. Clones are cheap and share them.
///
/// The default reads `none`, every `brotli-N` and every `zstd-N`, and writes with `zstd-3`.
///
/// ```
/// use http_cache_db::codec::Codecs;
///
/// let codecs = Codecs::default();
/// let body = br#"{ "name": "Amazing Fantasy" }"#.repeat(10);
/// let codec = codecs.for_body(Some("application/json"), None, body.len());
/// let (name, stored) = (codec.name(), codec.compress(&body)?);
/// assert!(stored.len() < body.len());
///
/// // Later, by the name that was stored with it.
/// let codec = codecs.get(name).ok_or("a codec that is not known any more: a miss")?;
/// assert_eq!(codec.decompress(&stored, body.len())?, body);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Codecs {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    by_name: HashMap<String, Arc<dyn Codec>>,
    identity: Arc<dyn Codec>,
    writing: Arc<dyn Codec>,
}

impl Default for Codecs {
    fn default() -> Self {
        let identity: Arc<dyn Codec> = Arc::new(Identity);
        let writing: Arc<dyn Codec> = Arc::new(Zstd::default());
        let mut by_name = HashMap::new();
        let mut add = |codec: Arc<dyn Codec>| by_name.insert(codec.name().to_owned(), codec);
        for quality in Brotli::QUALITIES {
            add(Arc::new(Brotli::with_quality(quality)));
        }
        for level in Zstd::LEVELS {
            add(Arc::new(Zstd::with_level(level)));
        }
        add(Arc::clone(&identity));
        add(Arc::clone(&writing));
        let inner = Inner {
            by_name,
            identity,
            writing,
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl Codecs {
    /// The codecs with an application's own, which takes the place of one with the same name.
    ///
    /// It is read from now on, and written with once [`writing_with`](Self::writing_with) names it.
    #[must_use]
    pub fn with(mut self, codec: Arc<dyn Codec>) -> Self {
        let inner = Arc::make_mut(&mut self.inner);
        for used in [&mut inner.identity, &mut inner.writing] {
            if used.name() == codec.name() {
                *used = Arc::clone(&codec);
            }
        }
        inner.by_name.insert(codec.name().to_owned(), codec);
        self
    }

    /// The codecs with this one to write with, such as `brotli-5`; `none` compresses nothing.
    ///
    /// # Errors
    /// [`CodecError::Unknown`] if none has this name.
    pub fn writing_with(mut self, name: &str) -> Result<Self, CodecError> {
        let writing = self.get(name).ok_or_else(|| CodecError::Unknown {
            name: name.to_owned(),
        })?;
        Arc::make_mut(&mut self.inner).writing = writing;
        Ok(self)
    }

    /// The codec that writes.
    #[must_use]
    pub fn writing(&self) -> &Arc<dyn Codec> {
        &self.inner.writing
    }

    /// The codec with this persistent name; `None` if there is none, so that what it wrote cannot be read.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn Codec>> {
        self.inner.by_name.get(name).cloned()
    }

    /// The codec for a body of `len` bytes with these fields: that which writes if the body
    /// [is compressed](is_compressed), else `none`.
    #[must_use]
    pub fn for_body(
        &self,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        len: usize,
    ) -> Arc<dyn Codec> {
        let codec = if is_compressed(content_type, content_encoding, len) {
            &self.inner.writing
        } else {
            &self.inner.identity
        };
        Arc::clone(codec)
    }
}
