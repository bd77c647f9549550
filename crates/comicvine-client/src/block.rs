//! What an answer really is: results, the API's refusal, or something in front of the API.
//!
//! Comic Vine says "no" in many ways: a status in the body under HTTP 200, HTTP 420, an XML body
//! whatever was asked for, a page from its content delivery network, a page that tells of abnormal
//! traffic. Each is told apart here, with advice on who should keep quiet and for how long. Whoever
//! mistakes one for another caches a refusal, or gets banned by asking on. Everything is a function
//! of the answer and the time.

mod hints;

use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use store_core::{DAY, HOUR, MINUTE, SECOND, Timestamp};

use crate::envelope::{Envelope, StatusCode};

/// The API does not say when a used-up budget returns. Its counter is per path and per hour, so a
/// quarter of that costs few useless requests and little time.
const RATE_LIMITED: Duration = MINUTE.saturating_mul(15);
/// Reported to pass within hours, or once the user agent is changed.
const BLOCKED_BY_CDN: Duration = HOUR;
/// Reported to last for days; four probes a day do not prolong it.
const ABNORMAL_TRAFFIC: Duration = HOUR.saturating_mul(6);
/// A heavy query that the cache in front of the API gave up on.
const OVERLOADED: Duration = SECOND.saturating_mul(30);
/// No wait may exceed this: cooldowns are stored, and never shortened.
const LONGEST: Duration = DAY;
/// No wait may be below this, which is the spacing the API asks for.
const SHORTEST: Duration = SECOND;

/// An answer as it came off the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// Who stands between the client and the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlockKind {
    /// The content delivery network refuses the request, often because of its user agent.
    Cdn,
    /// The site reports abnormal traffic and bans the address, often for days.
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

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// An envelope with status code 1. Nothing else may be cached.
    Results,
    /// The API refuses the request, in its own words.
    Refused { code: StatusCode, message: String },
    /// The budget is used up.
    RateLimited,
    /// The request did not reach the API.
    Blocked(BlockKind),
    /// The API is out of order for the moment.
    Unavailable,
    /// An answer of nobody known.
    Unknown,
}

/// What has to keep quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CooldownScope {
    /// This path only.
    Path,
    /// Everything under this key.
    Key,
}

/// Advice to send nothing for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cooldown {
    pub(crate) scope: CooldownScope,
    pub(crate) until: Timestamp,
}

/// What an answer is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) finding: Finding,
    pub(crate) cooldown: Option<Cooldown>,
}

/// Judges an answer that arrived at `now`.
pub(crate) fn judge(answer: Answer<'_>, now: Timestamp) -> Verdict {
    let start = Start::of(answer.body);
    let finding = find(answer, &start);
    let cooldown = advise(&finding, answer, &start, now);
    Verdict { finding, cooldown }
}

fn find(answer: Answer<'_>, start: &Start) -> Finding {
    let limited = matches!(answer.status, 420 | 429);
    let code = match Envelope::parse(answer.body) {
        Ok(envelope) => Some((envelope.status_code, envelope.error)),
        Err(_) => start.xml_code().map(|code| (code, start.xml_error())),
    };
    match code {
        _ if start.title_has("abnormal traffic") => Finding::Blocked(BlockKind::AbnormalTraffic),
        _ if limited => Finding::RateLimited,
        Some((StatusCode::RateLimited, _)) => Finding::RateLimited,
        Some((StatusCode::Ok | StatusCode::Other(_), _)) if answer.status >= 500 => {
            Finding::Unavailable
        }
        // XML with results is not what was asked for, and no envelope that can be read.
        Some((StatusCode::Ok, _)) if start.is_markup() => Finding::Unknown,
        Some((StatusCode::Ok, _)) if answer.status < 300 => Finding::Results,
        Some((StatusCode::Ok, _)) => Finding::Unknown,
        Some((code, message)) => Finding::Refused { code, message },
        None if is_challenge(answer, start) => Finding::Blocked(BlockKind::Cdn),
        None if answer.status == 401 => Finding::Refused {
            code: StatusCode::InvalidApiKey,
            message: String::new(),
        },
        None if answer.status >= 500 => Finding::Unavailable,
        None => Finding::Unknown,
    }
}

/// Whether the content delivery network answered in the API's place.
fn is_challenge(answer: Answer<'_>, start: &Start) -> bool {
    answer.status == 403
        || answer.headers.contains_key("cf-mitigated")
        || start.title_has("just a moment")
        || start.title_has("attention required")
}

fn advise(
    finding: &Finding,
    answer: Answer<'_>,
    start: &Start,
    now: Timestamp,
) -> Option<Cooldown> {
    let asked = hints::retry_after(answer.headers, now);
    let reset = hints::reset(answer.headers, now);
    let (scope, wait) = match finding {
        Finding::RateLimited => {
            // A page instead of a body means that the network in front counts addresses, not paths.
            let scope = if start.is_html() {
                CooldownScope::Key
            } else {
                CooldownScope::Path
            };
            let wait = asked
                .or(reset.map(|reset| reset.wait))
                .unwrap_or(RATE_LIMITED);
            (scope, Some(wait))
        }
        Finding::Blocked(BlockKind::Cdn) => {
            (CooldownScope::Key, Some(asked.unwrap_or(BLOCKED_BY_CDN)))
        }
        Finding::Blocked(BlockKind::AbnormalTraffic) => {
            (CooldownScope::Key, Some(asked.unwrap_or(ABNORMAL_TRAFFIC)))
        }
        Finding::Unavailable if answer.status == 503 => {
            (CooldownScope::Path, Some(asked.unwrap_or(OVERLOADED)))
        }
        Finding::Unavailable => (CooldownScope::Path, asked),
        Finding::Results | Finding::Refused { .. } | Finding::Unknown => {
            let used_up = reset.filter(|reset| reset.remaining == Some(0));
            (
                CooldownScope::Path,
                asked.or(used_up.map(|reset| reset.wait)),
            )
        }
    };
    wait.map(|wait| Cooldown {
        scope,
        until: now + wait.clamp(SHORTEST, LONGEST),
    })
}

/// The beginning of a body, in lower case, for looking at pages and XML.
struct Start(String);

impl Start {
    fn of(body: &[u8]) -> Self {
        const ENOUGH: usize = 4_096;
        let start = &body[..body.len().min(ENOUGH)];
        Self(
            String::from_utf8_lossy(start)
                .trim_start()
                .to_ascii_lowercase(),
        )
    }

    fn is_markup(&self) -> bool {
        self.0.trim_start_matches('\u{feff}').starts_with('<')
    }

    fn is_html(&self) -> bool {
        self.is_markup() && self.0.contains("<html")
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
