//! The cache: reads from the copies first, writes to the outer store, whose copies they then drop.

use async_trait::async_trait;

use super::Tiered;
use super::copies::Found;
use crate::cache::{
    CacheStats, CacheStore, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::error::Result;
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: CacheStore, O: CacheStore> CacheStore for Tiered<I, O> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let tiers = &*self.tiers;
        let began = tiers.clock.monotonic();
        match tiers.copy(key, began).await {
            Found::Copy(entry) => Ok(Lookup::Hit(entry)),
            Found::Missing(promotion) => Box::pin(tiers.look_up(key, promotion)).await,
        }
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let tiers = &*self.tiers;
        let began = tiers.clock.monotonic();
        let found = tiers.copies(keys, began).await;
        let is_missing = |found: &Found| matches!(found, Found::Missing(_));
        let missing = keys.iter().zip(&found);
        let missing: Vec<Key> = missing
            .filter(|(_, found)| is_missing(found))
            .map(|(key, _)| key.clone())
            .collect();
        let mut looked_up = Vec::new();
        // A closed store refuses an empty list, too.
        if !missing.is_empty() || keys.is_empty() {
            looked_up = tiers.outer.get_many(&missing).await?;
        }
        let mut looked_up = looked_up.into_iter();
        let mut lookups = Vec::with_capacity(keys.len());
        for (key, found) in keys.iter().zip(found) {
            match found {
                Found::Copy(entry) => lookups.push(Lookup::Hit(entry)),
                Found::Missing(promotion) => {
                    let Some(lookup) = looked_up.next() else {
                        continue;
                    };
                    tiers.promote(key, &lookup, promotion).await;
                    lookups.push(lookup);
                }
            }
        }
        Ok(lookups)
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let tiers = &*self.tiers;
        let keys = [entry.key.clone()];
        let write = tiers.copies.validity().writing(&keys);
        let outcome = tiers.outer.set(entry).await;
        tiers.copies.drop_each(&keys).await;
        write.complete();
        outcome
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let tiers = &*self.tiers;
        let keys: Vec<Key> = entries.iter().map(|entry| entry.key.clone()).collect();
        let write = tiers.copies.validity().writing(&keys);
        let outcomes = tiers.outer.set_many(entries).await;
        tiers.copies.drop_each(&keys).await;
        write.complete();
        outcomes
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.tiers.outer.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        let tiers = &*self.tiers;
        let keys = std::slice::from_ref(key);
        let write = tiers.copies.validity().writing(keys);
        let removal = tiers.outer.delete(key).await;
        tiers.copies.drop_each(keys).await;
        write.complete();
        removal
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let tiers = &*self.tiers;
        let write = tiers.copies.validity().writing_any();
        let removal = tiers.outer.clear(selection).await;
        tiers.copies.drop_selected(selection).await;
        write.complete();
        removal
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        let tiers = &*self.tiers;
        if tags.is_empty() {
            return tiers.outer.invalidate_tags(tags).await;
        }
        let write = tiers.copies.validity().writing_any();
        let removal = tiers.outer.invalidate_tags(tags).await;
        let has_dropped = match &tiers.follower {
            Some(follower) => follower.catch_up(&tiers.copies).await,
            None => false,
        };
        if !has_dropped {
            tiers.copies.drop_selected(&Selection::All).await;
        }
        write.complete();
        removal
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.tiers.outer.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.tiers.outer.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.tiers.copies.clean_up().await;
        self.tiers.outer.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.tiers.copies.close().await;
        self.tiers.outer.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.tiers.outer.stored_key(key)
    }
}
