//! A stored body with where it is from.

use bytes::Bytes;
use http::{Method, StatusCode};

/// A body as it goes into a store and comes out of it, with the request and the status it belongs to.
///
/// ```
/// use http::{Method, StatusCode};
/// use http_cache_db::record::StoredFile;
///
/// let file = StoredFile::new(Method::GET, "https://example.com/", StatusCode::OK)
///     .with_content_type("text/html")
///     .with_content("<p>hello</p>");
/// assert!(!file.is_compressed());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredFile {
    /// The method of the request.
    pub method: Method,
    /// The absolute URL of the request.
    pub url: String,
    /// The status of the response.
    pub status: StatusCode,
    /// The value of `Content-Type`. Default: none.
    pub content_type: Option<String>,
    /// The codec that the cache compressed the body by,
    /// [`CompressionProcessRecord::system_name`](super::CompressionProcessRecord::system_name). Default: not compressed.
    pub codec: Option<String>,
    /// The body, compressed if there is a [`codec`](Self::codec). Default: empty.
    pub body: Bytes,
}

impl StoredFile {
    /// A file without content.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>, status: StatusCode) -> Self {
        Self {
            method,
            url: url.into(),
            status,
            content_type: None,
            codec: None,
            body: Bytes::new(),
        }
    }

    /// Sets [`content_type`](Self::content_type).
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Sets the content, not compressed.
    #[must_use]
    pub fn with_content(mut self, body: impl Into<Bytes>) -> Self {
        self.set_content(body);
        self
    }

    /// Sets the content, not compressed, in place of what there is.
    pub fn set_content(&mut self, body: impl Into<Bytes>) {
        self.codec = None;
        self.body = body.into();
    }

    /// Sets the content, compressed by a codec, in place of what there is.
    pub fn set_compressed_content(&mut self, codec: impl Into<String>, body: impl Into<Bytes>) {
        self.codec = Some(codec.into());
        self.body = body.into();
    }

    /// Whether the cache compressed the body.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.codec.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers("C21")
    #[test]
    fn a_file_keeps_its_origin_through_compression() {
        let url = "https://example.com/";
        let mut file = StoredFile::new(Method::GET, url, StatusCode::NOT_FOUND).with_content("aaa");
        let before = file.clone();

        file.set_compressed_content("brotli", "3a");
        assert!(file.is_compressed());
        assert_eq!(
            (file.codec.as_deref(), &file.body[..]),
            (Some("brotli"), &b"3a"[..])
        );
        assert_eq!((&file.method, file.url.as_str()), (&Method::GET, url));
        assert_eq!(file.status, StatusCode::NOT_FOUND);

        file.set_content("aaa");
        assert!(!file.is_compressed());
        assert_eq!(file, before);
    }
}
