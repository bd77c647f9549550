//! A cache against a map.

mod model;
mod step;

use std::sync::Arc;

use bytes::Bytes;
use store_core::{
    CacheStats, CacheStore, Clock, DAY, EntryInfo, ErrorKind, Key, Lookup, ManualClock, NewEntry,
    PageRequest, Removal, Result, Scope, Selection, SetOutcome, Tag, Ttl,
};

use self::model::{Fill, Model, Verdict};
use self::step::{KEYS, Put, SCOPES, Step, TAGS, step};
use super::{Agreement, Player, agree, ensure, play, same, set_back};
use crate::{Harness, Setup};

/// The longest value that fits.
const LONGEST: usize = 64;

/// Lets caches of fresh harnesses and the model answer the same calls.
pub fn cache<H: Harness>(harness: impl Fn() -> H) {
    agree(harness, step(), async |harness, steps| {
        play(Caches::open(harness).await?, steps).await
    });
}

/// Two handles of one cache, and what they should hold.
struct Caches {
    handles: [Arc<dyn CacheStore>; 2],
    clock: ManualClock,
    model: Model,
    /// The fills under way.
    fills: Vec<Fill>,
    /// How many values were made, so that no two are alike.
    values: u32,
}

fn key(index: usize) -> Result<Key> {
    Key::new(KEYS[index])
}

fn tags(indices: &[usize]) -> Result<Vec<Tag>> {
    indices.iter().map(|index| Tag::new(TAGS[*index])).collect()
}

impl Caches {
    async fn open(harness: &dyn Harness) -> Result<Self> {
        let setup = Setup::default().with_max_entry_bytes(LONGEST);
        Ok(Self {
            handles: [harness.cache(&setup).await?, harness.cache(&setup).await?],
            clock: setup.clock,
            model: Model::default(),
            fills: Vec::new(),
            values: 0,
        })
    }

    /// A lookup must find what the model holds, and nothing else.
    fn check(&mut self, key: &Key, found: Lookup) -> Agreement {
        let now = self.clock.now();
        let expected = self.model.live(key, now).map(model::Stored::entry);
        if let Lookup::Miss(token) = &found {
            same("the token's time", token.began_at, now)?;
            self.fills.push(self.model.begin(*token));
        }
        same(key.as_str(), found.hit(), expected)
    }

    /// What the store is to be told.
    fn prepare(&mut self, put: &Put) -> Result<(NewEntry, Fill)> {
        self.values += 1;
        let entry = NewEntry::new(key(put.key)?, format!("value {}", self.values))
            .with_ttl(put.ttl.map_or(Ttl::Never, Ttl::After))
            .with_tags(tags(&put.tags)?);
        let newest_first = put.fill.and_then(|nth| self.fills.iter().rev().nth(nth));
        Ok(match newest_first.copied() {
            Some(fill) => (entry.with_token(fill.token), fill),
            None => (entry, self.model.begin_now(self.clock.now())),
        })
    }

    /// What the store says to it must be right; then the model does the same.
    fn heed(&mut self, entry: &NewEntry, fill: Fill, outcome: SetOutcome) -> Agreement {
        let now = self.clock.now();
        let verdict = match entry.token {
            Some(_) => self.model.verdict(&entry.key, &entry.tags, fill, now),
            None => Verdict::Stored,
        };
        match outcome {
            SetOutcome::Stored => self.model.store(entry, fill, now),
            SetOutcome::Outdated => {
                let tags = entry.tags.iter().cloned().collect();
                self.model.hide(entry.key.clone(), tags);
            }
        }
        ensure(verdict.allows(outcome), || {
            format!("{} is {outcome:?}, not {verdict:?}", entry.key)
        })
    }

    async fn put_all(&mut self, handle: usize, puts: &[Put]) -> Agreement {
        let told = puts.iter().map(|put| self.prepare(put));
        let told = told.collect::<Result<Vec<_>>>()?;
        let entries = told.iter().map(|(entry, _)| entry.clone()).collect();
        let outcomes = self.handles[handle].set_many(entries).await?;
        same("the number of outcomes", outcomes.len(), told.len())?;
        let mut outcomes = told.iter().zip(outcomes);
        outcomes.try_for_each(|((entry, fill), outcome)| self.heed(entry, *fill, outcome))
    }

    async fn put_too_large(&mut self, handle: usize, index: usize) -> Agreement {
        let key = key(index)?;
        let huge = NewEntry::new(key.clone(), Bytes::from(vec![0; LONGEST + 1]));
        let refused = self.handles[handle].set(huge).await;
        let kind = refused.err().map(|error| error.kind());
        same("the refusal", kind, Some(ErrorKind::TooLarge))?;
        self.model.drop_too_large(&key);
        Ok(())
    }

    async fn list(&self, handle: usize, limit: u32) -> Agreement {
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
        same("the list", listed, self.model.list(self.clock.now()))
    }

    async fn stats(&self, handle: usize) -> Agreement<CacheStats> {
        let stats = self.handles[handle].stats().await?;
        let (live, expired) = self.model.counts(self.clock.now());
        let unexpired = stats.total_items.checked_sub(stats.expired_items);
        same("the number of unexpired values", unexpired, Some(live))?;
        ensure(stats.expired_items <= expired, || {
            format!("{} expired values, not {expired}", stats.expired_items)
        })?;
        Ok(stats)
    }

    async fn clean_up(&mut self, handle: usize) -> Agreement {
        let before = self.stats(handle).await?;
        let freed = self.handles[handle].cleanup().await?;
        let surplus = freed.checked_sub(before.expired_items);
        let most = match surplus {
            Some(0) => 0,
            _ => self.most_hidden(handle).await?,
        };
        ensure(surplus.is_some_and(|surplus| surplus <= most), || {
            let expired = before.expired_items;
            format!("{freed} values are freed, not {expired} and at most {most} hidden ones")
        })?;
        self.model.hidden -= surplus.unwrap_or_default();
        let after = self.stats(handle).await?;
        same("what is left of the expired", after.expired_items, 0)?;
        self.model.forget_expired(self.clock.now());
        Ok(())
    }

    /// How many values there may be that are hidden: none in a store that looks for what it removes.
    async fn most_hidden(&mut self, handle: usize) -> Result<u64> {
        let nobodys = [Tag::new("nobody's")?];
        let removal = self.handles[handle].invalidate_tags(&nobodys).await?;
        self.model.invalidate(&nobodys, self.clock.now());
        let is_lazy = removal.count().is_none();
        Ok(if is_lazy { self.model.hidden } else { 0 })
    }

    /// Expired values come back if the clock is set back before they were swept. When they are
    /// swept is the store's business.
    async fn look_for_the_revived(&mut self) -> Agreement {
        for key in self.model.revived(self.clock.now()) {
            let found = self.handles[0].get(&key).await?;
            if matches!(found, Lookup::Miss(_)) {
                self.model.forget(&key);
            }
            self.check(&key, found)?;
        }
        Ok(())
    }
}

/// How many unexpired values went, where the store knows it.
fn removed(removal: Removal, expected: u64) -> Agreement {
    match removal.count() {
        Some(count) => same("the number of removed values", count, expected),
        None => Ok(()),
    }
}

impl Player<Step> for Caches {
    async fn take(&mut self, step: &Step) -> Agreement {
        let now = self.clock.now();
        match step {
            Step::Get { handle, key: index } => {
                let key = key(*index)?;
                let found = self.handles[*handle].get(&key).await?;
                self.check(&key, found)
            }
            Step::GetAll { handle } => {
                let keys = (0..KEYS.len()).map(key).collect::<Result<Vec<_>>>()?;
                let found = self.handles[*handle].get_many(&keys).await?;
                same("the number of answers", found.len(), keys.len())?;
                let mut answers = keys.iter().zip(found);
                answers.try_for_each(|(key, found)| self.check(key, found))
            }
            Step::Begin { handle } => {
                let token = self.handles[*handle].fill_token().await?;
                same("the token's time", token.began_at, now)?;
                self.fills.push(self.model.begin(token));
                Ok(())
            }
            Step::Put { handle, put } => {
                let (entry, fill) = self.prepare(put)?;
                let outcome = self.handles[*handle].set(entry.clone()).await?;
                self.heed(&entry, fill, outcome)
            }
            Step::PutAll { handle, puts } => self.put_all(*handle, puts).await,
            Step::PutTooLarge { handle, key } => self.put_too_large(*handle, *key).await,
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
                self.model.watch(self.clock.now());
                Ok(())
            }
            Step::Leap => {
                self.clock.advance(DAY);
                self.model.leap();
                self.model.watch(self.clock.now());
                Ok(())
            }
            Step::SetBack { millis } => {
                set_back(&self.clock, now, *millis);
                self.model.set_back();
                self.look_for_the_revived().await
            }
        }
    }
}
