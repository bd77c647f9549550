//! Selections of fields.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::invalid::{InvalidQuery, is_field_name};

/// A selection of the fields of a response, to save transfer and memory.
///
/// Names are not validated, because the API's documentation and its responses disagree on many of
/// them; the API ignores unknown names.
///
/// ```
/// use comicvine_client::Fields;
///
/// let fields: Fields = "name, id,name".parse()?;
/// assert_eq!(fields.to_string(), "id,name");
/// # Ok::<(), comicvine_client::InvalidQuery>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields(BTreeSet<String>);

impl Fields {
    /// A selection of the fields with these names.
    ///
    /// # Errors
    /// [`InvalidQuery::Malformed`] if there are none, or a name has characters other than
    /// lower-case letters, digits and `_`.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, InvalidQuery> {
        let mut fields = BTreeSet::new();
        for name in names {
            let name = name.as_ref().trim();
            if !is_field_name(name) {
                return Err(InvalidQuery::Malformed {
                    text: name.to_owned(),
                    expected: "the name of a field, such as `cover_date`",
                });
            }
            fields.insert(name.to_owned());
        }
        if fields.is_empty() {
            return Err(InvalidQuery::Malformed {
                text: String::new(),
                expected: "a list of fields, such as `id,name`",
            });
        }
        Ok(Self(fields))
    }

    /// Whether the field is selected.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

impl fmt::Display for Fields {
    /// In the API's format: sorted, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Fields {
    type Err = InvalidQuery;

    fn from_str(text: &str) -> Result<Self, InvalidQuery> {
        Self::new(text.split(','))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_break_the_query_are_refused() {
        for text in ["", "id,,name", "id&api_key", "Name"] {
            assert!(text.parse::<Fields>().is_err(), "{text}");
        }
    }
}
