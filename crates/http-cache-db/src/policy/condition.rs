//! Preconditions of a request, evaluated on a stored response (RFC 9111, section 4.3.2; RFC 9110, section 13).

use store_core::SECOND;

use super::freshness::ExchangeTimes;
use super::head::{RequestHead, ResponseHead};
use crate::fields::{EntityTag, IfNoneMatch, combined_value};

/// Whether the client has the stored response already, so that a 304 answers.
#[must_use]
pub fn is_not_modified(request: &RequestHead, stored: &ResponseHead, times: ExchangeTimes) -> bool {
    let fields = &stored.fields;
    match &request.fields.if_none_match {
        Some(IfNoneMatch::Any) => return true,
        Some(IfNoneMatch::Tags(tags)) => {
            let etag = fields.etag.as_ref();
            return etag.is_some_and(|etag| tags.iter().any(|tag| tag.matches_weakly(etag)));
        }
        None => {}
    }
    let Some(since) = request.fields.if_modified_since else {
        return false;
    };
    // Without a date of modification, the response was at most as old as its own date.
    let modified = fields.last_modified.or(fields.date);
    modified.unwrap_or(times.received_at) <= since
}

/// Whether the `If-Range` of a request, if there is one, names the stored response (RFC 9110, section 13.1.5).
#[must_use]
pub fn is_range_current(request: &RequestHead, stored: &ResponseHead) -> bool {
    let Some(condition) = &request.fields.if_range else {
        return true;
    };
    if condition.starts_with('"') || condition.starts_with("W/") {
        let (asked, etag) = (
            EntityTag::new(condition.as_str()),
            stored.fields.etag.as_ref(),
        );
        return etag.is_some_and(|etag| asked.matches_strongly(etag));
    }
    // A date is a strong validator only if the response was made at least a second later: within the same second
    // there may have been another (section 8.8.2.2).
    let fields = &stored.fields;
    let is_strong = fields
        .last_modified
        .zip(fields.date)
        .is_some_and(|(modified, date)| date.since(modified) >= SECOND);
    is_strong && combined_value(&stored.headers, "last-modified").as_ref() == Some(condition)
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode, Uri};
    use store_core::Timestamp;

    use super::*;
    use crate::policy::Policy;
    use crate::test_headers::headers;

    const EARLY: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
    const LATE: &str = "Tue, 14 Nov 2023 22:13:21 GMT";

    fn request(lines: &[(&'static str, &str)]) -> RequestHead {
        let target = Uri::from_static("http://example.org/");
        RequestHead::new(Method::GET, target, headers(lines))
    }

    fn stored(lines: &[(&'static str, &str)]) -> ResponseHead {
        ResponseHead::new(StatusCode::OK, headers(lines), &Policy::default())
    }

    fn not_modified(asked: &[(&'static str, &str)], has: &[(&'static str, &str)]) -> bool {
        let at = Timestamp::from_millis(1_700_000_000_500);
        let times = ExchangeTimes {
            requested_at: at,
            received_at: at,
        };
        is_not_modified(&request(asked), &stored(has), times)
    }

    #[test]
    fn any_of_the_tags_matches_weakly() {
        let has = [("etag", "\"b\""), ("last-modified", LATE)];
        assert!(not_modified(&[("if-none-match", "\"a\", W/\"b\"")], &has));
        assert!(not_modified(&[("if-none-match", "*")], &has));
        assert!(!not_modified(&[("if-none-match", "\"a\"")], &has));
        // The tag outranks the date (RFC 9110, section 13.1.3).
        let both = [("if-none-match", "\"a\""), ("if-modified-since", LATE)];
        assert!(!not_modified(&both, &has));
    }

    #[test]
    fn a_date_falls_back_to_that_of_the_message() {
        let asked = |date| [("if-modified-since", date)];
        assert!(not_modified(&asked(LATE), &[("last-modified", LATE)]));
        assert!(!not_modified(&asked(EARLY), &[("last-modified", LATE)]));
        assert!(not_modified(&asked(LATE), &[("date", LATE)]));
        assert!(!not_modified(&asked(EARLY), &[("date", LATE)]));
        assert!(not_modified(&asked(LATE), &[]));
        assert!(!not_modified(&asked(EARLY), &[]));
        assert!(!not_modified(
            &asked("yesterday"),
            &[("last-modified", EARLY)]
        ));
    }

    #[test]
    fn a_range_needs_the_same_strong_validator() {
        let has = stored(&[("etag", "\"a\""), ("last-modified", EARLY), ("date", LATE)]);
        let is_current = |value| is_range_current(&request(&[("if-range", value)]), &has);
        assert!(is_current("\"a\"") && is_current(EARLY));
        assert!(!is_current("W/\"a\"") && !is_current("\"b\"") && !is_current(LATE));
        assert!(is_range_current(&request(&[]), &has));
        let weak = stored(&[("last-modified", EARLY), ("date", EARLY)]);
        assert!(!is_range_current(&request(&[("if-range", EARLY)]), &weak));
    }
}
