//! What is stored, by method, status, fields and policy.

use http::{HeaderMap, Uri};

use super::*;
use crate::policy::Mode;
use crate::test_headers::headers;

struct Exchange {
    method: Method,
    request: HeaderMap,
    status: u16,
    policy: Policy,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            method: Method::GET,
            request: HeaderMap::new(),
            status: 200,
            policy: Policy::default(),
        }
    }
}

impl Exchange {
    fn stores(self, response: &[(&'static str, &str)]) -> Result<(), NotStorable> {
        let target = Uri::from_static("http://example.org/issues?page=1");
        let request = RequestHead::new(self.method, target, self.request);
        let status = StatusCode::from_u16(self.status).unwrap();
        let response = ResponseHead::new(status, headers(response), &self.policy);
        storable(&request, &response, &self.policy)
    }

    fn asking(lines: &[(&'static str, &str)]) -> Self {
        Self {
            request: headers(lines),
            ..Self::default()
        }
    }

    fn with_status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

const FRESH: (&str, &str) = ("cache-control", "max-age=60");

#[test]
fn a_status_that_is_not_valid_is_not_stored() {
    let stores = |status| {
        let exchange = Exchange {
            status,
            ..Exchange::default()
        };
        exchange.stores(&[("cache-control", "max-age=60")])
    };
    assert_eq!(stores(599), Ok(()));
    assert_eq!(stores(600), Err(NotStorable::Status));
    assert_eq!(stores(999), Err(NotStorable::Status));
}

#[test]
fn a_stated_lifetime_makes_any_final_status_storable() {
    for status in [200, 299, 400, 499, 500, 503, 599] {
        assert_eq!(
            Exchange::with_status(status).stores(&[FRESH]),
            Ok(()),
            "{status}"
        );
    }
    for status in [103, 304, 206, 407, 408, 412, 416, 417, 421, 431] {
        let refused = Exchange::with_status(status).stores(&[FRESH]);
        assert_eq!(refused, Err(NotStorable::Status), "{status}");
    }
}

#[test]
fn without_a_lifetime_a_validator_is_needed() {
    let validator = [("etag", "\"a\"")];
    assert_eq!(Exchange::default().stores(&validator), Ok(()));
    let refused = Exchange::default().stores(&[]);
    assert_eq!(refused, Err(NotStorable::NoLifetime));
    let refused = Exchange::with_status(403).stores(&validator);
    assert_eq!(refused, Err(NotStorable::NoLifetime));
    let default = Policy::default().with_default_ttl(std::time::Duration::from_secs(5));
    let exchange = Exchange {
        policy: default,
        ..Exchange::default()
    };
    assert_eq!(exchange.stores(&[]), Ok(()));
}

// covers("T5")
#[test]
fn no_store_of_either_side_forbids() {
    let no_store = ("cache-control", "no-store");
    let refused = Exchange::default().stores(&[FRESH, no_store]);
    assert_eq!(refused, Err(NotStorable::NoStore));
    let refused = Exchange::asking(&[no_store]).stores(&[FRESH]);
    assert_eq!(refused, Err(NotStorable::NoStore));
    let policy = Policy::default().ignoring(crate::fields::Directive::NoStore);
    let exchange = Exchange {
        policy,
        ..Exchange::default()
    };
    assert_eq!(exchange.stores(&[FRESH, no_store]), Ok(()));
}

#[test]
fn must_understand_outranks_no_store_for_known_statuses() {
    let lines = [("cache-control", "max-age=60, no-store, must-understand")];
    assert_eq!(Exchange::with_status(200).stores(&lines), Ok(()));
    assert_eq!(
        Exchange::with_status(599).stores(&lines),
        Err(NotStorable::Status)
    );
}

#[test]
fn a_shared_cache_keeps_nothing_personal() {
    let private = [("cache-control", "private, max-age=60")];
    assert_eq!(
        Exchange::default().stores(&private),
        Err(NotStorable::Private)
    );
    let own = Exchange {
        policy: Policy::new(Mode::Private),
        ..Exchange::default()
    };
    assert_eq!(own.stores(&private), Ok(()));

    let authorized = || Exchange::asking(&[("authorization", "Basic eDp5")]);
    assert_eq!(
        authorized().stores(&[FRESH]),
        Err(NotStorable::Authorization)
    );
    for control in [
        "max-age=60, public",
        "max-age=60, must-revalidate",
        "s-maxage=60",
    ] {
        assert_eq!(
            authorized().stores(&[("cache-control", control)]),
            Ok(()),
            "{control}"
        );
    }
}

#[test]
fn a_post_is_stored_only_as_its_own_target() {
    let post = || Exchange {
        method: Method::POST,
        ..Exchange::default()
    };
    let here = ("content-location", "/issues?page=1");
    assert_eq!(post().stores(&[FRESH, here]), Ok(()));
    assert_eq!(post().stores(&[here]), Err(NotStorable::Method));
    let failed = Exchange {
        status: 400,
        ..post()
    };
    assert_eq!(failed.stores(&[FRESH, here]), Err(NotStorable::Method));
    let elsewhere = ("content-location", "/issues?page=2");
    assert_eq!(post().stores(&[FRESH, elsewhere]), Err(NotStorable::Method));
}

#[test]
fn several_ranges_are_not_stored() {
    let several = Exchange::asking(&[("range", "bytes=0-1, 4-5")]);
    assert_eq!(several.stores(&[FRESH]), Err(NotStorable::MultipleRanges));
}
