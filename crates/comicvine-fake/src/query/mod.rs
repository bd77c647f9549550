//! The query string: what a request asks of a list.

mod filter;
mod sort;

pub(crate) use self::filter::Filter;
pub(crate) use self::sort::Sort;

/// Rows of a list when nothing is asked, and at most.
pub(crate) const LIST_LIMIT: usize = 100;

/// Rows of a search when nothing is asked. More are given, up to [`LIST_LIMIT`], when asked.
pub(crate) const SEARCH_LIMIT: usize = 10;

/// The decoded parameters of a request. Unknown ones are kept and never looked at.
///
/// No `Debug`: it would show the key.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The first value of that name, if it is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        let value = value.trim();
        (!value.is_empty()).then_some(value)
    }

    /// `limit`, within 1 and [`LIST_LIMIT`]; `otherwise` when it is absent or no number.
    pub(crate) fn limit(&self, otherwise: usize) -> usize {
        self.number("limit")
            .filter(|limit| *limit > 0)
            .unwrap_or(otherwise)
            .min(LIST_LIMIT)
    }

    /// `offset`; zero when it is absent or no number.
    pub(crate) fn offset(&self) -> usize {
        self.number("offset").unwrap_or(0)
    }

    /// Where a search starts: at `page`, which counts from 1, else at `offset`.
    pub(crate) fn search_offset(&self, limit: usize) -> usize {
        match self.number("page") {
            Some(page) => page.saturating_sub(1).saturating_mul(limit),
            None => self.offset(),
        }
    }

    /// The parameters that decide the answer, sorted: `?limit=7&offset=14`, or nothing.
    pub(crate) fn canonical(&self) -> String {
        let deciding = |name: &str| !matches!(name, "api_key" | "format" | "client");
        let mut params: Vec<_> = self.0.iter().filter(|(name, _)| deciding(name)).collect();
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
