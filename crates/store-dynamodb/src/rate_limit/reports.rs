//! What can be read off the limiter.

use std::sync::Arc;

use store_core::backend::window::Rules;
use store_core::backend::{Activity, AdaptiveSums};
use store_core::{
    Attempt, Claim, Page, PageRequest, Policy, Priority, RateLimitStats, ResourceInfo, Result,
    Status, Timestamp,
};

use super::decide::Snapshot;
use super::engine::{Inner, Written, listed};
use super::item;
use super::local::Local;
use super::state::State;
use crate::table::{Query, Sorted};

/// How often demand is tried to be told before a status.
const TRIES: u32 = 4;

impl Inner {
    pub(super) async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status> {
        self.handle.table("status")?;
        let local = self.locals.of(&claim.resource);
        let state = self.tell(&local, claim, priority).await?;
        self.status_of(&state, claim, priority, self.now())
    }

    /// Brings demand that was refused from memory to the table, so that a status tells of it; the state
    /// as it is then.
    async fn tell(&self, local: &Local, claim: &Claim, priority: Priority) -> Result<Arc<State>> {
        let demand = self.take_demand(local, Attempt::Repeat, priority);
        let mut state = self.read("status", local).await?;
        if demand.is_empty() || !matches!(self.config(&state, claim)?.policy(), Policy::Adaptive(_))
        {
            return Ok(state);
        }
        for _ in 0..TRIES {
            let terms = self.terms(&state, claim)?;
            let view = Snapshot::at(&state, terms, self.now(), None);
            let change = view.change(demand, self.random());
            let written = self.write("status", local, &state, &change, None).await?;
            state = self.read("status", local).await?;
            if let Written::Done = written {
                return Ok(state);
            }
        }
        local.add_uncounted(demand);
        Ok(state)
    }

    fn status_of(
        &self,
        state: &State,
        claim: &Claim,
        priority: Priority,
        local: Timestamp,
    ) -> Result<Status> {
        let terms = self.terms(state, claim)?;
        let mut view = Snapshot::at(state, terms, local, None);
        let share = view.share(Activity::default());
        let users = terms.adaptive().map(|config| {
            let demand = view.demand(config, Activity::default());
            demand.activity(config, view.now).users_in_window
        });
        let mut log = view.log();
        let used = log.count(None, terms.config.shared_limit().span(), view.now);
        let rules: Rules<'_> = view.rules(share.as_ref());
        rules.status(&mut log, used, users, priority, view.now)
    }

    /// Listed resources, one more than the page holds if there are more, with their states.
    pub(super) async fn listed(
        &self,
        operation: &'static str,
        page: &PageRequest,
    ) -> Result<Vec<(Claim, Arc<State>)>> {
        let table = self.handle.table(operation)?;
        let most = page.limit.saturating_add(1);
        let mut query = Query {
            partition: item::RESOURCES.to_owned(),
            sorted: match &page.after {
                Some(name) => Sorted::After(name.clone()),
                None => Sorted::All,
            },
            ..Query::default()
        };
        let mut found = Vec::new();
        loop {
            let wanted = most as usize - found.len();
            query.limit = Some(u32::try_from(wanted.min(100)).unwrap_or(100));
            let page = table.query(operation, query.clone()).await?;
            let names = &table.options().names;
            let mut claims = Vec::with_capacity(page.items.len());
            for item in &page.items {
                claims.extend(listed(item, &names.sort_key)?);
            }
            let keys: Vec<_> = claims
                .iter()
                .map(|claim| item::key(&claim.resource))
                .collect();
            let mut states = table.batch_get(operation, &keys).await?;
            for (claim, key) in claims.into_iter().zip(keys) {
                let state = item::decode(states.remove(&key))?;
                found.push((claim, Arc::new(state)));
            }
            if page.next.is_none() || found.len() >= most as usize {
                return Ok(found);
            }
            query.start = page.next;
        }
    }

    pub(super) async fn list_page(&self, page: &PageRequest) -> Result<Page<ResourceInfo>> {
        let (found, now) = (self.listed("list", page).await?, self.now());
        let infos = found.into_iter().map(|(claim, state)| {
            let status = self.status_of(&state, &claim, Priority::Background, now)?;
            Ok(ResourceInfo::new(claim.resource, status))
        });
        let infos = infos.collect::<Result<Vec<_>>>()?;
        Ok(Page::truncated(infos, page.limit, |info| {
            info.resource.to_string()
        }))
    }

    pub(super) async fn stats(&self) -> Result<RateLimitStats> {
        let everything = PageRequest::default().with_limit(u32::MAX - 1);
        let (found, now) = (self.listed("stats", &everything).await?, self.now());
        let mut stats = RateLimitStats::default();
        let mut shared = AdaptiveSums::default();
        for (claim, state) in found {
            self.add_stats(&state, &claim, now, &mut stats, &mut shared)?;
        }
        stats.adaptive = shared.metrics();
        Ok(stats)
    }

    fn add_stats(
        &self,
        state: &State,
        claim: &Claim,
        now: Timestamp,
        sums: &mut RateLimitStats,
        shared: &mut AdaptiveSums,
    ) -> Result<()> {
        let shown = self.status_of(state, claim, Priority::Background, now)?;
        let terms = self.terms(state, claim)?;
        let view = Snapshot::at(state, terms, now, None);
        let log = view.log();
        let admissions = log.count(None, terms.config.longest_span(), view.now);
        sums.total_requests += u64::from(admissions);
        sums.unique_resources += u64::from(admissions > 0);
        if let Some(adaptive) = &shown.adaptive {
            let span = terms.config.shared_limit().span();
            let background = log.count(Some(Priority::Background), span, view.now);
            shared.add(adaptive, background.into(), state.past.activations);
        }
        if shown.available_at > view.now {
            sums.rate_limited_resources.push(claim.resource.clone());
        }
        Ok(())
    }
}
