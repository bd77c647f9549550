//! Tags in fields that shared caches read: no standard, but what content delivery networks have in common.

use http::HeaderMap;

use super::options::Policy;
use crate::fields::combined_value;
use crate::tags::Tag;

/// Fields with names between spaces: of Fastly, and of Varnish's module xkey.
const BETWEEN_SPACES: [&str; 2] = ["surrogate-key", "xkey"];
/// Fields with names between commas: of Cloudflare, and of Akamai.
const BETWEEN_COMMAS: [&str; 2] = ["cache-tag", "edge-cache-tag"];

/// The tags of the whole store that the fields of a response give it, if the policy
/// [reads them](Policy::reads_tag_fields). What comes after a name that is too long counts all the same.
#[must_use]
pub fn surrogate_keys(headers: &HeaderMap, policy: &Policy) -> Vec<Tag> {
    if !policy.reads_tag_fields() {
        return Vec::new();
    }
    let mut tags = Vec::new();
    for (fields, separators) in [
        (BETWEEN_SPACES, &[' ', '\t', ','][..]),
        (BETWEEN_COMMAS, &[',']),
    ] {
        for field in fields {
            let value = combined_value(headers, field).unwrap_or_default();
            let names = value.split(separators);
            tags.extend(names.filter_map(|name| Tag::new(name.trim_matches([' ', '\t']))));
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Mode, TagFields};
    use crate::test_headers::headers;

    #[test]
    fn a_shared_cache_reads_the_tags_of_all_lines() {
        let lines = headers(&[
            ("surrogate-key", "a b"),
            ("surrogate-key", "\tc "),
            ("xkey", "d"),
            ("cache-tag", "e f, g ,,"),
            ("edge-cache-tag", "h"),
        ]);
        let names = |policy: &Policy| {
            let tags = surrogate_keys(&lines, policy);
            let names = tags.iter().map(|tag| tag.name().to_owned());
            names.collect::<Vec<_>>().join("|")
        };
        let shared = Policy::new(Mode::Shared);
        assert_eq!(names(&shared), "a|b|c|d|e f|g|h");
        assert_eq!(names(&shared.with_tag_fields(TagFields::Ignored)), "");
        assert_eq!(names(&Policy::new(Mode::Private)), "");
    }
}
