//! Directives of responses that a cache can be told to ignore.

use super::cache_control::CacheControl;

/// A directive of responses that a cache can be told to ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Directive {
    /// `no-store`
    NoStore,
    /// `no-cache`, with and without field names
    NoCache,
    /// `private`, with and without field names
    Private,
    /// `must-revalidate` and `proxy-revalidate`
    MustRevalidate,
    /// `stale-while-revalidate`
    StaleWhileRevalidate,
}

impl CacheControl {
    /// The directives without `ignored` ones.
    #[must_use]
    pub fn without(mut self, ignored: &[Directive]) -> Self {
        for directive in ignored {
            match directive {
                Directive::NoStore => self.no_store = false,
                Directive::NoCache => {
                    self.no_cache = false;
                    self.no_cache_fields.clear();
                }
                Directive::Private => {
                    self.private = false;
                    self.private_fields.clear();
                }
                Directive::MustRevalidate => {
                    self.must_revalidate = false;
                    self.proxy_revalidate = false;
                }
                Directive::StaleWhileRevalidate => self.stale_while_revalidate = None,
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_directive_is_as_good_as_absent() {
        let (ignored, rest) = (
            "no-store, private, stale-while-revalidate=5",
            "max-age=5, stale-if-error=5",
        );
        let control = CacheControl::parse(&format!("{ignored}, {rest}"));
        let left = control.without(&[
            Directive::NoStore,
            Directive::Private,
            Directive::StaleWhileRevalidate,
        ]);
        assert_eq!(left, CacheControl::parse(rest));
    }
}
