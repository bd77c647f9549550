//! Lookups: the head and a copy of the epoch in one request, more only for what is cut into chunks or
//! suspicious.

use std::collections::HashMap;

use store_core::backend::FillMark;
use store_core::{Entry, Key, Lookup, Result};

use super::epoch::Epoch;
use super::head::{Head, head_key};
use super::session::Session;
use crate::item::ItemKey;

impl Session<'_> {
    pub(super) async fn look_up(&self, key: &Key) -> Result<Lookup> {
        let mut found = self.look_up_distinct(std::slice::from_ref(key)).await?;
        Ok(found.remove(key).unwrap_or_else(|| self.miss(0)))
    }

    pub(super) async fn look_up_all(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut distinct = keys.to_vec();
        distinct.sort();
        distinct.dedup();
        let found = self.look_up_distinct(&distinct).await?;
        Ok(keys
            .iter()
            .filter_map(|key| found.get(key).cloned())
            .collect())
    }

    async fn look_up_distinct(&self, keys: &[Key]) -> Result<HashMap<Key, Lookup>> {
        let mut found = HashMap::with_capacity(keys.len());
        let torn = self.look_up_once(keys, &mut found).await?;
        if !torn.is_empty() {
            // Replaced between head and chunks, perhaps; then the new head's are there.
            self.look_up_once(&torn, &mut found).await?;
        }
        Ok(found)
    }

    /// Adds what was found of each key; returns those of which chunks are missing.
    async fn look_up_once(
        &self,
        keys: &[Key],
        found: &mut HashMap<Key, Lookup>,
    ) -> Result<Vec<Key>> {
        let (epoch, heads) = self.heads(keys).await?;
        let count = epoch.count()?;
        found.extend(keys.iter().map(|key| (key.clone(), self.miss(count))));
        // The copy may be behind the head: a fill that begins now is later than that head all the same.
        let later = heads.iter().filter(|head| head.epoch > count);
        found.extend(later.map(|head| (head.key.clone(), self.miss(head.epoch))));

        let live = |head: &&Head| head.is_live(self.now);
        let known = self.known_of(&epoch, heads.iter().filter(live)).await?;
        let visible = heads
            .into_iter()
            .filter(|head| live(&head) && known.hidden_at(head).is_none());
        let mut torn = Vec::new();
        for (key, entry) in self.together(visible.map(|head| self.load(head))).await? {
            match entry {
                Some(entry) => {
                    found.insert(key, Lookup::Hit(entry));
                }
                None => torn.push(key),
            }
        }
        Ok(torn)
    }

    fn miss(&self, epoch: u64) -> Lookup {
        let began_at = self.now;
        Lookup::Miss(FillMark { epoch, began_at }.into())
    }

    /// A copy of the epoch, and the heads of those keys that have one.
    pub(super) async fn heads(&self, keys: &[Key]) -> Result<(Epoch, Vec<Head>)> {
        let copy = self.any_copy();
        let heads = keys.iter().map(head_key);
        let wanted: Vec<ItemKey> = [copy.clone()].into_iter().chain(heads).collect();
        let mut found = self.requests.batch_get(&wanted).await?;
        let epoch = Epoch::of(found.remove(&copy));
        let heads = found.into_values().map(|item| self.head(item));
        let heads: Result<Vec<_>> = heads.filter_map(Result::transpose).collect();
        Ok((epoch, heads?))
    }

    async fn load(&self, head: Head) -> Result<(Key, Option<Entry>)> {
        let Head {
            key,
            body,
            id,
            created_at,
            expires_at,
            ..
        } = head;
        let value = match body {
            Some(body) => body.value(&id, self.requests).await?,
            None => None,
        };
        let entry = value.map(|value| Entry::new(value, created_at, expires_at));
        Ok((key, entry))
    }
}
