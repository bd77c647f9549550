//! The reads, fills and invalidations of a task.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use store_core::{CacheStore, Key, Lookup, NewEntry, Scope, Selection, SetOutcome, Tag, Ttl};

use crate::error::Error;
use crate::load::context::Context;
use crate::load::events::{CacheEvent as Event, Entry, Role};
use crate::load::rng::Rng;

use super::origin::Origin;
use super::value::{decode, encode};

/// Keys that all processes fill, read and invalidate.
const KEYS: usize = 24;
const SCOPES: usize = 2;
const TAGS: usize = 3;
/// Keys of one task's own.
const OWN_KEYS: usize = 30;

/// How long a fill takes at most, between its token and its value.
const FILL: Duration = Duration::from_millis(6);
const PAUSE: Duration = Duration::from_millis(3);

/// One task's view of the cache.
struct Reader<'a> {
    context: &'a Context,
    cache: Arc<dyn CacheStore>,
    origin: Origin,
    rng: Rng,
}

/// Works until the time is over; `name` is no other task's, in no process.
pub(crate) async fn run(
    context: &Context,
    cache: Arc<dyn CacheStore>,
    origin: Origin,
    rng: Rng,
    name: &str,
) -> Result<(), Error> {
    let reader = Reader {
        context,
        cache,
        origin,
        rng,
    };
    let mut own = HashMap::new();
    let mut value = 0;
    while context.is_running() {
        let step = reader.step(&mut own, &mut value, name);
        context.step(Role::Cache, &reader.rng, step).await?;
        context.pause(reader.rng.up_to(PAUSE)).await;
    }
    Ok(())
}

fn scope(key: usize) -> String {
    format!("shared{}", key % SCOPES)
}

fn tag(key: usize) -> String {
    format!("tag{}", key % TAGS)
}

fn name(key: usize) -> store_core::Result<Key> {
    Key::new(format!("{}:{key}", scope(key)))
}

impl Reader<'_> {
    async fn step(
        &self,
        own: &mut HashMap<String, Key>,
        value: &mut u64,
        name: &str,
    ) -> Result<(), Error> {
        match self.rng.below(100) {
            0..45 => self.read(self.rng.below(KEYS)).await,
            45..55 => self.refresh(self.rng.below(KEYS)).await,
            55..70 => self.change().await,
            _ => {
                *value += 1;
                let key = format!("kept:{name}-{}", self.rng.below(OWN_KEYS));
                self.keep(own, key, *value).await
            }
        }
    }

    async fn read(&self, key: usize) -> Result<(), Error> {
        let floor = self.origin.floor(key).await?;
        match self.cache.get(&name(key)?).await? {
            Lookup::Hit(entry) => self.context.log(&Entry::Cache(Event::Hit {
                key,
                version: decode(&entry.value),
                floor,
            })),
            Lookup::Miss(token) => self.fill(key, token).await,
        }
    }

    async fn refresh(&self, key: usize) -> Result<(), Error> {
        let token = self.cache.fill_token().await?;
        self.fill(key, token).await
    }

    async fn fill(&self, key: usize, token: store_core::FillToken) -> Result<(), Error> {
        let version = self.origin.version(key).await?;
        self.context.pause(self.rng.up_to(FILL)).await;
        let ttl = if self.rng.chance(20) {
            Ttl::After(Duration::from_millis(30))
        } else {
            Ttl::Never
        };
        let entry = NewEntry::unconditional(name(key)?, encode(version))
            .with_tags([Tag::new(tag(key))?])
            .with_ttl(ttl)
            .with_token(token);
        match self.cache.set(entry).await? {
            SetOutcome::Stored => Ok(()),
            SetOutcome::Outdated => self.context.log(&Entry::Cache(Event::Outdated)),
        }
    }

    /// Changes some values at the origin and invalidates them in one of the three ways.
    async fn change(&self) -> Result<(), Error> {
        let key = self.rng.below(KEYS);
        match self.rng.below(10) {
            0 => {
                let keys = (0..KEYS).filter(|other| scope(*other) == scope(key));
                let versions = self.origin.change(keys.collect()).await?;
                let selection = Selection::Scope(Scope::new(scope(key))?);
                self.cache.clear(&selection).await?;
                self.origin.confirm(versions).await
            }
            1 | 2 => {
                let keys = (0..KEYS).filter(|other| tag(*other) == tag(key));
                let versions = self.origin.change(keys.collect()).await?;
                self.cache.invalidate_tags(&[Tag::new(tag(key))?]).await?;
                self.origin.confirm(versions).await
            }
            _ => {
                let versions = self.origin.change(vec![key]).await?;
                self.cache.delete(&name(key)?).await?;
                self.origin.confirm(versions).await
            }
        }
    }

    /// Reads a key of the task's own, if it was ever written, and writes or removes it.
    async fn keep(
        &self,
        own: &mut HashMap<String, Key>,
        text: String,
        value: u64,
    ) -> Result<(), Error> {
        if let Some(key) = own.get(&text) {
            let found = self.cache.get(key).await?.hit();
            self.context.log(&Entry::Cache(Event::Found {
                key: text.clone(),
                value: found.and_then(|entry| decode(&entry.value)),
            }))?;
        }
        let key = Key::new(&text)?;
        own.insert(text.clone(), key.clone());
        let value = (!self.rng.chance(15)).then_some(value);
        let will = Event::Will {
            key: text.clone(),
            value,
        };
        self.context.log(&Entry::Cache(will))?;
        match value {
            Some(value) => {
                self.cache
                    .set(NewEntry::unconditional(key, encode(value)))
                    .await?;
            }
            None => {
                self.cache.delete(&key).await?;
            }
        }
        self.context
            .log(&Entry::Cache(Event::Did { key: text, value }))
    }
}
