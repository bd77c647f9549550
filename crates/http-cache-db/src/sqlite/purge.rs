//! Purges: what is selected is removed, or becomes stale, in short transactions.
//!
//! The first transaction remembers the whole purge, so that nothing is stored any more that was asked for before. Then
//! a cursor walks over what is selected. What fits into one transaction is removed in it; of more, each response is
//! hidden first, and freed once all are.

use std::sync::Arc;

use sqlite_database::Result;
use sqlite_database::rusqlite::{OptionalExtension, Transaction, params};
use store_core::{Clock as _, SECOND, Timestamp};

use super::cleanup::READING;
use super::open::Opened;
use super::remove::{Removed, hide_each, log_purge, of_target, remove_responses};
use super::shared::Shared;
use super::store::SqliteStore;
use super::{invalidations, tags};
use crate::events::Event;
use crate::keys::{Salt, TargetKey};
use crate::store::{Purge, Selector};

/// The responses of one transaction, and by prefix and host its URLs.
const PER_STEP: u32 = 200;
/// Follows all characters of a path, which is ASCII.
const LAST: &str = "\x7f";

pub(super) const OF_TAG: &str = "
    SELECT DISTINCT t.response_id FROM tagged_responses t JOIN responses r USING (response_id)
    WHERE t.tag_id = ?1 AND t.response_id > ?2 AND r.is_deleted = 0 ORDER BY t.response_id LIMIT ?3";
pub(super) const OF_ALL: &str = "
    SELECT response_id FROM responses WHERE response_id > ?1 AND is_deleted = 0 ORDER BY response_id LIMIT ?2";
pub(super) const URLS: &str = "
    SELECT path, url_id, scheme, port FROM urls
    WHERE domain = ?1 AND (path, url_id) > (?2, ?3) AND path < ?4 ORDER BY path, url_id LIMIT ?5";
pub(super) const OF_URL: &str = "
    SELECT r.response_id FROM requests q JOIN responses r ON r.response_id = q.request_id
    WHERE q.url_id = ?1 AND r.is_deleted = 0";
const TARGET_OF: &str =
    "SELECT url_key FROM urls JOIN requests USING (url_id) WHERE request_id = ?1";
/// Values by key are never validated.
const MAKE_STALE: &str = "
    UPDATE responses SET stale_since = ?2, expires_at = min(expires_at, ?2)
    WHERE response_id = ?1 AND stale_since IS NULL AND response_id NOT IN (SELECT response_id FROM cached_values)";

/// How far a purge is.
#[derive(Debug)]
struct Progress {
    /// The selector that is walked over.
    at: usize,
    /// The path of the last URL, and the id of the last response or URL.
    last: Option<(String, i64)>,
    is_first: bool,
    /// Whether there may be more.
    has_more: bool,
    /// Whether responses were hidden, whose rows are to be removed.
    has_hidden: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            at: 0,
            last: None,
            is_first: true,
            has_more: true,
            has_hidden: false,
        }
    }
}

/// The next step of a purge. Yields what it removed, or made stale.
fn step(
    tx: &Transaction<'_>,
    purge: &Purge,
    salt: &Salt,
    progress: &mut Progress,
    now: Timestamp,
) -> Result<Removed> {
    let selectors = purge.selectors();
    let is_first = std::mem::take(&mut progress.is_first);
    if is_first {
        for selector in selectors {
            invalidations::remember_selected(tx, selector, salt, now)?;
        }
    }
    let mut responses = Vec::new();
    while responses.len() < PER_STEP as usize
        && let Some(selector) = selectors.get(progress.at)
    {
        let (some, last) = find(tx, selector, salt, progress.last.take())?;
        responses.extend(some);
        progress.last = last;
        if progress.last.is_some() {
            // A page was full, whatever it had of responses.
            break;
        }
        progress.at += 1;
    }
    progress.has_more = progress.at < selectors.len();
    responses.sort_unstable();
    responses.dedup();
    // One that is on its way to take the place of such a response, or confirms it, may not have its tags.
    let is_by_tag = selectors
        .iter()
        .any(|selector| matches!(selector, Selector::Tag(_)));
    for response in responses.iter().filter(|_| is_by_tag) {
        if let Some(target) = target_of(tx, *response)? {
            invalidations::remember(tx, target, now)?;
        }
    }
    if purge.is_soft() {
        return make_stale(tx, &responses, now);
    }
    if is_first && !progress.has_more {
        return remove_responses(tx, &responses, now);
    }
    progress.has_hidden |= !responses.is_empty();
    hide_each(tx, &responses)
}

type Found = (Vec<i64>, Option<(String, i64)>);

/// The next responses of a selector, and where to go on; `None` if that is all.
fn find(
    tx: &Transaction<'_>,
    selector: &Selector,
    salt: &Salt,
    last: Option<(String, i64)>,
) -> Result<Found> {
    let after = last.as_ref().map_or(-1, |(_, id)| *id);
    let page = |responses: Vec<i64>| {
        let is_full = responses.len() >= PER_STEP as usize;
        let last = responses.last().filter(|_| is_full);
        let last = last.map(|id| (String::new(), *id));
        (responses, last)
    };
    match selector {
        Selector::Url(url) => Ok((of_target(tx, salt.target_key(url).as_bytes())?, None)),
        Selector::Tag(tag) => {
            let Some(tag) = tags::find(tx, tag)? else {
                return Ok((Vec::new(), None));
            };
            let mut some = tx.prepare_cached(OF_TAG)?;
            let some = some.query_map(params![tag, after, PER_STEP], |row| row.get(0))?;
            Ok(page(some.collect::<Result<_, _>>()?))
        }
        Selector::Everything => {
            let mut some = tx.prepare_cached(OF_ALL)?;
            let some = some.query_map(params![after, PER_STEP], |row| row.get(0))?;
            Ok(page(some.collect::<Result<_, _>>()?))
        }
        Selector::Host(domain) => under(tx, (domain, ""), last, |_, _| true),
        Selector::Prefix(prefix) => {
            let is_of = |scheme: &str, port| scheme == prefix.scheme && port == prefix.port;
            under(tx, (&prefix.domain, &prefix.path), last, is_of)
        }
    }
}

/// The responses of the next URLs of a domain whose paths start with this.
fn under(
    tx: &Transaction<'_>,
    (domain, path): (&str, &str),
    last: Option<(String, i64)>,
    is_of: impl Fn(&str, Option<u16>) -> bool,
) -> Result<Found> {
    let (from, after) = last.unwrap_or_else(|| (path.to_owned(), -1));
    let mut urls = tx.prepare_cached(URLS)?;
    let before = path.to_owned() + LAST;
    let mut urls = urls.query(params![domain, from, after, before, PER_STEP])?;
    let mut of_url = tx.prepare_cached(OF_URL)?;
    let (mut responses, mut last, mut count) = (Vec::new(), None, 0);
    // A URL may have many variants.
    while responses.len() < PER_STEP as usize
        && let Some(row) = urls.next()?
    {
        let (path, id): (String, i64) = (row.get(0)?, row.get(1)?);
        let scheme: String = row.get(2)?;
        if is_of(&scheme, row.get(3)?) {
            let some = of_url.query_map([id], |row| row.get::<_, i64>(0))?;
            for response in some {
                responses.push(response?);
            }
        }
        last = Some((path, id));
        count += 1;
    }
    let is_full = count >= PER_STEP || responses.len() >= PER_STEP as usize;
    Ok((responses, last.filter(|_| is_full)))
}

fn target_of(tx: &Transaction<'_>, response: i64) -> Result<Option<TargetKey>> {
    let mut target = tx.prepare_cached(TARGET_OF)?;
    let target = target.query_row([response], |row| row.get(0)).optional()?;
    Ok(target.map(TargetKey::from_bytes))
}

fn make_stale(tx: &Transaction<'_>, responses: &[i64], now: Timestamp) -> Result<Removed> {
    let mut make_stale = tx.prepare_cached(MAKE_STALE)?;
    let mut removed = Removed::default();
    for response in responses {
        removed.responses += make_stale.execute(params![response, now.as_millis()])? as u64;
    }
    Ok(removed)
}

impl Shared {
    /// Yields how many responses were removed, or became stale. Goes on if its caller goes away: what was begun is not
    /// left half done.
    pub(super) async fn purge(self: &Arc<Self>, purge: &Purge) -> store_core::Result<u64> {
        let opened = self.opened("purge")?;
        self.note_invalidation();
        let (shared, purge) = (Arc::clone(self), purge.clone());
        let run = tokio::spawn(async move { shared.run_purge(&opened, &purge).await });
        match run.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime ends.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    async fn run_purge(
        self: &Arc<Self>,
        opened: &Arc<Opened>,
        purge: &Purge,
    ) -> store_core::Result<u64> {
        let (mut progress, mut responses) = (Progress::default(), 0);
        while progress.has_more {
            let step;
            (step, progress) = self.purge_step(opened, purge, progress).await?;
            responses += step;
        }
        if progress.has_hidden {
            // Nobody waits for the rows to go.
            self.clean_up(opened, SECOND, READING);
        }
        Ok(responses)
    }

    /// The next step of a purge, as a transaction.
    async fn purge_step(
        self: &Arc<Self>,
        opened: &Opened,
        purge: &Purge,
        mut progress: Progress,
    ) -> store_core::Result<(u64, Progress)> {
        let (purge, salt, now) = (purge.clone(), opened.salt, self.options.clock.now());
        let is_soft = purge.is_soft();
        let step = opened.database.write(move |tx| {
            let removed = step(tx, &purge, &salt, &mut progress, now)?;
            let reason = if is_soft { "soft purge" } else { "purge" };
            log_purge(tx, reason, removed, now)?;
            Ok((removed.responses, progress))
        });
        let (responses, progress) = step.await.map_err(|error| self.error(error, "purge"))?;
        if responses > 0 && !is_soft {
            self.options
                .events
                .emit(|| Event::DeleteSuccess { responses });
        }
        Ok((responses, progress))
    }
}

impl SqliteStore {
    /// Makes the responses of a URL stale from now on, as a [soft purge](Purge::soft) does, also of one with `REDACTED`
    /// in place of its secrets, which stands for all that differ only in them. Yields how many became stale.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn make_url_stale(&self, url: &str) -> store_core::Result<u64> {
        let targets = self.targets_of(url).await?;
        let (opened, now) = (
            self.shared.opened("purge")?,
            self.shared.options.clock.now(),
        );
        self.shared.note_invalidation();
        let written = opened.database.write(move |tx| {
            let mut responses = 0;
            for target in targets {
                invalidations::remember(tx, target, now)?;
                let stored = of_target(tx, target.as_bytes())?;
                responses += make_stale(tx, &stored, now)?.responses;
            }
            Ok(responses)
        });
        let responses = written
            .await
            .map_err(|error| self.shared.error(error, "purge"))?;
        Ok(responses)
    }
}
