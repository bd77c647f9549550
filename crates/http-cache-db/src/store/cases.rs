//! What every store does, as tests.

mod equivalent;
mod freshening;
mod purging;
mod removing;
mod storing;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use store_core::Timestamp;

use super::{Fill, Hit, NewResponse, ResponseId, ResponseStore, StoredBody};
use crate::engine::StoredResponse;
use crate::keys::TargetKey;
use crate::policy::{ExchangeTimes, Mode, Policy, RequestHead, ResponseHead};
use crate::test_headers::headers;

pub(crate) use equivalent::*;
pub(crate) use freshening::*;
pub(crate) use purging::*;
pub(crate) use removing::*;
pub(crate) use storing::*;

/// Makes a test of each case; `$store` makes an empty store that keeps two older versions and a MiB.
#[macro_export]
#[doc(hidden)]
macro_rules! store_cases {
    ($store:expr) => {
        $crate::store_cases!($store;
            a_response_is_found_as_it_was_stored,
            variants_stand_side_by_side,
            a_whole_replaces_its_parts,
            nothing_is_seen_before_the_commit,
            what_was_invalidated_since_a_fill_began_is_not_stored,
            a_late_response_does_not_replace_a_newer_one,
            equal_bodies_are_kept_once,
            a_changed_body_makes_a_version,
            an_unchanged_body_makes_no_version,
            freshening_changes_the_head_alone,
            what_is_gone_or_invalidated_is_not_freshened,
            a_replaced_body_keeps_its_head,
            freshening_may_change_the_variant,
            a_removed_response_is_gone,
            a_released_body_takes_its_responses_along,
            clear_removes_everything,
            eviction_spares_what_was_used,
            older_versions_are_evicted_first,
            a_target_keeps_its_latest_variants,
            a_body_that_is_too_long_is_refused,
            bytes_above_ascii_and_repeated_lines_survive,
            events_tell_what_happened,
            a_version_is_told_if_the_body_is_another,
            what_has_a_tag_is_purged_together,
            groups_are_of_an_origin,
            urls_prefixes_and_hosts_are_purged,
            what_was_purged_since_a_fill_began_is_not_stored,
            what_is_purged_softly_stays_and_is_stale,
            tags_of_requests_outlive_a_validation,
            a_soft_purge_outlives_a_validation_that_began_before,
            an_equivalent_target_is_found,
            an_invalid_base_has_no_equivalent_targets,
            a_closed_store_says_so,
        );
    };
    ($store:expr; $($case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let store = $store;
                $crate::store::cases::$case(&store).await;
                store.close().await.unwrap();
            }
        )*
    };
}

type Lines<'a> = &'a [(&'static str, &'a str)];

/// A response to store.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) url: &'static str,
    pub(crate) asked: Lines<'a>,
    pub(crate) status: u16,
    pub(crate) headers: Lines<'a>,
    pub(crate) body: &'a [u8],
    /// When it arrived, in milliseconds.
    pub(crate) at: i64,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            url: "http://example.org/issues?page=1",
            asked: &[],
            status: 200,
            headers: &[("cache-control", "max-age=60"), ("vary", "foo")],
            body: b"body",
            at: 1_000,
        }
    }
}

impl Case<'_> {
    pub(crate) fn target(&self, store: &dyn ResponseStore) -> TargetKey {
        store.salt().target_key(&Uri::from_static(self.url))
    }

    pub(crate) fn response(&self, store: &dyn ResponseStore) -> NewResponse {
        self.response_with(store, headers(self.headers))
    }

    pub(crate) fn response_with(&self, store: &dyn ResponseStore, lines: HeaderMap) -> NewResponse {
        let policy = Policy::new(Mode::Private);
        let target = Uri::from_static(self.url);
        let request = RequestHead::new(Method::GET, target, headers(self.asked));
        let status = StatusCode::from_u16(self.status).unwrap();
        let response = ResponseHead::new(status, lines, &policy);
        let received_at = Timestamp::from_millis(self.at);
        let requested_at = Timestamp::from_millis(self.at - 5);
        let times = ExchangeTimes {
            requested_at,
            received_at,
        };
        let len = self.body.len() as u64;
        let stored = StoredResponse::new(&request, response, times, len, store.salt(), &policy);
        NewResponse::new(request, &stored.unwrap(), &policy)
    }

    pub(crate) async fn begin(&self, store: &dyn ResponseStore) -> Box<dyn Fill> {
        let mut fill = store.begin(self.target(store)).await.unwrap();
        fill.describe(&headers(self.headers));
        let (first, second) = self.body.split_at(self.body.len() / 2);
        for bytes in [first, second] {
            let appended = fill.append(Bytes::copy_from_slice(bytes)).await;
            appended.unwrap();
        }
        assert_eq!(fill.body_len(), self.body.len() as u64);
        fill
    }

    pub(crate) async fn store(&self, store: &dyn ResponseStore) -> ResponseId {
        let fill = self.begin(store).await;
        let stored = fill.commit(self.response(store)).await.unwrap();
        stored.expect("stored")
    }

    /// The bodies of the target, if the store can be read.
    pub(crate) async fn bodies_or_none(&self, store: &dyn ResponseStore) -> Option<Vec<Bytes>> {
        let variants = store.variants(self.target(store)).await.ok()?;
        let bodies = variants.into_iter().filter_map(|variant| variant.body);
        Some(bodies.collect())
    }

    /// The bodies of the target, sorted.
    pub(crate) async fn bodies(&self, store: &dyn ResponseStore) -> Vec<Bytes> {
        let mut bodies = Vec::new();
        for variant in store.variants(self.target(store)).await.unwrap() {
            let body = store.body(variant.content).await.unwrap();
            let Some(StoredBody::Whole(body)) = body else {
                panic!("{body:?}");
            };
            assert!(variant.body.is_none_or(|read| read == body));
            assert_eq!(variant.head.body_len, body.len() as u64);
            bodies.push(body);
        }
        bodies.sort();
        bodies
    }
}

fn hit(response: ResponseId) -> Hit {
    Hit {
        response: Some(response),
        host: "example.org".to_owned(),
        path: "/issues".to_owned(),
        at: Timestamp::from_millis(2_000),
        duration: std::time::Duration::from_millis(3),
        bytes: 4,
    }
}

/// Bytes that no codec makes shorter.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// At a thousand seconds of the store's clock.
pub(crate) async fn a_response_of_the_future_does_not_stay(store: &dyn ResponseStore) {
    let case = |at, body| Case {
        body,
        at,
        ..Case::default()
    };
    // The clock was a day ahead, and was set right.
    case(86_400_000, b"ahead").store(store).await;
    case(1_000_000, b"right").store(store).await;
    assert_eq!(Case::default().bodies(store).await, ["right"]);
    // What is only late is still refused, also if its write had to wait.
    for (at, stored) in [(999_000, None), (1_030_000, Some(())), (1_020_000, None)] {
        let case = case(at, b"late or later");
        let fill = store.begin(case.target(store)).await.unwrap();
        let committed = fill.commit(case.response(store)).await.unwrap();
        assert_eq!(committed.map(drop), stored, "{at}");
    }
}
