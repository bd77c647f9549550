//! The field `Via` (RFC 9110, section 7.6.3), and loops that it shows.

use http::{HeaderMap, HeaderValue, header};
use http_cache_db::fields::{combined_value, list_members};
use http_cache_db::{Random, SystemRandom};

/// This process in `Via`. Another one of the same program has another name: a chain of them is no loop.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    pseudonym: String,
    line: HeaderValue,
}

impl Via {
    /// A new name that begins with this one, a token.
    pub(crate) fn new(name: &'static str) -> Self {
        let number = SystemRandom.next_u64() & 0xFF_FFFF;
        let pseudonym = format!("{name}-{number:06x}");
        let line = HeaderValue::try_from(format!("1.1 {pseudonym}"));
        Self {
            pseudonym,
            line: line.unwrap_or_else(|_| HeaderValue::from_static(name)),
        }
    }

    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        headers.append(header::VIA, self.line.clone());
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
        other.add_to(&mut headers);
        assert!(!via.is_in(&headers) && other.is_in(&headers));
        let comment = format!("HTTP/1.1 {} (a comment)", via.pseudonym.to_uppercase());
        headers.append(header::VIA, comment.try_into().unwrap());
        assert!(via.is_in(&headers));
    }
}
