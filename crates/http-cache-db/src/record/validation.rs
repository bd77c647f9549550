//! Rules that records are checked by.

use std::fmt;
use std::sync::Arc;

use super::{InvalidRecord, RecordRef};

type Rule = Arc<dyn Fn(RecordRef<'_>) -> Result<(), InvalidRecord> + Send + Sync>;

/// The rules that a record must meet: those of [`Record::validate`](super::Record::validate), then those
/// that the application adds.
///
/// ```
/// use http_cache_db::Timestamp;
/// use http_cache_db::record::{InvalidRecord, RecordKind, RecordRef, UrlRecord, Validation};
///
/// let validation = Validation::default().with(|record| {
///     if let RecordRef::Url(url) = record
///         && url.scheme != "https"
///     {
///         return Err(InvalidRecord::new(RecordKind::Url, "scheme", "is not secure"));
///     }
///     Ok(())
/// });
///
/// let url = UrlRecord::parse("http://example.org/", Timestamp::default())?;
/// let error = validation.check(&url).unwrap_err();
/// assert_eq!(error.to_string(), "url record: scheme is not secure");
/// # Ok::<(), InvalidRecord>(())
/// ```
#[derive(Clone)]
pub struct Validation(Vec<Rule>);

impl Default for Validation {
    fn default() -> Self {
        Self(vec![Arc::new(|record: RecordRef<'_>| record.validate())])
    }
}

impl Validation {
    /// Adds a rule after those that there are.
    #[must_use]
    pub fn with(
        mut self,
        rule: impl Fn(RecordRef<'_>) -> Result<(), InvalidRecord> + Send + Sync + 'static,
    ) -> Self {
        self.0.push(Arc::new(rule));
        self
    }

    /// Whether the application added a rule.
    pub(crate) const fn is_extended(&self) -> bool {
        self.0.len() > 1
    }

    /// Checks all rules, in order.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check<'a>(&self, record: impl Into<RecordRef<'a>>) -> Result<(), InvalidRecord> {
        let record = record.into();
        self.0.iter().try_for_each(|rule| rule(record))
    }
}

impl fmt::Debug for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validation")
            .field("rules", &self.0.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use store_core::Timestamp;

    use super::*;
    use crate::record::BodyRecord;

    // covers("C23")
    #[test]
    fn an_application_adds_rules_to_those_built_in() {
        let validation = Validation::default().with(|record| {
            let is_few = !matches!(record, RecordRef::Body(body) if body.version > 2);
            record.kind().ensure(is_few, "version", "is one too many")
        });
        let mut body = BodyRecord::new(1, Timestamp::default());
        assert_eq!(validation.check(&body), Ok(()));

        body.version = 3;
        assert_eq!(Validation::default().check(&body), Ok(()));
        let error = validation.check(&body).unwrap_err();
        assert_eq!(error.to_string(), "body record: version is one too many");

        body.version = 0;
        let error = validation.check(&body).unwrap_err();
        assert_eq!(error.reason(), "is 0");
    }
}
