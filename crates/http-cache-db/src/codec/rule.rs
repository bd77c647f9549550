//! Which bodies are compressed.

use crate::fields::list_members;

/// The length in bytes from which a body is compressed. Less would save some ten bytes of the several hundred
/// that a stored response takes anyway.
pub const MIN_COMPRESSED_BYTES: usize = 150;

/// The kind of content, by its media type: what the rule and statistics distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MimeCategory {
    /// `text/*` that is none of the following, such as plain text and CSS.
    Text,
    /// `application/json`, `text/json`, `*+json`, and lines of JSON.
    Json,
    /// JavaScript (RFC 9239), also by its older names.
    Script,
    /// HTML, XML and `*+xml`, which SVG is.
    Markup,
    /// `image/*` except SVG.
    Image,
    /// `video/*`.
    Video,
    /// `audio/*`.
    Audio,
    /// `font/*`, and fonts by their older names.
    Font,
    /// Archives and compressed files.
    Archive,
    /// Anything else, and what has no content type.
    Other,
}

impl MimeCategory {
    /// The category of a `Content-Type`. Parameters and case mean nothing.
    ///
    /// ```
    /// use http_cache_db::codec::MimeCategory;
    ///
    /// let category = MimeCategory::from_content_type(Some("application/problem+JSON; charset=utf-8"));
    /// assert_eq!(category, MimeCategory::Json);
    /// ```
    #[must_use]
    pub fn from_content_type(content_type: Option<&str>) -> Self {
        let essence = content_type.unwrap_or_default().split(';').next();
        let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
        let Some((kind, subtype)) = essence.split_once('/') else {
            return Self::Other;
        };
        // The suffix says what the bytes are, whatever they describe (RFC 6838, section 4.2.8).
        match subtype.rsplit_once('+').map(|(_, suffix)| suffix) {
            Some("json" | "json-seq") => return Self::Json,
            Some("xml") => return Self::Markup,
            Some("zip" | "gzip" | "zstd") => return Self::Archive,
            Some(_) | None => {}
        }
        match kind {
            "text" => Self::of_text(subtype),
            "image" => Self::Image,
            "video" => Self::Video,
            "audio" => Self::Audio,
            "font" => Self::Font,
            "application" => Self::of_application(subtype),
            _ => Self::Other,
        }
    }

    fn of_text(subtype: &str) -> Self {
        match subtype {
            "json" => Self::Json,
            "javascript" | "x-javascript" | "ecmascript" => Self::Script,
            "html" | "xml" => Self::Markup,
            _ => Self::Text,
        }
    }

    fn of_application(subtype: &str) -> Self {
        match subtype {
            "json" | "json-seq" | "x-ndjson" | "jsonl" => Self::Json,
            "javascript" | "x-javascript" | "ecmascript" => Self::Script,
            "xml" | "xml-dtd" => Self::Markup,
            "font-woff" | "font-woff2" | "x-font-woff" | "x-font-ttf" | "vnd.ms-fontobject" => {
                Self::Font
            }
            "zip" | "x-zip-compressed" | "gzip" | "x-gzip" | "x-7z-compressed" | "vnd.rar"
            | "x-rar-compressed" | "zstd" | "x-brotli" | "x-bzip" | "x-bzip2" | "x-xz"
            | "x-lzma" | "x-compress" | "x-tar" | "x-gtar" | "java-archive" => Self::Archive,
            _ => Self::Other,
        }
    }

    /// The name in statistics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Script => "script",
            Self::Markup => "markup",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Font => "font",
            Self::Archive => "archive",
            Self::Other => "other",
        }
    }

    /// Whether bodies of this category are text, which a codec makes smaller.
    #[must_use]
    pub fn is_compressible(self) -> bool {
        match self {
            Self::Text | Self::Json | Self::Script | Self::Markup => true,
            Self::Image | Self::Video | Self::Audio | Self::Font | Self::Archive | Self::Other => {
                false
            }
        }
    }
}

/// Whether a body of `len` bytes is compressed: text of at least [`MIN_COMPRESSED_BYTES`] that arrived without
/// a coding. `content_encoding` is the combined value of the field.
#[must_use]
pub fn is_compressed(
    content_type: Option<&str>,
    content_encoding: Option<&str>,
    len: usize,
) -> bool {
    len >= MIN_COMPRESSED_BYTES && is_text(content_type, content_encoding)
}

/// Whether a body is text that arrived without a coding.
pub(crate) fn is_text(content_type: Option<&str>, content_encoding: Option<&str>) -> bool {
    let is_plain = content_encoding.is_none_or(|codings| {
        list_members(codings).all(|coding| coding.eq_ignore_ascii_case("identity"))
    });
    is_plain && MimeCategory::from_content_type(content_type).is_compressible()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categories(content_types: &[&str]) -> Vec<MimeCategory> {
        let types = content_types.iter().copied();
        let mut found: Vec<_> = types
            .map(|content_type| MimeCategory::from_content_type(Some(content_type)))
            .collect();
        found.dedup();
        found
    }

    fn is_stored_compressed(content_type: &str) -> bool {
        is_compressed(Some(content_type), None, MIN_COMPRESSED_BYTES)
    }

    // covers("C7")
    #[test]
    fn text_is_compressed() {
        for content_type in [
            "text/plain",
            "text/css",
            "text/html",
            "application/json",
            "application/hal+json",
            "application/javascript",
            "text/javascript",
            "application/xml",
            "application/atom+xml",
            "image/svg+xml",
            "Application/JSON; charset=utf-8",
        ] {
            assert!(is_stored_compressed(content_type), "{content_type}");
        }
    }

    // covers("C7")
    #[test]
    fn media_archives_and_unknown_types_are_not_compressed() {
        for content_type in [
            "image/png",
            "video/mp4",
            "audio/mpeg",
            "font/woff2",
            "application/font-woff",
            "application/zip",
            "application/gzip",
            "application/x-7z-compressed",
            "application/epub+zip",
            "application/octet-stream",
            "application/pdf",
            "json",
            "",
        ] {
            assert!(!is_stored_compressed(content_type), "{content_type}");
        }
        assert!(!is_compressed(None, None, 1_000));
    }

    // covers("C7")
    #[test]
    fn small_bodies_are_not_compressed() {
        assert!(is_compressed(Some("text/plain"), None, 150));
        assert!(!is_compressed(Some("text/plain"), None, 149));
    }

    #[test]
    fn what_arrived_encoded_is_not_compressed_again() {
        let is_compressed = |coding| is_compressed(Some("application/json"), Some(coding), 1_000);
        for coding in ["gzip", "br", "identity, gzip", "unheard-of"] {
            assert!(!is_compressed(coding), "{coding}");
        }
        for coding in ["identity", " Identity ", "", "identity,identity"] {
            assert!(is_compressed(coding), "{coding}");
        }
    }

    #[test]
    fn a_suffix_counts_more_than_the_type() {
        use MimeCategory::{Archive, Json, Markup};
        assert_eq!(
            categories(&["application/problem+json", "model/gltf+json"]),
            [Json]
        );
        assert_eq!(
            categories(&["image/svg+xml", "application/xhtml+xml"]),
            [Markup]
        );
        assert_eq!(categories(&["application/vnd.x+zip"]), [Archive]);
    }

    #[test]
    fn a_category_is_known_by_its_name() {
        let types = [
            ("text/csv", "text"),
            ("application/x-ndjson", "json"),
            ("text/ecmascript", "script"),
            ("text/xml", "markup"),
            ("image/avif", "image"),
            ("video/webm", "video"),
            ("audio/ogg", "audio"),
            ("application/vnd.ms-fontobject", "font"),
            ("application/vnd.rar", "archive"),
            ("application/wasm", "other"),
        ];
        for (content_type, name) in types {
            let category = MimeCategory::from_content_type(Some(content_type));
            assert_eq!(category.as_str(), name, "{content_type}");
        }
    }
}
