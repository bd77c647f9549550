//! The life of a job: claimed, renewed, ended or abandoned. Each is decided by one conditional write,
//! whose condition names the job that it is about.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use store_core::{
    EndOutcome, Error, ErrorKind, FencingToken, Heartbeat, JobId, JobOutcome, Key, Priority, Result,
};

use super::job::{Ending, Job, ReadContext, Stage, apart, end_name, garbage_at};
use crate::error::{BACKEND, Failure};
use crate::item::{Item, ItemKey, number, text, time_to_live, timestamp};
use crate::options::DedupeSettings;
use crate::shards::partition_of;
use crate::table::{DynamoDbTable, Update, Values};

/// The partitions of jobs.
pub(super) const PREFIX: &str = "JOB";
/// How often a caller tries to claim a key that changes between its requests.
const CLAIM_TRIES: u32 = 16;
/// How often a change is tried that another write of the item stands in the way of.
const CONFLICT_TRIES: u32 = 4;
/// The longest pause between two of these tries.
const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// Result of a claim.
#[derive(Debug)]
pub(super) enum Claimed {
    Own(FencingToken),
    Joined(JobId),
}

/// The item key of a job.
pub(super) fn item_key(key: &Key) -> ItemKey {
    ItemKey::new(partition_of(PREFIX, key.as_str()), key.as_str())
}

/// Makes `fresh` the key's job, unless another is in progress.
pub(super) async fn claim(
    table: &DynamoDbTable,
    options: &DedupeSettings,
    key: &Key,
    fresh: &JobId,
    priority: Priority,
) -> Result<Claimed> {
    const OPERATION: &str = "register_or_join";
    let mut seen: Option<Job> = None;
    for _ in 0..CLAIM_TRIES {
        let terms = ReadContext::now(options);
        let update = match seen.take() {
            None => claim_free(options, key, fresh, priority, &terms),
            // A request that was sent again after its answer was lost.
            Some(job) if job.is(fresh) && job.stage == Stage::Pending => {
                return Ok(Claimed::Own(job.token()?));
            }
            Some(job) if job.is_in_progress(&terms) => {
                match join(table, &job, key, priority, &terms).await {
                    Ok(joined) => return Ok(Claimed::Joined(joined)),
                    Err(Failure::Refused(_)) => continue,
                    Err(failure) => return Err(failure.into_error(OPERATION)),
                }
            }
            Some(job) => replace(options, key, &job, fresh, priority, &terms),
        };
        match change(table, OPERATION, update).await {
            Ok(item) => return Ok(Claimed::Own(Job::read(item)?.token()?)),
            Err(Failure::Refused(item)) => seen = item.map(Job::read).transpose()?,
            Err(failure) => return Err(failure.into_error(OPERATION)),
        }
    }
    Err(Error::new(ErrorKind::Busy, BACKEND, OPERATION)
        .with_detail("the job keeps changing owners; try again"))
}

/// What a new job sets, whatever was there.
const NEW_JOB: &str = "SET #job = :job, #token = :token, #st = :P, #prio = :prio, #created = :now, #updated = :now, \
                       #until = :until, #lease = :lease, #TTL = :ttl";

/// The token rises: a caller that claims a key by its clock alone may know too little.
const NEWER: &str = "(attribute_not_exists(#token) OR #token < :token)";

fn new_job(
    options: &DedupeSettings,
    (job, token): (&JobId, FencingToken),
    priority: Priority,
    terms: &ReadContext,
) -> Values {
    Values::default()
        .with(":job", text(job.to_string()))
        .with(":token", number(token.get()))
        .with(":prio", text(priority.as_str()))
        .with(":lapsed", timestamp(terms.lapsed_at()))
        .with(":lease", number(millis(options)))
        .with(":P", text(Stage::Pending.mark()))
        .leased(options, terms)
}

/// Claims a key that was never used, or whose former jobs are over in every respect.
fn claim_free(
    options: &DedupeSettings,
    key: &Key,
    fresh: &JobId,
    priority: Priority,
    terms: &ReadContext,
) -> Update {
    Update {
        key: item_key(key),
        change: format!("{NEW_JOB}, #ends = :none REMOVE #kept"),
        condition: format!(
            "attribute_not_exists(#PK) OR ((#st <> :P OR #until <= :lapsed) \
             AND (attribute_not_exists(#kept) OR #kept <= :now) AND {NEWER})"
        ),
        values: new_job(
            options,
            (fresh, FencingToken::first(terms.now)),
            priority,
            terms,
        )
        .with(":none", AttributeValue::M(HashMap::new())),
    }
}

/// Claims a key whose job is over, but not for all who joined it, whose ends stay, or whose token is not in
/// the past.
fn replace(
    options: &DedupeSettings,
    key: &Key,
    former: &Job,
    fresh: &JobId,
    priority: Priority,
    terms: &ReadContext,
) -> Update {
    let surplus = former.surplus(terms);
    let surplus: Vec<_> = surplus.map(|end| format!("#ends.#{}", end.name)).collect();
    let mut change = NEW_JOB.to_owned();
    if !surplus.is_empty() {
        change.push_str(" REMOVE ");
        change.push_str(&surplus.join(", "));
    }
    Update {
        key: item_key(key),
        change,
        condition: format!("#job = :former AND (#st <> :P OR #until <= :lapsed) AND {NEWER}"),
        values: new_job(options, (fresh, former.next_token(terms)), priority, terms)
            .with(":former", text(&*former.id)),
    }
}

/// Joins a job in progress. Raises its priority, and shortens a lease that reaches further than any can:
/// the clock was set back, and the owner may be gone.
async fn join(
    table: &DynamoDbTable,
    job: &Job,
    key: &Key,
    priority: Priority,
    terms: &ReadContext,
) -> Result<JobId, Failure> {
    let id: JobId = job.id.parse()?;
    let latest = terms.latest_until(job.lease.length);
    let until = job.lease.until.min(latest);
    if until == job.lease.until && priority <= job.priority {
        return Ok(id);
    }
    let update = Update {
        key: item_key(key),
        change: "SET #prio = :prio, #until = :until".to_owned(),
        condition: "#job = :job AND #st = :P AND #until = :seen".to_owned(),
        values: Values::default()
            .with(":job", text(&*job.id))
            .with(":P", text(Stage::Pending.mark()))
            .with(":seen", timestamp(job.lease.until))
            .with(":until", timestamp(until))
            .with(":prio", text(priority.max(job.priority).as_str())),
    };
    change(table, "register_or_join", update).await?;
    Ok(id)
}

/// Renews the lease; the priority that joiners have raised the job to.
pub(super) async fn renew(
    table: &DynamoDbTable,
    options: &DedupeSettings,
    key: &Key,
    job: &JobId,
) -> Result<Heartbeat> {
    const OPERATION: &str = "heartbeat";
    let update = Update {
        key: item_key(key),
        change: "SET #updated = :now, #until = :until, #lease = :lease, #TTL = :ttl".to_owned(),
        condition: STILL_OURS.to_owned(),
        values: still(job)
            .with(":lease", number(millis(options)))
            .leased(options, &ReadContext::now(options)),
    };
    match change(table, OPERATION, update).await {
        Ok(item) => Ok(Heartbeat::Renewed(Job::read(item)?.priority)),
        Err(Failure::Refused(_)) => Ok(Heartbeat::Fenced),
        Err(failure) => Err(failure.into_error(OPERATION)),
    }
}

/// Ends the job; fenced if it is somebody else's by now.
pub(super) async fn end(
    table: &DynamoDbTable,
    options: &DedupeSettings,
    operation: &'static str,
    (key, job): (&Key, &JobId),
    ending: &Ending,
) -> Result<EndOutcome> {
    let now = options.clock.now();
    let kept = now + options.result_retention;
    let garbage_at = time_to_live(garbage_at(now, options));
    if ending.is_long() {
        // First, so that nobody hears of an end that cannot be read.
        let result_key = apart(&end_name(job));
        let item = ending
            .item()
            .with(&table.options().names.time_to_live, garbage_at.clone());
        let put = table.put(operation, &result_key, item, "", Values::default());
        put.await.map_err(|failure| failure.into_error(operation))?;
    }
    let update = Update {
        key: item_key(key),
        change: format!(
            "SET #st = :st, #updated = :now, #kept = :kept, #TTL = :ttl, #ends.#{} = :end",
            end_name(job)
        ),
        condition: STILL_OURS.to_owned(),
        values: still(job)
            .with(":st", text(ending.stage().mark()))
            .with(":now", timestamp(now))
            .with(":kept", timestamp(kept))
            .with(":ttl", garbage_at)
            .with(":end", ending.attribute(now)),
    };
    match change(table, operation, update).await {
        Ok(_) => Ok(EndOutcome::Ended),
        Err(Failure::Refused(item)) => {
            let found = item.map(Job::read).transpose()?;
            // An owner ends its job once: it ended by a request that was sent again after its answer
            // was lost.
            let is_ours = found.is_some_and(|found| found.tells_of(job, ending));
            Ok(if is_ours {
                EndOutcome::Ended
            } else {
                EndOutcome::Fenced
            })
        }
        Err(failure) => Err(failure.into_error(operation)),
    }
}

/// Makes a change, again if another write of the item was under way.
pub(super) async fn change(
    table: &DynamoDbTable,
    operation: &'static str,
    update: Update,
) -> Result<Item, Failure> {
    for _ in 1..CONFLICT_TRIES {
        match table.update(operation, update.clone()).await {
            Err(Failure::Conflict) => table.pause(CONFLICT_PAUSE).await,
            answer => return answer,
        }
    }
    table.update(operation, update).await
}

/// Lets go of the job; whether it was still the owner's.
pub(super) async fn abandon(table: &DynamoDbTable, key: &Key, job: &JobId) -> Result<bool> {
    const OPERATION: &str = "abandon";
    // The item stays: it may tell of former jobs.
    let update = Update {
        key: item_key(key),
        change: "SET #st = :A".to_owned(),
        condition: STILL_OURS.to_owned(),
        values: still(job).with(":A", text(Stage::Abandoned.mark())),
    };
    match change(table, OPERATION, update).await {
        Ok(_) => Ok(true),
        Err(Failure::Refused(_)) => Ok(false),
        Err(failure) => Err(failure.into_error(OPERATION)),
    }
}

/// How these jobs ended, whose ends are in items of their own. One that was removed meanwhile is not
/// shared.
pub(super) async fn read_apart(
    table: &DynamoDbTable,
    operation: &'static str,
    jobs: &[JobId],
) -> Result<Vec<JobOutcome>> {
    let item_keys: Vec<_> = jobs.iter().map(|job| apart(&end_name(job))).collect();
    let mut items = table.batch_get(operation, &item_keys).await?;
    let outcomes = item_keys.iter().map(|place| match items.remove(place) {
        Some(item) => Ok(Ending::read(item)?.outcome()),
        None => Ok(JobOutcome::NotShared),
    });
    outcomes.collect()
}

/// How the key's job stands.
pub(super) async fn read(
    table: &DynamoDbTable,
    operation: &'static str,
    key: &Key,
) -> Result<Option<Job>> {
    let item: Option<Item> = table.get(operation, &item_key(key)).await?;
    item.map(Job::read).transpose()
}

const STILL_OURS: &str = "#job = :job AND #st = :P";

fn still(job: &JobId) -> Values {
    Values::default()
        .with(":job", text(job.to_string()))
        .with(":P", text(Stage::Pending.mark()))
}

fn millis(options: &DedupeSettings) -> i64 {
    i64::try_from(options.lease.as_millis()).unwrap_or(i64::MAX)
}

impl Values {
    /// `:now`, and the lease that begins now.
    fn leased(self, options: &DedupeSettings, terms: &ReadContext) -> Self {
        let until = terms.now + options.lease;
        self.with(":now", timestamp(terms.now))
            .with(":until", timestamp(until))
            .with(":ttl", time_to_live(garbage_at(until, options)))
    }
}
