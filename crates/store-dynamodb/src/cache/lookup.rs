//! Lookups: the head and the epoch in one request, more only for what is cut into chunks or suspicious.

use std::collections::HashMap;

use store_core::{Entry, Key, Lookup, Result};

use super::call::Call;
use super::epoch::{Epoch, epoch_key};
use super::head::{Head, head_key};
use crate::item::ItemKey;

impl Call<'_> {
    pub(super) async fn look_up(&self, key: &Key) -> Result<Lookup> {
        let mut found = self.look_up_distinct(std::slice::from_ref(key)).await?;
        match found.remove(key) {
            Some(lookup) => Ok(lookup),
            None => Ok(Lookup::Miss(self.epoch().await?.token(self.now)?.into())),
        }
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
        let token = epoch.token(self.now)?;
        let live: Vec<&Head> = heads.iter().filter(|head| head.is_live(self.now)).collect();
        let known = self.known_of(&epoch, &live).await?;
        let visible = heads.into_iter().filter(|head| {
            let is_hidden = || known.newest_after(head.epoch, &head.subjects).is_some();
            head.is_live(self.now) && !is_hidden()
        });
        let values = visible.map(|head| self.load(head)).collect();

        found.extend(
            keys.iter()
                .map(|key| (key.clone(), Lookup::Miss(token.into()))),
        );
        let mut torn = Vec::new();
        for (key, entry) in self.together(values).await? {
            match entry {
                Some(entry) => {
                    found.insert(key, Lookup::Hit(entry));
                }
                None => torn.push(key),
            }
        }
        Ok(torn)
    }

    /// The epoch, and the heads of those keys that have one.
    pub(super) async fn heads(&self, keys: &[Key]) -> Result<(Epoch, Vec<Head>)> {
        let heads = keys.iter().map(head_key);
        let wanted: Vec<ItemKey> = [epoch_key()].into_iter().chain(heads).collect();
        let mut found = self.table.batch_get(self.operation, &wanted).await?;
        let epoch = Epoch::of(found.remove(&epoch_key()));
        let heads = found
            .into_iter()
            .map(|(key, item)| Head::read(item, &key.sort, self.names()));
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
            Some(body) => body.value(&id, self.table, self.operation).await?,
            None => None,
        };
        let entry = value.map(|value| Entry::new(value, created_at, expires_at));
        Ok((key, entry))
    }
}
