//! The life of a job: claimed, renewed, ended or abandoned. Each is decided by one conditional write,
//! whose condition names the job that it is about.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use store_core::{
    DedupeOptions, EndOutcome, Error, ErrorKind, FencingToken, Heartbeat, JobId, JobOutcome, Key,
    Priority, Result,
};

use super::job::{Ending, Job, ReadContext, Stage, apart, end_name, garbage_at};
use crate::error::BACKEND;
use crate::item::{ItemKey, number, text, time_to_live, timestamp};
use crate::options::Settings;
use crate::shards::partition_of;
use crate::table::{Condition, Requests, Update, Values};

/// The partitions of jobs.
pub(super) const PREFIX: &str = "JOB";
/// How often a caller tries to claim a key that changes between its requests.
const CLAIM_TRIES: u32 = 16;

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

/// What a new job sets, whatever was there.
const NEW_JOB: &str = "SET #job = :job, #token = :token, #st = :P, #prio = :prio, #created = :now, #updated = :now, \
                       #until = :until, #lease = :lease, #TTL = :ttl";

/// The token rises: a caller that claims a key by its clock alone may know too little.
const NEWER: &str = "(attribute_not_exists(#token) OR #token < :token)";

/// That the job is the caller's and has not ended.
const STILL_OURS: &str = "#job = :job AND #st = :P";

/// One call of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session<'a> {
    pub(super) requests: Requests<'a>,
    pub(super) options: &'a Settings<DedupeOptions>,
}

impl Session<'_> {
    /// How what is read now is evaluated.
    pub(super) fn terms(&self) -> ReadContext {
        ReadContext::now(self.options)
    }

    /// Makes `fresh` the key's job, unless another is in progress.
    pub(super) async fn claim(
        &self,
        key: &Key,
        fresh: &JobId,
        priority: Priority,
    ) -> Result<Claimed> {
        let mut seen: Option<Job> = None;
        for _ in 0..CLAIM_TRIES {
            let terms = self.terms();
            let update = match seen.take() {
                None => self.claim_free(key, fresh, priority, &terms),
                // A request that was sent again after its answer was lost.
                Some(job) if job.is(fresh) && job.stage == Stage::Pending => {
                    return Ok(Claimed::Own(job.token()?));
                }
                Some(job) if job.is_in_progress(&terms) => {
                    match self.join(&job, key, priority, &terms).await? {
                        Some(joined) => return Ok(Claimed::Joined(joined)),
                        None => continue,
                    }
                }
                Some(job) => self.replace(key, &job, fresh, priority, &terms),
            };
            match self.requests.update(update).await? {
                Ok(item) => return Ok(Claimed::Own(Job::read(item)?.token()?)),
                Err(item) => seen = item.map(Job::read).transpose()?,
            }
        }
        let busy = Error::new(ErrorKind::Busy, BACKEND, self.requests.operation);
        Err(busy.with_detail("the job keeps changing owners; try again"))
    }

    fn new_job(
        &self,
        (job, token): (&JobId, FencingToken),
        priority: Priority,
        terms: &ReadContext,
    ) -> Values {
        self.leased(Values::default(), terms)
            .with(":job", text(job.to_string()))
            .with(":token", number(token.get()))
            .with(":prio", text(priority.as_str()))
            .with(":lapsed", timestamp(terms.lapsed_at()))
            .with(":P", text(Stage::Pending.mark()))
    }

    /// Claims a key that was never used, or whose former jobs are over in every respect.
    fn claim_free(
        &self,
        key: &Key,
        fresh: &JobId,
        priority: Priority,
        terms: &ReadContext,
    ) -> Update {
        let owner = (fresh, FencingToken::first(terms.now));
        Update {
            key: item_key(key),
            change: format!("{NEW_JOB}, #ends = :none REMOVE #kept"),
            condition: format!(
                "attribute_not_exists(#PK) OR ((#st <> :P OR #until <= :lapsed) \
                 AND (attribute_not_exists(#kept) OR #kept <= :now) AND {NEWER})"
            ),
            values: self
                .new_job(owner, priority, terms)
                .with(":none", AttributeValue::M(HashMap::new())),
        }
    }

    /// Claims a key whose job is over, but not for all who joined it, whose ends stay, or whose token is not in
    /// the past.
    fn replace(
        &self,
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
        let owner = (fresh, former.next_token(terms));
        Update {
            key: item_key(key),
            change,
            condition: format!("#job = :former AND (#st <> :P OR #until <= :lapsed) AND {NEWER}"),
            values: self
                .new_job(owner, priority, terms)
                .with(":former", text(&*former.id)),
        }
    }

    /// Joins a job in progress, unless it has changed. Raises its priority, and shortens a lease that reaches further
    /// than any can: the clock was set back, and the owner may be gone.
    async fn join(
        &self,
        job: &Job,
        key: &Key,
        priority: Priority,
        terms: &ReadContext,
    ) -> Result<Option<JobId>> {
        let id: JobId = job.id.parse()?;
        let latest = terms.latest_until(job.lease.length);
        let until = job.lease.until.min(latest);
        if until == job.lease.until && priority <= job.priority {
            return Ok(Some(id));
        }
        let update = Update {
            key: item_key(key),
            change: "SET #prio = :prio, #until = :until".to_owned(),
            condition: format!("{STILL_OURS} AND #until = :seen"),
            values: still(&id)
                .with(":seen", timestamp(job.lease.until))
                .with(":until", timestamp(until))
                .with(":prio", text(priority.max(job.priority).as_str())),
        };
        Ok(self.requests.update(update).await?.ok().map(|_| id))
    }

    /// Renews the lease; the priority that joiners have raised the job to.
    pub(super) async fn renew(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        let update = Update {
            key: item_key(key),
            change: "SET #updated = :now, #until = :until, #lease = :lease, #TTL = :ttl".to_owned(),
            condition: STILL_OURS.to_owned(),
            values: self.leased(still(job), &self.terms()),
        };
        Ok(match self.requests.update(update).await? {
            Ok(item) => Heartbeat::Renewed(Job::read(item)?.priority),
            Err(_) => Heartbeat::Fenced,
        })
    }

    /// Ends the job; fenced if it is somebody else's by now.
    pub(super) async fn end(&self, key: &Key, job: &JobId, ending: &Ending) -> Result<EndOutcome> {
        let now = self.options.clock.now();
        let kept = now + self.options.result_retention;
        let garbage_at = time_to_live(garbage_at(now, self.options));
        if ending.is_long() {
            // First, so that nobody hears of an end that cannot be read.
            let ttl_name = &self.requests.table.options().names.time_to_live;
            let item = ending.item().with(ttl_name, garbage_at.clone());
            let result_key = apart(&end_name(job));
            let put = self
                .requests
                .replace(&result_key, item, Condition::default());
            drop(put.await?);
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
        let Err(found) = self.requests.update(update).await? else {
            return Ok(EndOutcome::Ended);
        };
        let found = found.map(Job::read).transpose()?;
        // An owner ends its job once: it ended by a request that was sent again after its answer was lost.
        let is_ours = found.is_some_and(|found| found.tells_of(job, ending));
        Ok(if is_ours {
            EndOutcome::Ended
        } else {
            EndOutcome::Fenced
        })
    }

    /// Lets go of the job; whether it was still the owner's.
    pub(super) async fn abandon(&self, key: &Key, job: &JobId) -> Result<bool> {
        // The item stays: it may tell of former jobs.
        let update = Update {
            key: item_key(key),
            change: "SET #st = :A".to_owned(),
            condition: STILL_OURS.to_owned(),
            values: still(job).with(":A", text(Stage::Abandoned.mark())),
        };
        Ok(self.requests.update(update).await?.is_ok())
    }

    /// How these jobs ended, whose ends are in items of their own. One that was removed meanwhile is not
    /// shared.
    pub(super) async fn read_apart(&self, jobs: &[JobId]) -> Result<Vec<JobOutcome>> {
        let item_keys: Vec<_> = jobs.iter().map(|job| apart(&end_name(job))).collect();
        let mut items = self.requests.batch_get(&item_keys).await?;
        let outcomes = item_keys.iter().map(|place| match items.remove(place) {
            Some(item) => Ok(Ending::read(item)?.outcome()),
            None => Ok(JobOutcome::NotShared),
        });
        outcomes.collect()
    }

    /// How the key's job stands.
    pub(super) async fn read(&self, key: &Key) -> Result<Option<Job>> {
        let item = self.requests.get(&item_key(key)).await?;
        item.map(Job::read).transpose()
    }

    /// `:now`, and the lease that begins now.
    fn leased(&self, values: Values, terms: &ReadContext) -> Values {
        let lease = self.options.lease;
        let until = terms.now + lease;
        let millis = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        values
            .with(":now", timestamp(terms.now))
            .with(":until", timestamp(until))
            .with(":lease", number(millis))
            .with(":ttl", time_to_live(garbage_at(until, self.options)))
    }
}

fn still(job: &JobId) -> Values {
    Values::default()
        .with(":job", text(job.to_string()))
        .with(":P", text(Stage::Pending.mark()))
}
