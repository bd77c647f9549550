//! How large an item gets: each started kilobyte is a write unit.

use std::num::NonZeroU32;
use std::time::Duration;

use store_core::backend::Activity;
use store_core::{
    AdaptiveConfig, HOUR, Limit, Priority, Resource, ResourceConfig, SECOND, Timestamp,
};

use super::model::apply;
use crate::rate_limit::record::State;
use crate::rate_limit::transition::{EffectiveConfig, Request, Step, decide};

/// What the attributes besides the past take, with their names: counters, marks and keys.
const REST: usize = 250;

/// The longest past of an hour and a half in which both classes ask as often as `every`.
fn longest_past(config: &ResourceConfig, every: Duration) -> usize {
    let resource = Resource::new("https://comicvine.gamespot.com#0123456789abcdef/issues");
    let resource = resource.expect("a name");
    let start = Timestamp::from_millis(1_700_000_000_000);
    let (mut state, mut longest, mut admitted) = (State::default(), 0, 0);
    let mut now = start;
    let mut turn = 0_u32;
    while now < start + HOUR + HOUR / 2 {
        now = now + every;
        turn += 1;
        let priority = if turn.is_multiple_of(3) {
            Priority::Background
        } else {
            Priority::User
        };
        let mut demand = Activity::default();
        demand.add(priority);
        let ask = Request {
            permits: NonZeroU32::MIN,
            priority,
            demand,
            earlier: Activity::default(),
            batch: 0,
            unspent: None,
            random: 7 << 40,
        };
        let terms = EffectiveConfig {
            resource: &resource,
            config,
            buckets: NonZeroU32::new(60).expect("some"),
            skew: Duration::from_millis(20),
        };
        match decide(&state, terms, &ask, now).expect("a decision") {
            Step::Admit(take) => {
                assert!(apply(&mut state, &take.change));
                admitted += 1;
            }
            Step::Deny(refuse) => {
                if let Some(settle) = refuse.settle {
                    assert!(apply(&mut state, &settle.change));
                }
            }
        }
        longest = longest.max(state.past.encode().len());
    }
    assert!(admitted >= 200, "{admitted} were admitted");
    longest
}

#[test]
fn a_busy_resource_stays_below_a_kilobyte() {
    let plain = ResourceConfig::from(Limit::new(200, HOUR));
    let shared = plain.clone().adaptive(AdaptiveConfig::default());
    let with_second = shared.clone().with_limit(Limit::new(1, SECOND));
    for (name, config) in [("plain", plain), ("shared", shared), ("two", with_second)] {
        for every in [SECOND * 3, SECOND * 17, SECOND * 20] {
            let past = longest_past(&config, every);
            assert!(past + REST < 1_024, "{name} every {every:?}: {past} bytes");
        }
    }
}
