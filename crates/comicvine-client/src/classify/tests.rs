//! Responses seen in the wild and their classification.

use bytes::Bytes;
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderValue};

use super::*;
use crate::envelope::Envelope;

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

fn refused(code: StatusCode, message: &str) -> ResponseKind {
    ResponseKind::Refused {
        code,
        message: message.to_owned(),
    }
}

fn classified(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Classification {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect();
    let response = HttpResponse {
        status,
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    classify(&response, NOW, HOUR)
}

/// HTTP status, body, expected kind and cooldown.
type Row<'a> = (
    u16,
    &'a str,
    ResponseKind,
    Option<(CooldownScope, Duration)>,
);

fn check(table: &[Row<'_>]) {
    for (status, body, kind, cooldown) in table {
        let found = classified(*status, &[], body);
        assert_eq!(found.kind, *kind, "{status} {body}");
        let expected = cooldown.map(|(scope, wait)| Cooldown {
            scope,
            until: NOW + wait,
        });
        assert_eq!(found.cooldown, expected, "{status} {body}");
    }
}

#[test]
fn responses_of_the_api_are_classified() {
    let limited = Some((CooldownScope::Path, RATE_LIMITED_COOLDOWN));
    let not_found = || refused(StatusCode::ObjectNotFound, "Object Not Found");
    check(&[
        (200, OK, ResponseKind::Results, None),
        (200, LIMITED, ResponseKind::RateLimited, limited),
        (420, LIMITED, ResponseKind::RateLimited, limited),
        (420, "", ResponseKind::RateLimited, limited),
        (200, LIMITED_XML, ResponseKind::RateLimited, limited),
        (420, LIMITED_XML, ResponseKind::RateLimited, limited),
        (200, NOT_FOUND, not_found(), None),
        (404, NOT_FOUND, not_found(), None),
        (401, "", refused(StatusCode::InvalidApiKey, ""), None),
        (500, "oops", ResponseKind::Unavailable, None),
        (502, OK, ResponseKind::Unavailable, None),
    ]);
    let key = refused(StatusCode::InvalidApiKey, "invalid api key");
    check(&[(401, BAD_KEY_XML, key, None)]);
}

#[test]
fn responses_from_in_front_of_the_api_are_classified() {
    let key = |wait| Some((CooldownScope::Origin, wait));
    let (cdn, banned) = (
        ResponseKind::Blocked(BlockKind::Cdn),
        ResponseKind::Blocked(BlockKind::AbnormalTraffic),
    );
    check(&[
        (403, CDN, cdn.clone(), key(CDN_COOLDOWN)),
        (403, "", cdn.clone(), key(CDN_COOLDOWN)),
        (503, CDN, cdn, key(CDN_COOLDOWN)),
        (
            429,
            CDN,
            ResponseKind::RateLimited,
            key(RATE_LIMITED_COOLDOWN),
        ),
        (200, BANNED, banned.clone(), key(ABNORMAL_TRAFFIC_COOLDOWN)),
        (403, BANNED, banned, key(ABNORMAL_TRAFFIC_COOLDOWN)),
        (
            503,
            VARNISH,
            ResponseKind::Unavailable,
            Some((CooldownScope::Path, OVERLOADED_COOLDOWN)),
        ),
    ]);
}

#[test]
fn unknown_responses_are_not_results() {
    for (status, body) in [(200, r#"{"hello":"world"}"#), (404, "[]"), (302, "")] {
        check(&[(status, body, ResponseKind::Unknown, None)]);
    }
}

#[test]
fn web_pages_and_plain_text_mean_that_the_api_is_down() {
    for (status, body, title) in [
        (
            404,
            "<html><title>Page not found</title></html>",
            "Page not found",
        ),
        (
            200,
            "<!DOCTYPE html>\n<html><head><TITLE>We'll\n be  right back</TITLE></head></html>",
            "We'll be right back",
        ),
        (200, "<h1>Down</h1>", ""),
        (404, "", ""),
        (
            200,
            "Down for maintenance\nuntil noon",
            "Down for maintenance",
        ),
    ] {
        let title = title.to_owned();
        check(&[(status, body, ResponseKind::Page { title }, None)]);
    }
}

#[test]
fn control_character_in_a_text_does_not_hide_the_results() {
    let body = OK.replace("\"OK\"", "\"O\u{1}K\"");
    check(&[(200, &body, ResponseKind::Results, None)]);
}

#[test]
fn nothing_and_half_an_envelope_are_cut_short() {
    for body in ["", " ", &OK[..20], &OK[..OK.len() - 1]] {
        check(&[(200, body, ResponseKind::CutShort, None)]);
    }
}

#[test]
fn budget_of_a_path_has_reset_after_its_window() {
    let response = HttpResponse {
        status: 420,
        headers: HeaderMap::new(),
        body: Bytes::from(LIMITED),
    };
    let cooldown = classify(&response, NOW, SECOND * 20).cooldown.unwrap();
    assert_eq!(cooldown.until, NOW + SECOND * 20);
}

#[test]
fn headers_outrank_the_default_cooldown() {
    let wait = |status, headers: &[(&'static str, &'static str)], body| {
        classified(status, headers, body)
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
    assert_eq!(
        wait(420, &[("retry-after", "0")], LIMITED),
        Some(MIN_COOLDOWN)
    );
    assert_eq!(
        wait(420, &[("retry-after", "999999999")], LIMITED),
        Some(MAX_COOLDOWN)
    );
}

#[test]
fn last_success_of_a_budget_has_a_cooldown() {
    let remaining = |count| {
        classified(
            200,
            &[("ratelimit-remaining", count), ("ratelimit-reset", "40")],
            OK,
        )
    };
    assert_eq!(remaining("3").cooldown, None);
    let exhausted = remaining("0");
    assert_eq!(exhausted.kind, ResponseKind::Results);
    assert_eq!(
        exhausted.cooldown,
        Some(Cooldown {
            scope: CooldownScope::Path,
            until: NOW + SECOND * 40
        })
    );
}

#[test]
fn challenge_is_recognized_by_its_header() {
    let found = classified(200, &[("cf-mitigated", "challenge")], "<html></html>");
    assert_eq!(found.kind, ResponseKind::Blocked(BlockKind::Cdn));
}

#[test]
fn bans_of_an_address_bind_the_origin_in_whatever_form() {
    let page = "<html><title>Access denied | Cloudflare</title><h1>Error 1015</h1></html>";
    for (status, body, kind) in [
        (403, "error code: 1015", BlockKind::Cdn),
        (429, "error code: 1015", BlockKind::Cdn),
        (200, "error code: 1020\n", BlockKind::Cdn),
        (429, page, BlockKind::Cdn),
        (403, page, BlockKind::Cdn),
        (200, "Abnormal Traffic Detected", BlockKind::AbnormalTraffic),
        (
            403,
            "<html><h1>Abnormal traffic</h1></html>",
            BlockKind::AbnormalTraffic,
        ),
    ] {
        let found = classified(status, &[], body);
        assert_eq!(found.kind, ResponseKind::Blocked(kind), "{status} {body}");
        let scope = found.cooldown.map(|cooldown| cooldown.scope);
        assert_eq!(scope, Some(CooldownScope::Origin), "{status} {body}");
    }
}

#[test]
fn abnormal_traffic_in_a_json_value_is_no_block() {
    let body = OK.replace(
        r#"{"id":1}"#,
        r#"{"id":1,"deck":"<title>abnormal traffic</title>"}"#,
    );
    assert_eq!(classified(200, &[], &body).kind, ResponseKind::Results);
}

proptest! {
    #[test]
    fn only_an_envelope_is_classified_as_results(
        status in 100_u16..600,
        body in prop_oneof![
            any::<Vec<u8>>(),
            "[<{][a-z<>/{}\": _0-9]{0,80}".prop_map(String::into_bytes),
        ],
        retry_after in "[ -~]{0,30}",
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_str(&retry_after).unwrap());
        let response = HttpResponse { status, headers, body: Bytes::from(body) };
        let found = classify(&response, NOW, HOUR);
        let is_envelope = Envelope::parse(&response.body).is_ok();
        prop_assert!(found.kind != ResponseKind::Results || is_envelope);
        if let Some(cooldown) = found.cooldown {
            prop_assert!(cooldown.until > NOW && cooldown.until <= NOW + MAX_COOLDOWN);
        }
    }
}

#[test]
fn refusal_without_results_is_one() {
    let limited = r#"{"error":"Rate limit exceeded","status_code":107}"#;
    let key = r#"{"error":"Invalid API Key","status_code":100}"#;
    check(&[
        (
            200,
            limited,
            ResponseKind::RateLimited,
            Some((CooldownScope::Path, RATE_LIMITED_COOLDOWN)),
        ),
        (
            200,
            key,
            refused(StatusCode::InvalidApiKey, "Invalid API Key"),
            None,
        ),
        (
            200,
            r#"{"error":"OK","status_code":1}"#,
            ResponseKind::Unknown,
            None,
        ),
    ]);
}

#[test]
fn address_limit_and_challenge_are_known_without_english_titles() {
    let origin = Some((CooldownScope::Origin, CDN_COOLDOWN));
    let cdn = || ResponseKind::Blocked(BlockKind::Cdn);
    let json =
        r#"{"title":"Error 1015: You are being rate limited","error_code": 1015,"retryable":true}"#;
    let challenge = "<!DOCTYPE html><html><head><title>Nur einen Moment\u{2026}</title></head><body>\
        <script src=\"/cdn-cgi/challenge-platform/h/b/x.js\"></script></body></html>";
    let waiting = "<html><head><title>Please Wait... | Cloudflare</title></head></html>";
    check(&[
        (429, json, cdn(), origin),
        (200, challenge, cdn(), origin),
        (503, waiting, cdn(), origin),
    ]);
    let late = format!(
        "<html><head><!-- {} --><title>Abnormal Traffic Detected</title></head></html>",
        "x".repeat(9_000)
    );
    let banned = ResponseKind::Blocked(BlockKind::AbnormalTraffic);
    check(&[(
        200,
        &late,
        banned,
        Some((CooldownScope::Origin, ABNORMAL_TRAFFIC_COOLDOWN)),
    )]);
}

#[test]
fn part_of_a_response_is_no_result() {
    for status in [205, 206] {
        check(&[(status, OK, ResponseKind::Unknown, None)]);
    }
}
