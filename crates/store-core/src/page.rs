//! Listings in pages.

/// Which part of a listing to return.
///
/// ```
/// use store_core::PageRequest;
/// assert_eq!(PageRequest::default().limit, 50);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRequest {
    /// Continue behind this name; from the start if absent. Default: absent.
    pub after: Option<String>,
    /// The most items to return. Default: 50.
    pub limit: u32,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            after: None,
            limit: 50,
        }
    }
}

impl PageRequest {
    /// Continues behind `name`, which an earlier page gave as its [`next`](Page::next).
    #[must_use]
    pub fn with_after(mut self, name: impl Into<String>) -> Self {
        self.after = Some(name.into());
        self
    }

    /// Sets the most items to return.
    #[must_use]
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }
}

/// One part of a listing, in the order of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts, if there is more.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a page out of `items`, which may hold one item more than the page's limit to show that
    /// there is a next page.
    pub fn truncated(mut items: Vec<T>, limit: u32, name: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(name) } else { None };
        Self { items, next }
    }
}
