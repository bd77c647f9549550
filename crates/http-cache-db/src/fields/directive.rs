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

    // covers("T5")
    #[test]
    fn an_ignored_directive_is_as_good_as_absent() {
        let rest = CacheControl::parse("max-age=5, stale-if-error=5");
        for (ignored, directive) in [
            ("no-store", Directive::NoStore),
            ("no-cache, no-cache=\"x-a\"", Directive::NoCache),
            ("private, private=\"x-a\"", Directive::Private),
            (
                "must-revalidate, proxy-revalidate",
                Directive::MustRevalidate,
            ),
            ("stale-while-revalidate=5", Directive::StaleWhileRevalidate),
        ] {
            let control = format!("{ignored}, max-age=5, stale-if-error=5");
            let control = CacheControl::parse(&control);
            assert_ne!(control, rest, "{ignored}");
            assert_eq!(control.without(&[directive]), rest, "{ignored}");
        }
    }
}
