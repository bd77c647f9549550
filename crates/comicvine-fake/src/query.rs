//! The query string of a request.

mod filter;
mod sort;

pub(crate) use self::filter::Filter;
pub(crate) use self::sort::Sort;

/// The default and maximum number of rows of a page.
pub(crate) const LIST_LIMIT: usize = 100;

/// The default number of search hits; the maximum is [`LIST_LIMIT`].
pub(crate) const SEARCH_LIMIT: usize = 10;

/// The decoded parameters of a request. Unknown ones are ignored.
///
/// No `Debug`: it would show the API key.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The first value of a parameter, if not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        let value = value.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The same parameters for the first page.
    pub(crate) fn first_page(&self) -> Self {
        let is_position = |name: &str| matches!(name, "offset" | "page");
        let others = self.0.iter().filter(|(name, _)| !is_position(name));
        Self(others.cloned().collect())
    }

    /// `limit`, from 1 to [`LIST_LIMIT`]; `default` if absent or not a number.
    pub(crate) fn limit(&self, default: usize) -> usize {
        self.number("limit")
            .filter(|limit| *limit > 0)
            .unwrap_or(default)
            .min(LIST_LIMIT)
    }

    /// `offset`; zero if absent or not a number.
    pub(crate) fn offset(&self) -> usize {
        self.number("offset").unwrap_or(0)
    }

    /// The offset of a search: from `page`, counted from 1, else `offset`.
    pub(crate) fn search_offset(&self, limit: usize) -> usize {
        match self.number("page") {
            Some(page) => page.saturating_sub(1).saturating_mul(limit),
            None => self.offset(),
        }
    }

    /// The parameters that determine the response, sorted: `?limit=7&offset=14`, or empty.
    pub(crate) fn canonical(&self) -> String {
        let is_relevant = |name: &str| !matches!(name, "api_key" | "format" | "client");
        let mut params: Vec<_> = self
            .0
            .iter()
            .filter(|(name, _)| is_relevant(name))
            .collect();
        if params.is_empty() {
            return String::new();
        }
        params.sort();
        let params = params.iter().map(|(name, value)| format!("{name}={value}"));
        format!("?{}", params.collect::<Vec<_>>().join("&"))
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_capped_and_defaults() {
        assert_eq!(Params::parse(Some("limit=1000")).limit(10), 100);
        assert_eq!(Params::parse(Some("limit=0")).limit(10), 10);
        assert_eq!(Params::parse(Some("limit=7")).limit(10), 7);
        assert_eq!(Params::parse(None).limit(10), 10);
    }

    #[test]
    fn canonical_form_has_no_key_and_one_order() {
        let params = Params::parse(Some("offset=7&api_key=s3cret&limit=7&format=json"));
        assert_eq!(params.canonical(), "?limit=7&offset=7");
        assert_eq!(Params::parse(Some("api_key=s3cret")).canonical(), "");
    }

    #[test]
    fn page_counts_from_one_and_outranks_offset() {
        let params = Params::parse(Some("page=3&offset=7"));
        assert_eq!(params.search_offset(10), 20);
        assert_eq!(Params::parse(Some("offset=7")).search_offset(10), 7);
    }

    #[test]
    fn empty_value_is_no_value() {
        assert_eq!(Params::parse(Some("api_key=&x=1")).get("api_key"), None);
    }
}
