//! What can be told of all jobs, and what is done to many of them. None of it is on the path of
//! requests.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use aws_sdk_dynamodb::types::AttributeValue;
use store_core::{
    DedupeStats, Error, JobInfo, JobState, Key, Page, PageRequest, Result, Selection,
};

use super::job::{Job, ReadContext, Stage};
use super::jobs::{PREFIX, Session, item_key};
use crate::item::{text, timestamp};
use crate::options::CLEANUP_BATCH;
use crate::parallel::execute_in_parallel;
use crate::shards::Merged;
use crate::table::{Query, Sorted, Update, Values};

/// How many requests of a cleanup are under way at a time.
const PARALLEL: NonZeroUsize = NonZeroUsize::new(8).unwrap();

impl Session<'_> {
    pub(super) async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>> {
        let query = Query {
            sorted: Sorted::from_page(page),
            // Each partition has its share of the page; what is missing is asked for.
            limit: Some((page.limit / 8).saturating_add(4)),
            ..Query::default()
        };
        let terms = self.terms();
        let mut jobs = Merged::new(self.requests, PREFIX, &query);
        let mut items = Vec::new();
        while items.len() <= page.limit as usize
            && let Some((name, item)) = jobs.next().await?
        {
            let job = Job::read(item)?;
            if let Some(state) = job.stands(&terms) {
                items.push(job.info(Key::new(&name)?, state));
            }
        }
        Ok(Page::truncated(items, page.limit, |job| {
            job.key.to_string()
        }))
    }

    pub(super) async fn stats(&self) -> Result<DedupeStats> {
        let terms = self.terms();
        let mut jobs = Merged::new(self.requests, PREFIX, &Query::default());
        let mut counts = DedupeStats::default();
        while let Some((_, item)) = jobs.next().await? {
            let job = Job::read(item)?;
            if let Some(state) = job.stands(&terms) {
                counts.count(state, job.created_at());
            }
        }
        Ok(counts)
    }

    /// Removes the selected jobs; how many it were, those not counted that are only garbage.
    pub(super) async fn clear(&self, selection: &Selection) -> Result<u64> {
        let query = Query {
            sorted: Sorted::from_selection(selection),
            ..Query::default()
        };
        let terms = self.terms();
        let mut jobs = Merged::new(self.requests, PREFIX, &query);
        let (mut selected, mut removed) = (Vec::new(), 0);
        while let Some((name, item)) = jobs.next().await? {
            let job = Job::read(item)?;
            removed += u64::from(job.stands(&terms).is_some());
            selected.push((Key::new(&name)?, job));
        }
        let apart: Vec<_> = selected.iter().flat_map(|(_, job)| job.apart()).collect();
        let work = async |(key, job)| self.clear_job(&key, &job, &terms).await;
        execute_in_parallel(selected, work, PARALLEL).await?;
        self.requests.delete_all(apart).await?;
        Ok(removed)
    }

    /// Removes the job, unless another has replaced it. An item whose token is not in the past stays until it
    /// is, abandoned: the next owner's has to be greater.
    async fn clear_job(&self, key: &Key, job: &Job, terms: &ReadContext) -> Result<()> {
        let (key, condition) = (item_key(key), "#job = :job".to_owned());
        let values = Values::default().with(":job", text(&*job.id));
        if job.token_is_past(terms) {
            let removed = self.requests.delete(&key, (condition, values));
            return removed.await.map(drop);
        }
        let update = Update {
            key,
            change: "SET #st = :A, #ends = :none REMOVE #kept".to_owned(),
            condition,
            values: values
                .with(":A", text(Stage::Abandoned.mark()))
                .with(":none", AttributeValue::M(HashMap::new())),
        };
        self.requests.update(update).await.map(drop)
    }

    /// Removes a bounded number of jobs that are of no more use, each only if it still is the one that was
    /// seen; how many it were.
    pub(super) async fn cleanup(&self) -> Result<u64> {
        let terms = self.terms();
        let query = Query {
            filter: Some(
                "(#st <> :P OR #until <= :lapsed) AND (attribute_not_exists(#kept) OR #kept <= :now)"
                    .to_owned(),
            ),
            values: Values::default()
                .with(":P", text(Stage::Pending.mark()))
                .with(":lapsed", timestamp(terms.lapsed_at()))
                .with(":now", timestamp(terms.now)),
            ..Query::default()
        };
        let mut jobs = Merged::new(self.requests, PREFIX, &query);
        let most = self.options.cleanup_batch.unwrap_or(CLEANUP_BATCH);
        let mut garbage = Vec::new();
        while garbage.len() < most as usize
            && let Some((name, item)) = jobs.next().await?
        {
            let job = Job::read(item)?;
            let is_of_use = matches!(
                job.stands(&terms),
                Some(JobState::Pending | JobState::Completed | JobState::Failed)
            );
            if !is_of_use && job.token_is_past(&terms) {
                garbage.push((Key::new(&name)?, job));
            }
        }
        let apart: Vec<_> = garbage.iter().flat_map(|(_, job)| job.apart()).collect();
        let remove = async |(key, job): (Key, Job)| {
            let condition = "#job = :job AND #st = :st AND #until = :until".to_owned();
            let values = Values::default()
                .with(":job", text(&*job.id))
                .with(":st", text(job.stage.mark()))
                .with(":until", timestamp(job.lease.until));
            let place = item_key(&key);
            let removed = self.requests.delete(&place, (condition, values));
            // One that somebody takes over stays; one that its owner let go of was gone for everybody already.
            let is_removed = removed.await?.is_ok();
            Ok::<_, Error>(u64::from(is_removed && job.stage != Stage::Abandoned))
        };
        let removed = execute_in_parallel(garbage, remove, PARALLEL).await?;
        self.requests.delete_all(apart).await?;
        Ok(removed.into_iter().sum())
    }
}
