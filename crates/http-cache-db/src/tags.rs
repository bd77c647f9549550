//! Names that responses share, so that they are removed together.

use std::collections::BTreeSet;
use std::fmt;

use http::Uri;

use crate::url_base::UrlBase;

/// The length of the longest name, in bytes. Longer ones are no tags.
pub(crate) const MAX_TAG_BYTES: usize = 1_024;
/// The most tags of a response from one source. RFC 9875, section 2, asks for 32 groups at least.
const MAX_TAGS: usize = 256;
/// The length of all names of a response from one source, in bytes.
const MAX_NAMES_BYTES: usize = 16 << 10;

/// A name that several stored responses have: a group of their origin (RFC 9875), or a tag of the whole store. Upper
/// and lower case differ. It is stored and shown, so it must hold no secret.
///
/// ```
/// use http::Uri;
/// use http_cache_db::store::Tag;
///
/// let target = Uri::from_static("https://example.org/issues/1");
/// let group = Tag::group(&target, "issues").unwrap();
/// assert_eq!(group.to_string(), "issues (https://example.org)");
/// assert_ne!(Some(group), Tag::new("issues"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Empty if the tag is of the whole store.
    origin: String,
    name: String,
}

impl Tag {
    /// A tag of the whole store. `None` if the name is empty or longer than 1,024 bytes.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        (!name.is_empty()).then(|| Self::of(String::new(), name))?
    }

    /// A group of the origin of a target (RFC 9875, section 2). `None` if the name is longer than 1,024 bytes.
    #[must_use]
    pub fn group(target: &Uri, name: &str) -> Option<Self> {
        Self::of(UrlBase::of(target).origin(), name)
    }

    /// A stored one.
    pub(crate) fn of(origin: String, name: &str) -> Option<Self> {
        let name = (name.len() <= MAX_TAG_BYTES).then(|| name.to_owned())?;
        Some(Self { origin, name })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The origin of which it is a group, such as `https://example.org`; `None` if it is a tag of the whole store.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        (!self.origin.is_empty()).then_some(&self.origin)
    }
}

/// The name, and the origin in brackets.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.origin() {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}

/// The tags of a response, each once: up to 256 with up to 16 KiB of names. What is added beyond that does not count.
///
/// Among the extensions of a request, they are tags of what is stored to answer it:
///
/// ```
/// use http_cache_db::store::Tags;
///
/// let mut request = http::Request::get("https://example.org/issues/1").body(())?;
/// request.extensions_mut().insert(Tags::new(["issue-1", "volume-7"]));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    tags: BTreeSet<Tag>,
    names_bytes: usize,
}

impl Tags {
    /// Tags of the whole store, with these names.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(Tag::new).collect()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.tags.contains(tag)
    }

    /// All of them, in the order of their origins and names.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter()
    }

    /// The bytes of all names and origins.
    pub(crate) fn bytes(&self) -> usize {
        let origins = self.tags.iter().map(|tag| tag.origin.len());
        self.names_bytes + origins.sum::<usize>()
    }
}

impl Extend<Tag> for Tags {
    fn extend<T: IntoIterator<Item = Tag>>(&mut self, tags: T) {
        for tag in tags {
            let names_bytes = self.names_bytes + tag.name.len();
            let has_room = self.tags.len() < MAX_TAGS && names_bytes <= MAX_NAMES_BYTES;
            if has_room && self.tags.insert(tag) {
                self.names_bytes = names_bytes;
            }
        }
    }
}

impl FromIterator<Tag> for Tags {
    fn from_iter<T: IntoIterator<Item = Tag>>(tags: T) -> Self {
        let mut all = Self::default();
        all.extend(tags);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_byte_by_byte_within_an_origin() {
        let group = |target: &str, name| Tag::group(&target.parse().unwrap(), name).unwrap();
        let one = group("https://example.org/a?b", "scripts");
        assert_eq!(one, group("https://EXAMPLE.org:443/", "scripts"));
        for other in [
            group("https://example.org/", "Scripts"),
            group("http://example.org/", "scripts"),
            group("https://example.org:8443/", "scripts"),
            Tag::new("scripts").unwrap(),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_response_has_a_bounded_number_of_tags_with_bounded_names() {
        let numbers: Vec<_> = (0..300).map(|number| number.to_string()).collect();
        let tags = Tags::new(numbers.iter().map(String::as_str));
        assert_eq!(tags.iter().count(), MAX_TAGS);
        let names: Vec<_> = (0..32).map(|at| format!("{at:01024}")).collect();
        let tags = Tags::new(names.iter().map(String::as_str));
        assert_eq!((tags.iter().count(), tags.bytes()), (16, MAX_NAMES_BYTES));
        assert!(Tags::new(["", &*"x".repeat(1_025)]).is_empty());
    }
}
