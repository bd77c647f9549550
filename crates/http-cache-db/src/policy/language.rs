//! The language that a request prefers: `Accept-Language` (RFC 9110, section 12.5.4).

use http::HeaderMap;

use super::head::ResponseHead;
use crate::fields::{combined_value, list_members};

pub(super) const ACCEPT_LANGUAGE: &str = "accept-language";

/// Whether the response is in the one language that the request prefers to all others: the origin would choose
/// it again (RFC 9110, section 12.5.4).
pub(super) fn is_in_preferred(response: &ResponseHead, request: &HeaderMap) -> bool {
    let Some(language) = &response.fields.content_language else {
        return false;
    };
    let accept_language = combined_value(request, ACCEPT_LANGUAGE);
    let Some(preferred) = accept_language.as_deref().and_then(preferred) else {
        return false;
    };
    let rest = language.strip_prefix(&preferred);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The member with the greatest weight, lower-cased, if it is the only one with it and not
/// refused with a weight of zero.
fn preferred(accept_language: &str) -> Option<String> {
    let mut best: Option<(f32, &str)> = None;
    let mut is_unique = false;
    for member in list_members(accept_language) {
        let (language, weight) = match member.split_once(';') {
            Some((language, parameter)) => (language.trim(), weight(parameter)),
            None => (member, 1.0),
        };
        match best {
            Some((best_weight, _)) if weight < best_weight => {}
            Some((best_weight, _)) if weight <= best_weight => is_unique = false,
            _ => (best, is_unique) = (Some((weight, language)), true),
        }
    }
    best.filter(|(weight, _)| is_unique && *weight > 0.0)
        .map(|(_, language)| language.to_ascii_lowercase())
}

/// The value of `q=`; 1 if it is no number.
fn weight(parameter: &str) -> f32 {
    let (name, value) = parameter.split_once('=').unwrap_or_default();
    let is_weight = name.trim().eq_ignore_ascii_case("q");
    let weight = value.trim().parse().ok().filter(|_| is_weight);
    weight.unwrap_or(1.0)
}
