//! Parameters that a caller adds to a request.

use std::borrow::Cow;

use super::invalid::{InvalidQuery, is_field_name};
use crate::transport::Params;

/// What the client sends itself: the key, the format of what it reads, and the position of a page. A selection of
/// fields would be cached as the whole.
const RESERVED: [&str; 7] = [
    "api_key",
    "field_list",
    "format",
    "json_callback",
    "limit",
    "offset",
    "page",
];

/// Parameters that a caller adds to a request, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddedParams(Vec<(String, String)>);

impl AddedParams {
    pub(crate) fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// Adds them to `params`, each in place of one of the same name.
    ///
    /// # Errors
    /// [`InvalidQuery::Malformed`] for a name that is reserved or malformed, and for an empty value or one with control
    /// characters. No error repeats a value.
    pub(crate) fn add_to(&self, params: &mut Params) -> Result<(), InvalidQuery> {
        for (name, value) in &self.0 {
            let malformed = |expected| InvalidQuery::Malformed {
                text: name.escape_default().to_string(),
                expected,
            };
            if RESERVED.contains(&name.as_str()) {
                return Err(malformed(
                    "a parameter that can be added: the client sends it itself",
                ));
            }
            if !is_field_name(name) {
                return Err(malformed(
                    "the name of a parameter, such as `subscriber_only`",
                ));
            }
            if value.trim().is_empty() || value.chars().any(char::is_control) {
                return Err(malformed("a parameter with a value"));
            }
            params.retain(|(present, _)| present != name);
            params.push((Cow::Owned(name.clone()), value.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(name: &str, value: &str) -> Result<Params, InvalidQuery> {
        let mut params = vec![("sort".into(), "name:asc".to_owned())];
        let mut added = AddedParams::default();
        added.push(name.to_owned(), value.to_owned());
        added.add_to(&mut params).map(|()| params)
    }

    #[test]
    fn parameter_takes_the_place_of_one_of_its_name() {
        let params = add("sort", "colour:desc").unwrap();
        assert_eq!(params, [("sort".into(), "colour:desc".to_owned())]);
        assert_eq!(add("video_type", "3").unwrap().len(), 2);
    }

    #[test]
    fn what_the_client_sends_itself_is_refused_and_no_value_is_repeated() {
        for (name, value) in [
            ("api_key", "c0ffee"),
            ("format", "c0ffee"),
            ("json_callback", "c0ffee"),
            ("field_list", "c0ffee"),
            ("limit", "c0ffee"),
            ("a&api_key", "c0ffee"),
            ("API_KEY", "c0ffee"),
            ("", "c0ffee"),
            ("sort", "c0ffee\n"),
            ("sort", " "),
        ] {
            let error = add(name, value).unwrap_err().to_string();
            assert!(!error.contains("c0ffee"), "{error}");
        }
    }
}
