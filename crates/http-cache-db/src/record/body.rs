//! A row of `bodies`.

use serde::{Deserialize, Serialize};
use store_core::Timestamp;

use super::json::{millis, optional_millis};
use super::{InvalidRecord, Record};

/// A version of a body: which content it has, how often it was used, and what it replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BodyRecord {
    /// The row's id.
    pub body_id: Option<i64>,
    /// The content, [`BodyContentRecord::content_id`](super::BodyContentRecord::content_id).
    pub content_id: i64,
    /// When the body was last used. `None`: never.
    #[serde(with = "optional_millis", default)]
    pub last_accessed_at: Option<Timestamp>,
    /// How often the body was used.
    pub access_count: u64,
    /// Whether the body is no longer used. Default: false.
    pub is_deleted: bool,
    /// The number of the version, from 1.
    pub version: u32,
    /// The body that this one replaced, if it is still there.
    pub previous_version_id: Option<i64>,
    /// When this body was replaced. `None`: it is the current one.
    #[serde(with = "optional_millis", default)]
    pub replaced_at: Option<Timestamp>,
    /// When the body was stored.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl BodyRecord {
    /// The first version of a body.
    #[must_use]
    pub fn new(content_id: i64, now: Timestamp) -> Self {
        Self {
            body_id: None,
            content_id,
            last_accessed_at: None,
            access_count: 0,
            is_deleted: false,
            version: 1,
            previous_version_id: None,
            replaced_at: None,
            created_at: now,
            modified_at: now,
        }
    }

    /// Counts a use of the body.
    pub fn record_access(&mut self, now: Timestamp) {
        self.access_count = self.access_count.saturating_add(1);
        // The clock may have been set back.
        let earliest = self.last_accessed_at.unwrap_or(self.created_at);
        self.last_accessed_at = Some(now.max(earliest));
        self.touch(now);
    }

    /// Replaces the body by one of other content, and returns that. This one should be stored before: the new
    /// one refers to its id.
    #[must_use]
    pub fn new_version(&mut self, content_id: i64, now: Timestamp) -> Self {
        self.replaced_at = Some(now.max(self.created_at));
        self.touch(now);
        Self {
            version: self.version.saturating_add(1),
            previous_version_id: self.body_id,
            ..Self::new(content_id, now)
        }
    }

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let kind = Self::KIND;
        let is_in_order = |time: Option<Timestamp>| time.is_none_or(|at| self.created_at <= at);
        let previous = self.previous_version_id;
        kind.ensure(self.version >= 1, "version", "is 0")?;
        kind.ensure(
            previous.is_none() || self.version > 1,
            "previous_version_id",
            "is given for the first version",
        )?;
        kind.ensure(
            previous.is_none() || previous != self.body_id,
            "previous_version_id",
            "is that of the body itself",
        )?;
        kind.ensure(
            is_in_order(self.last_accessed_at),
            "last_accessed_at",
            "is before created_at",
        )?;
        kind.ensure(
            is_in_order(self.replaced_at),
            "replaced_at",
            "is before created_at",
        )?;
        kind.ensure(
            self.last_accessed_at.is_some() == (self.access_count > 0),
            "access_count",
            "does not agree with last_accessed_at",
        )?;
        kind.ensure_fits(self.access_count, "access_count")
    }
}

#[cfg(test)]
mod tests {
    use store_core::SECOND;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    // covers("C12")
    #[test]
    fn uses_are_counted_and_the_last_is_known() {
        let mut body = BodyRecord::new(1, NOW);
        body.record_access(NOW + SECOND * 2);
        body.record_access(NOW + SECOND);
        assert_eq!(body.access_count, 2);
        assert_eq!(body.last_accessed_at, Some(NOW + SECOND * 2));
        assert_eq!(body.modified_at, NOW + SECOND * 2);
        assert_eq!(body.validate(), Ok(()));
    }

    // covers("C12")
    #[test]
    fn a_new_version_replaces_the_one_before() {
        let mut first = BodyRecord::new(1, NOW);
        first.body_id = Some(7);
        first.record_access(NOW);
        let second = first.new_version(2, NOW + SECOND);
        assert_eq!((second.version, second.content_id), (2, 2));
        assert_eq!(
            (second.body_id, second.previous_version_id),
            (None, Some(7))
        );
        assert_eq!((second.access_count, second.created_at), (0, NOW + SECOND));
        assert_eq!(
            (first.replaced_at, first.content_id),
            (Some(NOW + SECOND), 1)
        );
        assert_eq!(first.modified_at, NOW + SECOND);
        assert_eq!(first.validate(), Ok(()));
        assert_eq!(second.validate(), Ok(()));
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_the_record_valid() {
        let mut body = BodyRecord::new(1, NOW);
        body.record_access(NOW - SECOND);
        assert_eq!(body.new_version(2, NOW - SECOND).validate(), Ok(()));
        assert_eq!(body.validate(), Ok(()));
    }

    #[test]
    fn fields_that_contradict_each_other_are_found() {
        type Break = (fn(&mut BodyRecord), &'static str);
        let breaks: [Break; 6] = [
            (|body| body.version = 0, "version"),
            (
                |body| body.previous_version_id = Some(1),
                "previous_version_id",
            ),
            (
                |body| {
                    body.version = 2;
                    body.body_id = Some(7);
                    body.previous_version_id = Some(7);
                },
                "previous_version_id",
            ),
            (|body| body.replaced_at = Some(NOW - SECOND), "replaced_at"),
            (|body| body.access_count = 1, "access_count"),
            (|body| body.modified_at = NOW - SECOND, "modified_at"),
        ];
        for (change, field) in breaks {
            let mut body = BodyRecord::new(1, NOW);
            change(&mut body);
            assert_eq!(body.validate().unwrap_err().field(), field);
        }
    }
}
