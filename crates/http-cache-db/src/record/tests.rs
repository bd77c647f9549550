//! What holds for records of every kind.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use store_core::{SECOND, Timestamp};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Calls `visit` with a valid record of every kind.
macro_rules! for_every_record {
    ($visit:expr) => {
        $visit(&UrlRecord::parse("https://example.org:8080/a?b#c", NOW).unwrap());
        $visit(&RequestRecord::new(1, "GET", NOW));
        $visit(&ResponseRecord::new(1, 200, NOW));
        $visit(&BodyRecord::new(1, NOW));
        $visit(&BodyContentRecord::of(Bytes::from_static(b"\xFF"), Some("a/b"), NOW));
        $visit(&HeaderNameRecord::new("etag", NOW));
        $visit(&HeaderPairRecord::new("etag", b"\xE9", NOW));
        $visit(&CacheValidationRecord::new(1, NOW).with_etag("\"a\"").with_last_modified(NOW));
        $visit(&CompressionProcessRecord::new("Brotli", "brotli", NOW).with_options(json!({"a": 1})));
    };
}

fn read<R: Record>(json: serde_json::Value) -> R {
    serde_json::from_value(json).unwrap()
}

// covers("C8")
#[test]
fn every_record_knows_when_it_was_made_and_changed() {
    fn visit<R: Record>(record: &R)
    where
        for<'a> RecordRef<'a>: From<&'a R>,
    {
        let mut changed = record.clone();
        changed.touch(NOW + SECOND);
        changed.touch(NOW);
        assert_eq!(
            (changed.created_at(), changed.modified_at()),
            (NOW, NOW + SECOND)
        );
        assert_eq!(record.modified_at(), NOW, "the clone is another record");
        let any = RecordRef::from(&changed);
        assert_eq!((any.created_at(), any.modified_at()), (NOW, NOW + SECOND));
        assert_eq!(any.kind(), R::KIND);
        assert_eq!(Validation::default().check(&changed), Ok(()));
    }
    for_every_record!(visit);
}

// covers("C8")
#[test]
fn every_record_is_read_back_from_its_json() {
    fn visit<R: Record + PartialEq + std::fmt::Debug>(record: &R)
    where
        for<'a> RecordRef<'a>: From<&'a R>,
    {
        let json = record.to_json();
        assert_eq!(json["created_at"], NOW.as_millis());
        assert_eq!(json, RecordRef::from(record).to_json());
        assert_eq!(&read::<R>(json), record);
    }
    for_every_record!(visit);
}

#[test]
fn every_kind_has_a_name_of_its_own() {
    let mut names: Vec<&str> = RecordKind::ALL.iter().map(|kind| kind.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RecordKind::ALL.len());
}

fn fields() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    vec(("[a-zA-Z-]{1,8}|\\PC{0,4}", vec(any::<u8>(), 0..16)), 0..6)
}

proptest! {
    #[test]
    fn messages_with_any_fields_are_read_back(fields in fields(), millis in any::<i64>()) {
        let now = Timestamp::from_millis(millis);
        let mut request = RequestRecord::new(1, "GET", now);
        let mut response = ResponseRecord::new(1, 200, now);
        for (name, value) in &fields {
            request.add_header(name, value.as_slice());
            response.add_header(name, value.as_slice());
        }
        response.expires_at = Some(now);
        response.max_age = Some(millis.unsigned_abs());
        let _no_panic = (request.validate(), response.validate(), response.is_expired(now));
        prop_assert_eq!(&read::<RequestRecord>(request.to_json()), &request);
        prop_assert_eq!(&read::<ResponseRecord>(response.to_json()), &response);
    }

    #[test]
    fn contents_of_any_bytes_are_read_back(body in vec(any::<u8>(), 0..64), text in "\\PC{0,16}") {
        let content = BodyContentRecord::of(body.clone().into(), Some(&text), NOW);
        prop_assert!(content.verify(&body));
        prop_assert_eq!(&read::<BodyContentRecord>(content.to_json()), &content);
        let packed = content.with_compressed(1, body.into());
        prop_assert_eq!(&read::<BodyContentRecord>(packed.to_json()), &packed);
    }
}
