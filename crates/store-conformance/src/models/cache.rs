//! Compares a cache with its model.

mod model;
mod step;

use std::sync::Arc;

use store_core::backend::FillMark;
use store_core::{
    CacheStats, CacheStore, Clock, DAY, EntryInfo, ErrorKind, Key, Lookup, ManualClock, NewEntry,
    PageRequest, Removal, Result, Scope, Selection, SetOutcome, Tag, Ttl,
};

use self::model::{ExpectedOutcome, Fill, Model};
use self::step::{KEYS, NewValue, SCOPES, Step, TAGS, step};
use super::runner::{Check, StateMachine, apply_all, check_eq, check_sequences, ensure, set_back};
use crate::noise::noise;
use crate::{Harness, Setup};

/// The longest value that the stores accept, in bytes.
const MAX_ENTRY_BYTES: usize = 64;

/// Checks random sequences of calls to a cache against the model.
pub fn cache<H: Harness>(harness: impl Fn() -> H) {
    check_sequences(harness, step(), async |harness, steps| {
        apply_all(CacheUnderTest::open(harness).await?, steps).await
    });
}

/// Two handles of one cache, and its model.
struct CacheUnderTest {
    handles: [Arc<dyn CacheStore>; 2],
    clock: ManualClock,
    model: Model,
    /// By how many bytes a listed size exceeds that of the value.
    overhead: u64,
    /// The fills that have begun.
    fills: Vec<Fill>,
    /// The number of values made, so that each is different.
    values: u32,
}

fn key(index: usize) -> Result<Key> {
    Key::new(KEYS[index])
}

fn tags(indices: &[usize]) -> Result<Vec<Tag>> {
    indices.iter().map(|index| Tag::new(TAGS[*index])).collect()
}

impl CacheUnderTest {
    async fn open(harness: &dyn Harness) -> Result<Self> {
        let setup = Setup::default().with_max_entry_bytes(MAX_ENTRY_BYTES);
        Ok(Self {
            handles: [harness.cache(&setup).await?, harness.cache(&setup).await?],
            clock: setup.clock,
            model: Model::default(),
            overhead: harness.stored_overhead_bytes(),
            fills: Vec::new(),
            values: 0,
        })
    }

    /// Compares a lookup with the model.
    fn check_lookup(&mut self, key: &Key, found: Lookup) -> Check {
        let now = self.clock.now();
        let expected = self.model.live(key, now).map(model::Stored::entry);
        if let Lookup::Miss(token) = &found {
            check_eq("the token's time", FillMark::from(*token).began_at, now)?;
            self.fills.push(self.model.begin_fill(*token));
        }
        check_eq(key.as_str(), found.hit(), expected)
    }

    /// The entry to store, and its fill.
    fn prepare(&mut self, value: &NewValue) -> Result<(NewEntry, Fill)> {
        self.values += 1;
        let entry = NewEntry::unconditional(key(value.key)?, format!("value {}", self.values))
            .with_ttl(value.ttl.map_or(Ttl::Never, Ttl::After))
            .with_tags(tags(&value.tags)?);
        let newest_first = value.fill.and_then(|nth| self.fills.iter().rev().nth(nth));
        Ok(match newest_first.copied() {
            Some(fill) => (entry.with_token(fill.token), fill),
            None => (entry, self.model.begin_fill_now(self.clock.now())),
        })
    }

    /// Compares the outcome with the model's, and applies it to the model.
    fn check_set(&mut self, entry: &NewEntry, fill: Fill, outcome: SetOutcome) -> Check {
        let now = self.clock.now();
        let expected_outcome = match entry.token {
            Some(_) => self
                .model
                .expected_outcome(&entry.key, &entry.tags, fill, now),
            None => ExpectedOutcome::Stored,
        };
        match outcome {
            SetOutcome::Stored => self.model.store(entry, fill, now),
            SetOutcome::Outdated => {
                let tags = entry.tags.iter().cloned().collect();
                self.model.hide(entry.key.clone(), tags);
            }
        }
        ensure(expected_outcome.allows(outcome), || {
            format!("{} is {outcome:?}, not {expected_outcome:?}", entry.key)
        })
    }

    async fn set_many(&mut self, handle: usize, values: &[NewValue]) -> Check {
        let prepared = values.iter().map(|value| self.prepare(value));
        let prepared = prepared.collect::<Result<Vec<_>>>()?;
        let entries = prepared.iter().map(|(entry, _)| entry.clone()).collect();
        let outcomes = self.handles[handle].set_many(entries).await?;
        check_eq("the number of outcomes", outcomes.len(), prepared.len())?;
        let mut outcomes = prepared.iter().zip(outcomes);
        outcomes.try_for_each(|((entry, fill), outcome)| self.check_set(entry, *fill, outcome))
    }

    async fn set_too_large(&mut self, handle: usize, index: usize) -> Check {
        let key = key(index)?;
        let huge = NewEntry::unconditional(key.clone(), noise(MAX_ENTRY_BYTES + 1));
        let refused = self.handles[handle].set(huge).await;
        let kind = refused.err().map(|error| error.kind());
        check_eq("the refusal", kind, Some(ErrorKind::TooLarge))?;
        self.model.set_too_large(&key);
        Ok(())
    }

    async fn list(&self, handle: usize, limit: u32) -> Check {
        let mut listed: Vec<EntryInfo> = Vec::new();
        let mut request = PageRequest::default().with_limit(limit);
        loop {
            let page = self.handles[handle].list(&request).await?;
            ensure(page.items.len() <= limit as usize, || {
                "a page is longer than asked for".to_owned()
            })?;
            listed.extend(page.items);
            match page.next {
                Some(next) if listed.len() <= KEYS.len() => request = request.with_after(next),
                _ => break,
            }
        }
        let mut expected = self.model.list(self.clock.now());
        for info in &mut expected {
            info.size_bytes += self.overhead;
        }
        check_eq("the list", listed, expected)
    }

    async fn stats(&self, handle: usize) -> Check<CacheStats> {
        let stats = self.handles[handle].stats().await?;
        let (live, expired) = self.model.counts(self.clock.now());
        let unexpired = stats.total_items.checked_sub(stats.expired_items);
        check_eq("the number of unexpired values", unexpired, Some(live))?;
        ensure(stats.expired_items <= expired, || {
            format!("{} expired values, not {expired}", stats.expired_items)
        })?;
        Ok(stats)
    }

    async fn clean_up(&mut self, handle: usize) -> Check {
        let before = self.stats(handle).await?;
        let freed = self.handles[handle].cleanup().await?;
        let hidden = freed.checked_sub(before.expired_items);
        let most = match hidden {
            Some(0) => 0,
            _ => self.max_hidden(handle).await?,
        };
        ensure(hidden.is_some_and(|hidden| hidden <= most), || {
            let expired = before.expired_items;
            format!("{freed} values are freed, not {expired} and at most {most} hidden ones")
        })?;
        self.model.hidden -= hidden.unwrap_or_default();
        let after = self.stats(handle).await?;
        check_eq("expired values after a cleanup", after.expired_items, 0)?;
        self.model.remove_expired(self.clock.now());
        Ok(())
    }

    /// The most values that may be hidden; 0 in a store that removes at once.
    async fn max_hidden(&mut self, handle: usize) -> Result<u64> {
        let unused = [Tag::new("unused")?];
        let removal = self.handles[handle].invalidate_tags(&unused).await?;
        self.model.invalidate(&unused, self.clock.now());
        let is_lazy = removal.count().is_none();
        Ok(if is_lazy { self.model.hidden } else { 0 })
    }

    /// Checks values that are unexpired again after the clock was set back. A store may have freed
    /// them before.
    async fn check_unexpired_again(&mut self) -> Check {
        for key in self.model.unexpired_again(self.clock.now()) {
            let found = self.handles[0].get(&key).await?;
            if matches!(found, Lookup::Miss(_)) {
                self.model.discard(&key);
            }
            self.check_lookup(&key, found)?;
        }
        Ok(())
    }
}

/// Checks the number of removed values, if the store counts them.
fn removed(removal: Removal, expected: u64) -> Check {
    match removal.count() {
        Some(count) => check_eq("the number of removed values", count, expected),
        None => Ok(()),
    }
}

impl StateMachine<Step> for CacheUnderTest {
    async fn apply(&mut self, step: &Step) -> Check {
        let now = self.clock.now();
        match step {
            Step::Get { handle, key: index } => {
                let key = key(*index)?;
                let found = self.handles[*handle].get(&key).await?;
                self.check_lookup(&key, found)
            }
            Step::GetMany { handle } => {
                let keys = (0..KEYS.len()).map(key).collect::<Result<Vec<_>>>()?;
                let found = self.handles[*handle].get_many(&keys).await?;
                check_eq("the number of answers", found.len(), keys.len())?;
                let mut answers = keys.iter().zip(found);
                answers.try_for_each(|(key, found)| self.check_lookup(key, found))
            }
            Step::BeginFill { handle } => {
                let token = self.handles[*handle].fill_token().await?;
                check_eq("the token's time", FillMark::from(token).began_at, now)?;
                self.fills.push(self.model.begin_fill(token));
                Ok(())
            }
            Step::Set { handle, value } => {
                let (entry, fill) = self.prepare(value)?;
                let outcome = self.handles[*handle].set(entry.clone()).await?;
                self.check_set(&entry, fill, outcome)
            }
            Step::SetMany { handle, values } => self.set_many(*handle, values).await,
            Step::SetTooLarge { handle, key } => self.set_too_large(*handle, *key).await,
            Step::Delete { handle, key: index } => {
                let key = key(*index)?;
                let removal = self.handles[*handle].delete(&key).await?;
                removed(removal, self.model.delete(&key, now))
            }
            Step::Clear { handle, scope } => {
                let selection = match scope {
                    Some(index) => Selection::Scope(Scope::new(SCOPES[*index])?),
                    None => Selection::All,
                };
                let removal = self.handles[*handle].clear(&selection).await?;
                removed(removal, self.model.clear(&selection, now))
            }
            Step::Invalidate { handle, tags: of } => {
                let tags = tags(of)?;
                let removal = self.handles[*handle].invalidate_tags(&tags).await?;
                removed(removal, self.model.invalidate(&tags, now))
            }
            Step::List { handle, limit } => self.list(*handle, *limit).await,
            Step::Stats { handle } => self.stats(*handle).await.map(drop),
            Step::CleanUp { handle } => self.clean_up(*handle).await,
            Step::Advance { by } => {
                self.clock.advance(*by);
                self.model.note_expired(self.clock.now());
                Ok(())
            }
            Step::AdvanceDay => {
                self.clock.advance(DAY);
                self.model.lose_history();
                self.model.note_expired(self.clock.now());
                Ok(())
            }
            Step::SetBack { millis } => {
                set_back(&self.clock, now, *millis);
                self.model.set_back();
                self.check_unexpired_again().await
            }
        }
    }
}
