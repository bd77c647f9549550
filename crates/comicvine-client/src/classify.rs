//! Classification of HTTP responses: results, a refusal by the API, or a block in front of it.
//!
//! Comic Vine refuses in many ways: a status code in the body under HTTP 200, HTTP 420, an XML body
//! whatever format was requested, a page of its content delivery network, a page that reports
//! abnormal traffic. Each is classified here, with the cooldown that follows. A wrong classification
//! caches a refusal, or gets the client banned for sending on. Everything is a pure function of the
//! response and the time.

mod headers;

use std::fmt;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store_core::{DAY, HOUR, MINUTE, SECOND, Timestamp};

use crate::body::Body;
use crate::envelope::StatusCode;
use crate::http_response::HttpResponse;

/// The API does not say when an exhausted budget resets. It counts per path and hour; a quarter of an
/// hour wastes few requests and little time. After a whole window without a request it has reset.
const RATE_LIMITED_COOLDOWN: Duration = MINUTE.saturating_mul(15);
/// Reported to end within hours, or once the user agent is changed.
const CDN_COOLDOWN: Duration = HOUR;
/// Reported to last for days; four probes a day do not prolong it.
const ABNORMAL_TRAFFIC_COOLDOWN: Duration = HOUR.saturating_mul(6);
/// A slow query that timed out at the cache in front of the API.
const OVERLOADED_COOLDOWN: Duration = SECOND.saturating_mul(30);
/// The upper bound of a cooldown, also of one that another program stored.
pub(crate) const MAX_COOLDOWN: Duration = DAY;
/// The lower bound of a cooldown: the spacing that the API asks for.
const MIN_COOLDOWN: Duration = SECOND;

/// What blocks the client in front of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlockKind {
    /// The content delivery network refuses the request, often because of its user agent.
    Cdn,
    /// The site reports abnormal traffic and bans the IP address, often for days.
    AbnormalTraffic,
}

impl fmt::Display for BlockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cdn => "the content delivery network refuses this client",
            Self::AbnormalTraffic => "the site reports abnormal traffic from this address",
        })
    }
}

/// The kind of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResponseKind {
    /// An envelope with status code 1. Only this kind may be cached.
    Results,
    /// The API refuses the request.
    Refused { code: StatusCode, message: String },
    /// The rate limit is exceeded.
    RateLimited,
    /// The request did not reach the API.
    Blocked(BlockKind),
    /// The API is temporarily unavailable.
    Unavailable,
    /// Nothing, or the beginning of an envelope.
    CutShort,
    /// A web page or plain text, of maintenance for example, with any status: the API is down.
    Page { title: String },
    /// Anything else.
    Unknown,
}

/// The requests that a cooldown binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CooldownScope {
    /// Requests on this path.
    Path,
    /// All requests to the server, with any API key: what bans an address asks for no key.
    Origin,
}

/// A time during which nothing may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cooldown {
    pub(crate) scope: CooldownScope,
    pub(crate) until: Timestamp,
}

/// The kind of a response and the cooldown that follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classification {
    pub(crate) kind: ResponseKind,
    pub(crate) cooldown: Option<Cooldown>,
}

/// Classifies a response that arrived at `now`. A request counts against the budget of its path for
/// `path_span`.
pub(crate) fn classify(
    response: &HttpResponse,
    now: Timestamp,
    path_span: Duration,
) -> Classification {
    let start = BodyStart::of(&response.body);
    let kind = response_kind(response, &start);
    let cooldown = cooldown(&kind, response, &start, now, path_span);
    Classification { kind, cooldown }
}

fn response_kind(response: &HttpResponse, start: &BodyStart) -> ResponseKind {
    let is_rate_limited = matches!(response.status, 420 | 429);
    let status_of = |body: &Body| {
        // A refusal may have no results, a success has them.
        let envelope = body.envelope::<Option<&RawValue>>()?;
        if envelope.status_code == StatusCode::Ok && envelope.results.is_none() {
            return Err(serde_json::Error::missing_field("results"));
        }
        Ok((envelope.status_code, envelope.error))
    };
    let (code, is_cut_short) = match Body::read(&response.body, status_of) {
        Ok(code) => (Some(code), false),
        Err(error) => {
            let code = start.xml_code().map(|code| (code, start.xml_error()));
            (code, error.is_eof() && response.status == 200)
        }
    };
    match code {
        code if start.title_has("abnormal traffic")
            || (code.is_none() && start.0.contains("abnormal traffic")) =>
        {
            ResponseKind::Blocked(BlockKind::AbnormalTraffic)
        }
        None if start.is_address_ban() => ResponseKind::Blocked(BlockKind::Cdn),
        _ if is_rate_limited => ResponseKind::RateLimited,
        Some((StatusCode::RateLimited, _)) => ResponseKind::RateLimited,
        Some((StatusCode::Ok | StatusCode::Other(_), _)) if response.status >= 500 => {
            ResponseKind::Unavailable
        }
        // XML results were not requested and cannot be parsed.
        Some((StatusCode::Ok, _)) if start.is_markup() => ResponseKind::Unknown,
        // Others with a body are parts, or empty by their definition.
        Some((StatusCode::Ok, _)) if matches!(response.status, 200..=203) => ResponseKind::Results,
        Some((StatusCode::Ok, _)) => ResponseKind::Unknown,
        Some((code, message)) => ResponseKind::Refused { code, message },
        None if is_challenge(response, start) => ResponseKind::Blocked(BlockKind::Cdn),
        None if response.status == 401 => ResponseKind::Refused {
            code: StatusCode::InvalidApiKey,
            message: String::new(),
        },
        None if response.status >= 500 => ResponseKind::Unavailable,
        None if is_cut_short => ResponseKind::CutShort,
        None if !start.is_json() && !(300..400).contains(&response.status) => ResponseKind::Page {
            title: start.title(&response.body),
        },
        None => ResponseKind::Unknown,
    }
}

/// Whether the response is a challenge or a block page of the content delivery network.
fn is_challenge(response: &HttpResponse, start: &BodyStart) -> bool {
    response.status == 403
        || response.headers.contains_key("cf-mitigated")
        || start.title_has("just a moment")
        || start.title_has("attention required")
        || (start.is_markup() && start.0.contains("/cdn-cgi/challenge-platform/"))
        || start.title_has("| cloudflare")
}

fn cooldown(
    kind: &ResponseKind,
    response: &HttpResponse,
    start: &BodyStart,
    now: Timestamp,
    path_span: Duration,
) -> Option<Cooldown> {
    let retry_after = headers::retry_after(&response.headers, now);
    let reset = headers::reset(&response.headers, now);
    let (scope, wait) = match kind {
        ResponseKind::RateLimited => {
            // An HTML page comes from the network in front, which limits IP addresses, not paths.
            let scope = if start.is_html() {
                CooldownScope::Origin
            } else {
                CooldownScope::Path
            };
            let wait = retry_after
                .or(reset.map(|reset| reset.wait))
                .unwrap_or(RATE_LIMITED_COOLDOWN.min(path_span));
            (scope, Some(wait))
        }
        ResponseKind::Blocked(BlockKind::Cdn) => (
            CooldownScope::Origin,
            Some(retry_after.unwrap_or(CDN_COOLDOWN)),
        ),
        ResponseKind::Blocked(BlockKind::AbnormalTraffic) => (
            CooldownScope::Origin,
            Some(retry_after.unwrap_or(ABNORMAL_TRAFFIC_COOLDOWN)),
        ),
        ResponseKind::Unavailable if response.status == 503 => (
            CooldownScope::Path,
            Some(retry_after.unwrap_or(OVERLOADED_COOLDOWN)),
        ),
        ResponseKind::Unavailable => (CooldownScope::Path, retry_after),
        ResponseKind::Results
        | ResponseKind::Refused { .. }
        | ResponseKind::CutShort
        | ResponseKind::Page { .. }
        | ResponseKind::Unknown => {
            let exhausted = reset.filter(|reset| reset.remaining == Some(0));
            (
                CooldownScope::Path,
                retry_after.or(exhausted.map(|reset| reset.wait)),
            )
        }
    };
    wait.map(|wait| Cooldown {
        scope,
        until: now + wait.clamp(MIN_COOLDOWN, MAX_COOLDOWN),
    })
}

/// The beginning of a body in lower case, to recognize HTML pages and XML.
struct BodyStart(String);

impl BodyStart {
    fn of(body: &[u8]) -> Self {
        // What tells a page is in its head, behind scripts at times.
        let most = if body.trim_ascii_start().starts_with(b"{") {
            4_096
        } else {
            65_536
        };
        let start = &body[..body.len().min(most)];
        Self(
            String::from_utf8_lossy(start)
                .trim_start()
                .to_ascii_lowercase(),
        )
    }

    fn is_markup(&self) -> bool {
        self.0.trim_start_matches('\u{feff}').starts_with('<')
    }

    fn is_json(&self) -> bool {
        self.0
            .trim_start_matches('\u{feff}')
            .starts_with(['{', '['])
    }

    fn is_html(&self) -> bool {
        self.is_markup() && self.0.contains("<html")
    }

    /// Whether the content delivery network bans the address: `error code: 1015` as plain text, as JSON, or the
    /// page of the same error.
    fn is_address_ban(&self) -> bool {
        let code = self.0.strip_prefix("error code:").map(str::trim);
        let in_json = || self.0.replace(' ', "").contains("\"error_code\":10");
        code.is_some_and(|code| code.starts_with("10"))
            || (self.is_json() && in_json())
            || (self.is_html() && self.0.contains("cloudflare") && self.0.contains("error 10"))
    }

    fn element(&self, name: &str) -> Option<&str> {
        if !self.is_markup() {
            return None;
        }
        let (_, rest) = self.0.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once("</")?;
        let text = text.strip_prefix("<![cdata[").unwrap_or(text);
        Some(text.strip_suffix("]]>").unwrap_or(text).trim())
    }

    /// The title, or the first line of plain text, as it is written, at most 80 characters of it.
    fn title(&self, body: &[u8]) -> String {
        const MAX_CHARS: usize = 80;
        let title = match self.element("title") {
            Some(title) => title,
            None if self.is_markup() => "",
            None => self.0.lines().next().unwrap_or_default(),
        };
        // The text in lower case tells where it is: ASCII letters keep their length.
        let body = String::from_utf8_lossy(body);
        let start = body.to_ascii_lowercase().find(title).unwrap_or(0);
        let title = body.get(start..start + title.len()).unwrap_or(title);
        let words: Vec<_> = title.split_whitespace().collect();
        words.join(" ").chars().take(MAX_CHARS).collect()
    }

    fn title_has(&self, words: &str) -> bool {
        self.element("title")
            .is_some_and(|title| title.contains(words))
    }

    fn xml_code(&self) -> Option<StatusCode> {
        self.element("status_code")?
            .parse::<u16>()
            .ok()
            .map(StatusCode::from)
    }

    fn xml_error(&self) -> String {
        self.element("error").unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests;
