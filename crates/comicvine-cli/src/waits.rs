//! What a request waits for, in words.

use std::time::Duration;

use comicvine_client::{Limit, Wait, WaitReason};
use store_core::{DAY, HOUR, MINUTE, SECOND, Timestamp};

use crate::output::{format_duration, local_time};

/// `issues: waiting until 14:32:05 +01:00 for the key's limit of 200 an hour (used by this program)`.
pub(crate) fn describe(wait: &Wait, now: Timestamp) -> String {
    let until = wait
        .until
        .map(|until| format!(" until {}", local_time(until, now)));
    format!(
        "{}: waiting{} for {}",
        wait.path,
        until.unwrap_or_default(),
        what(wait.reason)
    )
}

fn what(reason: WaitReason) -> String {
    match reason {
        WaitReason::Limit { limit, own } => {
            let by = match own {
                0 => "other programs or earlier runs",
                own if own >= limit.count() => "this program",
                _ => "this and other programs",
            };
            format!("the key's limit of {} (used by {by})", rate(limit))
        }
        WaitReason::Spacing => "the spacing of requests".to_owned(),
        WaitReason::Reserved => {
            "the background's share of the limit (the rest is reserved for users)".to_owned()
        }
        WaitReason::Paused => "users, who are busy (background requests are paused)".to_owned(),
        WaitReason::Cooldown => "the end of the break that comic vine asked for".to_owned(),
        WaitReason::Blocked => "the end of comic vine's block of this address".to_owned(),
        WaitReason::Probed => {
            "another program, which tries whether comic vine answers again".to_owned()
        }
        WaitReason::Retry => "another try after a failure".to_owned(),
        WaitReason::Joined => "another program, which makes the same request".to_owned(),
        _ => reason.to_string(),
    }
}

/// `200 an hour`, `200 per 20s`.
fn rate(limit: Limit) -> String {
    let window = match limit.window() {
        SECOND => "a second".to_owned(),
        MINUTE => "a minute".to_owned(),
        HOUR => "an hour".to_owned(),
        DAY => "a day".to_owned(),
        window if window < SECOND => format!("per {window:?}"),
        window => format!("per {}", format_duration(window)),
    };
    format!("{} {window}", limit.count())
}

/// Whether a wait is long enough to be worth a word.
pub(crate) fn is_long(wait: &Wait, now: Timestamp, least: Duration) -> bool {
    wait.until.is_none_or(|until| until.since(now) >= least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_up_limit_is_put_down_to_those_who_used_it() {
        let limit = Limit::new(200, HOUR);
        for (own, by) in [
            (0, "other programs or earlier runs"),
            (1, "this and other programs"),
            (200, "this program"),
        ] {
            let said = what(WaitReason::Limit { limit, own });
            let expected = format!("the key's limit of 200 an hour (used by {by})");
            assert_eq!(said, expected);
        }
        assert_eq!(rate(Limit::new(200, SECOND * 20)), "200 per 20s");
        assert_eq!(rate(Limit::new(9, SECOND / 2)), "9 per 500ms");
    }
}
