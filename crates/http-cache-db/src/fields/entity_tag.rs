//! Entity tags (RFC 9110, section 8.8.3).

/// An entity tag as it was sent. Tags without quotes occur, and are compared as they are.
///
/// ```
/// use http_cache_db::fields::EntityTag;
///
/// let (strong, weak) = (EntityTag::new("\"a\""), EntityTag::new("W/\"a\""));
/// assert!(strong.is_strong() && !weak.is_strong());
/// assert!(weak.matches_weakly(&strong));
/// assert!(!weak.matches_strongly(&strong));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// The tag that a field has.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The tag as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether equal tags mean equal bytes.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        !self.0.starts_with("W/")
    }

    /// The comparison of `If-None-Match`: weakness is ignored.
    #[must_use]
    pub fn matches_weakly(&self, other: &Self) -> bool {
        self.opaque() == other.opaque()
    }

    /// The comparison of `If-Range`: two strong tags.
    #[must_use]
    pub fn matches_strongly(&self, other: &Self) -> bool {
        self.is_strong() && self.0 == other.0
    }

    fn opaque(&self) -> &str {
        self.0.strip_prefix("W/").unwrap_or(&self.0)
    }
}
