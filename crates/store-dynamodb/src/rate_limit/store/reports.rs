//! What can be read off the limiter.

use std::time::Duration;

use store_core::backend::{Activity, AdaptiveSums};
use store_core::{Claim, HOUR, PageRequest, Priority, RateLimitStats, Result, Status};

use crate::item::timestamp;
use crate::rate_limit::commit::Inner;
use crate::rate_limit::record::{self, State};
use crate::rate_limit::transition::Snapshot;
use crate::table::{Query, Requests, Sorted, Values};

/// A resource without an item is taken off the list only if it was put there longer ago than this: whoever puts
/// it there is about to count something.
const LISTED_FOR: Duration = HOUR;

impl Inner {
    pub(super) fn status_of(
        &self,
        state: &State,
        claim: &Claim,
        priority: Priority,
    ) -> Result<Status> {
        let config = self.effective(state, claim)?;
        let mut snapshot = Snapshot::at(state, config, self.now(), None);
        let share = snapshot.share(Activity::default());
        let now = snapshot.now;
        let users = config.adaptive().map(|config| {
            let demand = snapshot.demand(config, Activity::default());
            demand.activity(config, now).users_in_window
        });
        let mut log = snapshot.log();
        let used = log.count(None, config.config.shared_limit().span(), now);
        let rules = snapshot.rules(share.as_ref());
        rules.status(&mut log, used, users, priority, now)
    }

    /// Listed resources, one more than the page holds if there are more, with their states. Those whose items
    /// have expired are taken off the list.
    pub(super) async fn listed(
        &self,
        requests: Requests<'_>,
        page: &PageRequest,
    ) -> Result<Vec<(Claim, State)>> {
        let most = page.limit.saturating_add(1);
        let mut query = Query {
            partition: record::RESOURCES.to_owned(),
            sorted: Sorted::from_page(page),
            ..Query::default()
        };
        let mut found = Vec::new();
        loop {
            let wanted = most as usize - found.len();
            query.limit = Some(u32::try_from(wanted.min(100)).unwrap_or(100));
            let page = requests.query(query.clone()).await?;
            let names = &requests.table.options().names;
            let mut claims = Vec::with_capacity(page.items.len());
            for item in &page.items {
                claims.extend(record::claim_of(item, &names.sort_key)?);
            }
            let key = |claim: &Claim| record::key(&claim.resource);
            let keys: Vec<_> = claims.iter().map(key).collect();
            let mut items = requests.batch_get(&keys).await?;
            let mut expired = Vec::new();
            for (claim, key) in claims.into_iter().zip(keys) {
                match items.remove(&key) {
                    Some(item) => found.push((claim, record::decode(Some(item))?)),
                    None => expired.push(claim),
                }
            }
            self.delist(requests, &expired).await;
            if page.next.is_none() || found.len() >= most as usize {
                return Ok(found);
            }
            query.start = page.next;
        }
    }

    /// Takes resources off the list, if nobody has listed them of late.
    async fn delist(&self, requests: Requests<'_>, expired: &[Claim]) {
        let before = Values::default().with(":before", timestamp(self.now() - LISTED_FOR));
        let condition = ("#at < :before".to_owned(), before);
        let removed = expired.iter().map(async |claim| {
            let key = record::listing(&claim.resource);
            let removed = requests.delete(&key, condition.clone());
            // If this failed, the next one who lists will find it again.
            drop(removed.await);
        });
        futures_util::future::join_all(removed).await;
    }

    pub(super) async fn stats_of_all(&self, requests: Requests<'_>) -> Result<RateLimitStats> {
        let everything = PageRequest::default().with_limit(u32::MAX - 1);
        let mut stats = RateLimitStats::default();
        let mut shared = AdaptiveSums::default();
        for (claim, state) in self.listed(requests, &everything).await? {
            let shown = self.status_of(&state, &claim, Priority::Background)?;
            let config = self.effective(&state, &claim)?;
            let snapshot = Snapshot::at(&state, config, self.now(), None);
            let (log, now) = (snapshot.log(), snapshot.now);
            let admissions = log.count(None, config.config.longest_span(), now);
            stats.total_requests += u64::from(admissions);
            stats.unique_resources += u64::from(admissions > 0);
            if let Some(adaptive) = &shown.adaptive {
                let span = config.config.shared_limit().span();
                let background = log.count(Some(Priority::Background), span, now);
                shared.add(adaptive, background.into(), state.past.activations);
            }
            if shown.available_at > now {
                stats.rate_limited_resources.push(claim.resource);
            }
        }
        stats.adaptive = shared.metrics();
        Ok(stats)
    }
}
