//! What can be told of all jobs, and what is done to many of them. None of it is on the path of
//! requests.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt, TryStreamExt, stream};
use store_core::{DedupeStats, JobInfo, JobState, Key, Page, PageRequest, Result, Selection};

use super::job::{Job, ReadContext, Stage};
use super::jobs::{PREFIX, change, item_key};
use crate::error::Failure;
use crate::item::{text, timestamp};
use crate::options::DedupeSettings;
use crate::shards::Merged;
use crate::table::{DynamoDbTable, Query, Sorted, Update, Values, Write};

/// How many requests of a cleanup are under way at a time.
const PARALLEL: usize = 8;

fn jobs_of(sorted: Sorted) -> Query {
    Query {
        sorted,
        ..Query::default()
    }
}

pub(super) async fn list(
    table: &DynamoDbTable,
    options: &DedupeSettings,
    page: &PageRequest,
) -> Result<Page<JobInfo>> {
    let sorted = match &page.after {
        Some(name) => Sorted::After(name.clone()),
        None => Sorted::All,
    };
    let query = Query {
        // Each partition has its share of the page; what is missing is asked for.
        limit: Some((page.limit / 8).saturating_add(4)),
        ..jobs_of(sorted)
    };
    let terms = ReadContext::now(options);
    let mut jobs = Merged::new(table, "list", PREFIX, &query);
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

pub(super) async fn stats(table: &DynamoDbTable, options: &DedupeSettings) -> Result<DedupeStats> {
    let terms = ReadContext::now(options);
    let mut jobs = Merged::new(table, "stats", PREFIX, &jobs_of(Sorted::All));
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
pub(super) async fn clear(
    table: &DynamoDbTable,
    options: &DedupeSettings,
    selection: &Selection,
) -> Result<u64> {
    const OPERATION: &str = "clear";
    let sorted = match selection {
        Selection::All => Sorted::All,
        Selection::Scope(scope) => Sorted::Beginning(format!("{scope}:")),
    };
    let terms = ReadContext::now(options);
    let mut jobs = Merged::new(table, OPERATION, PREFIX, &jobs_of(sorted));
    let (mut selected, mut removed) = (Vec::new(), 0);
    while let Some((name, item)) = jobs.next().await? {
        let job = Job::read(item)?;
        removed += u64::from(job.stands(&terms).is_some());
        selected.push((Key::new(&name)?, job));
    }
    let apart = selected.iter().flat_map(|(_, job)| job.apart());
    let apart: Vec<_> = apart.map(Write::Delete).collect();
    stream::iter(selected)
        .map(async |(key, job)| clear_job(table, &key, &job, &terms).await)
        .buffer_unordered(PARALLEL)
        .try_collect::<()>()
        .await
        .map_err(|failure| failure.into_error(OPERATION))?;
    table.batch_write(OPERATION, apart).await?;
    Ok(removed)
}

/// Removes the job, unless another has replaced it. An item whose token is not in the past stays until it
/// is, abandoned: the next owner's has to be greater.
async fn clear_job(
    table: &DynamoDbTable,
    key: &Key,
    job: &Job,
    terms: &ReadContext,
) -> Result<(), Failure> {
    const OPERATION: &str = "clear";
    let (place, condition) = (item_key(key), "#job = :job");
    let values = Values::default().with(":job", text(&*job.id));
    let cleared = if job.token_is_past(terms) {
        table.delete(OPERATION, &place, condition, values).await
    } else {
        let update = Update {
            key: place,
            change: "SET #st = :A, #ends = :none REMOVE #kept".to_owned(),
            condition: condition.to_owned(),
            values: values
                .with(":A", text(Stage::Abandoned.mark()))
                .with(":none", AttributeValue::M(HashMap::new())),
        };
        change(table, OPERATION, update).await.map(Some)
    };
    match cleared {
        Ok(_) | Err(Failure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Removes a bounded number of jobs that are of no more use, each only if it still is the one that was
/// seen; how many it were.
pub(super) async fn cleanup(table: &DynamoDbTable, options: &DedupeSettings) -> Result<u64> {
    const OPERATION: &str = "cleanup";
    let terms = ReadContext::now(options);
    let query = Query {
        filter: Some(
            "(#st <> :P OR #until <= :lapsed) AND (attribute_not_exists(#kept) OR #kept <= :now)"
                .to_owned(),
        ),
        values: Values::default()
            .with(":P", text(Stage::Pending.mark()))
            .with(":lapsed", timestamp(terms.lapsed_at()))
            .with(":now", timestamp(terms.now)),
        ..jobs_of(Sorted::All)
    };
    let mut jobs = Merged::new(table, OPERATION, PREFIX, &query);
    let mut garbage = Vec::new();
    while garbage.len() < options.cleanup_batch as usize
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
    let apart = garbage.iter().flat_map(|(_, job)| job.apart());
    let apart: Vec<_> = apart.map(Write::Delete).collect();
    let removals = stream::iter(garbage).map(async |(key, job)| {
        let condition = "#job = :job AND #st = :st AND #until = :until";
        let values = Values::default()
            .with(":job", text(&*job.id))
            .with(":st", text(job.stage.mark()))
            .with(":until", timestamp(job.lease.until));
        match table
            .delete(OPERATION, &item_key(&key), condition, values)
            .await
        {
            // One that its owner let go of was gone for everybody already.
            Ok(_) => Ok(u64::from(job.stage != Stage::Abandoned)),
            // Somebody takes it over, or is about to.
            Err(Failure::Refused(_) | Failure::Conflict) => Ok(0),
            Err(failure) => Err(failure.into_error(OPERATION)),
        }
    });
    let removed = removals
        .buffer_unordered(PARALLEL)
        .try_fold(0, async |sum, removed| Ok(sum + removed))
        .await?;
    table.batch_write(OPERATION, apart).await?;
    Ok(removed)
}
