//! A table of answers, and what each must be taken for.

use proptest::prelude::*;
use reqwest::header::HeaderValue;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

const OK: &str = r#"{"error":"OK","status_code":1,"results":{"id":1},"version":"1.0"}"#;
const LIMITED: &str = r#"{"error":"Rate limit exceeded.  Slow down cowboy.","limit":0,"offset":0,
    "number_of_page_results":0,"number_of_total_results":0,"status_code":107,"results":[]}"#;
const LIMITED_XML: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<response><error><![CDATA[Slow \
    down]]></error><status_code>420</status_code><results></results></response>";
const NOT_FOUND: &str = r#"{"error":"Object Not Found","status_code":101,"results":[]}"#;
const BAD_KEY_XML: &str =
    "<response><error>Invalid API Key</error><status_code>100</status_code></response>";
const CDN: &str = "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head></html>";
const BANNED: &str =
    "\n<html><head>\n<title>Abnormal Traffic Detected</title></head><body></body></html>";
const VARNISH: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><!DOCTYPE html><html><head>\
    <title>503 first byte timeout</title></head></html>";

fn refused(code: StatusCode, message: &str) -> Finding {
    Finding::Refused {
        code,
        message: message.to_owned(),
    }
}

fn verdict(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Verdict {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect();
    let answer = Answer {
        status,
        headers: &headers,
        body: body.as_bytes(),
    };
    judge(answer, NOW)
}

/// HTTP status, body, what it is, and who has to rest for how long.
type Row<'a> = (u16, &'a str, Finding, Option<(CooldownScope, Duration)>);

fn check(table: &[Row<'_>]) {
    for (status, body, finding, cooldown) in table {
        let found = verdict(*status, &[], body);
        assert_eq!(found.finding, *finding, "{status} {body}");
        let expected = cooldown.map(|(scope, wait)| Cooldown {
            scope,
            until: NOW + wait,
        });
        assert_eq!(found.cooldown, expected, "{status} {body}");
    }
}

#[test]
fn answers_of_the_api_are_told_apart() {
    let limited = Some((CooldownScope::Path, RATE_LIMITED));
    let not_found = || refused(StatusCode::ObjectNotFound, "Object Not Found");
    check(&[
        (200, OK, Finding::Results, None),
        (200, LIMITED, Finding::RateLimited, limited),
        (420, LIMITED, Finding::RateLimited, limited),
        (420, "", Finding::RateLimited, limited),
        (200, LIMITED_XML, Finding::RateLimited, limited),
        (420, LIMITED_XML, Finding::RateLimited, limited),
        (200, NOT_FOUND, not_found(), None),
        (404, NOT_FOUND, not_found(), None),
        (401, "", refused(StatusCode::InvalidApiKey, ""), None),
        (500, "oops", Finding::Unavailable, None),
        (502, OK, Finding::Unavailable, None),
    ]);
    let key = refused(StatusCode::InvalidApiKey, "invalid api key");
    check(&[(401, BAD_KEY_XML, key, None)]);
}

#[test]
fn answers_in_the_place_of_the_api_are_told_apart() {
    let key = |wait| Some((CooldownScope::Key, wait));
    let (cdn, banned) = (
        Finding::Blocked(BlockKind::Cdn),
        Finding::Blocked(BlockKind::AbnormalTraffic),
    );
    check(&[
        (403, CDN, cdn.clone(), key(BLOCKED_BY_CDN)),
        (403, "", cdn.clone(), key(BLOCKED_BY_CDN)),
        (503, CDN, cdn, key(BLOCKED_BY_CDN)),
        (429, CDN, Finding::RateLimited, key(RATE_LIMITED)),
        (200, BANNED, banned.clone(), key(ABNORMAL_TRAFFIC)),
        (403, BANNED, banned, key(ABNORMAL_TRAFFIC)),
        (
            503,
            VARNISH,
            Finding::Unavailable,
            Some((CooldownScope::Path, OVERLOADED)),
        ),
    ]);
}

#[test]
fn answers_of_nobody_known_are_no_results() {
    for (status, body) in [
        (404, "<html><title>404</title></html>"),
        (200, "<html><title>Welcome</title></html>"),
        (200, r#"{"hello":"world"}"#),
        (200, &OK[..20]),
        (302, ""),
    ] {
        check(&[(status, body, Finding::Unknown, None)]);
    }
}

#[test]
fn the_server_knows_better_how_long_to_wait() {
    let wait = |status, headers: &[(&'static str, &'static str)], body| {
        verdict(status, headers, body)
            .cooldown
            .map(|cooldown| cooldown.until.since(NOW))
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(wait(420, &[("retry-after", "90")], LIMITED), seconds(90));
    assert_eq!(
        wait(420, &[("x-ratelimit-reset", "1700000300")], LIMITED),
        seconds(300)
    );
    assert_eq!(wait(500, &[("retry-after", "5")], ""), seconds(5));
    assert_eq!(wait(403, &[("retry-after", "7")], CDN), seconds(7));
    assert_eq!(wait(420, &[("retry-after", "0")], LIMITED), Some(SHORTEST));
    assert_eq!(
        wait(420, &[("retry-after", "999999999")], LIMITED),
        Some(LONGEST)
    );
}

#[test]
fn last_success_of_a_budget_starts_the_wait() {
    let left = |count| {
        verdict(
            200,
            &[("ratelimit-remaining", count), ("ratelimit-reset", "40")],
            OK,
        )
    };
    assert_eq!(left("3").cooldown, None);
    let used_up = left("0");
    assert_eq!(used_up.finding, Finding::Results);
    assert_eq!(
        used_up.cooldown,
        Some(Cooldown {
            scope: CooldownScope::Path,
            until: NOW + SECOND * 40
        })
    );
}

#[test]
fn network_challenge_is_known_by_its_header() {
    let found = verdict(200, &[("cf-mitigated", "challenge")], "<html></html>");
    assert_eq!(found.finding, Finding::Blocked(BlockKind::Cdn));
}

#[test]
fn comic_that_speaks_of_abnormal_traffic_is_a_comic() {
    let body = OK.replace(
        r#"{"id":1}"#,
        r#"{"id":1,"deck":"<title>abnormal traffic</title>"}"#,
    );
    assert_eq!(verdict(200, &[], &body).finding, Finding::Results);
}

proptest! {
    #[test]
    fn nothing_but_an_envelope_is_taken_for_results(
        status in 100_u16..600,
        body in prop_oneof![
            any::<Vec<u8>>(),
            "[<{][a-z<>/{}\": _0-9]{0,80}".prop_map(String::into_bytes),
        ],
        retry_after in "[ -~]{0,30}",
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_str(&retry_after).unwrap());
        let verdict = judge(Answer { status, headers: &headers, body: &body }, NOW);
        prop_assert!(verdict.finding != Finding::Results || Envelope::parse(&body).is_ok());
        if let Some(cooldown) = verdict.cooldown {
            prop_assert!(cooldown.until > NOW && cooldown.until <= NOW + LONGEST);
        }
    }
}
