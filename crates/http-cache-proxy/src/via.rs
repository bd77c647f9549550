//! The field `Via` (RFC 9110, section 7.6.3), and loops that it shows.

use http::{HeaderMap, HeaderValue, Version, header};
use http_cache_db::fields::{combined_value, list_members};
use http_cache_db::{Random, SystemRandom};

/// This process in `Via`. Another one of the same program has another name: a chain of them is no loop.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    pseudonym: String,
    line: HeaderValue,
    line_of_http_2: HeaderValue,
}

impl Via {
    /// A new name that begins with this one, a token.
    pub(crate) fn new(name: &'static str) -> Self {
        let number = SystemRandom.next_u64() & 0xFF_FFFF;
        let pseudonym = format!("{name}-{number:06x}");
        let line = |version: &str| {
            let line = HeaderValue::try_from(format!("{version} {pseudonym}"));
            line.unwrap_or_else(|_| HeaderValue::from_static(name))
        };
        Self {
            line: line("1.1"),
            line_of_http_2: line("2"),
            pseudonym,
        }
    }

    /// Adds this hop to the fields of a message that was received in this version.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap, version: Version) {
        let line = match version {
            Version::HTTP_2 => &self.line_of_http_2,
            _ => &self.line,
        };
        headers.append(header::VIA, line.clone());
    }

    /// Whether a message with these fields has passed here before.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let hops = combined_value(headers, "via").unwrap_or_default();
        list_members(&hops).any(|hop| {
            // The protocol comes before the name, and a comment may follow it.
            let name = hop.split_ascii_whitespace().nth(1);
            name.is_some_and(|name| name.eq_ignore_ascii_case(&self.pseudonym))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_itself_and_no_other() {
        let (via, other) = (Via::new("proxy"), Via::new("proxy"));
        let mut headers = HeaderMap::new();
        headers.append(header::VIA, HeaderValue::from_static("1.0 fred, 1.1 proxy"));
        other.add_to(&mut headers, Version::HTTP_2);
        assert!(!via.is_in(&headers) && other.is_in(&headers));
        let comment = format!("HTTP/1.1 {} (a comment)", via.pseudonym.to_uppercase());
        headers.append(header::VIA, comment.try_into().unwrap());
        assert!(via.is_in(&headers));
    }
}
