//! Listing and counting: queries of the sixteen partitions, without values. DynamoDB bills them by the
//! items' whole length all the same.

use store_core::{CacheStats, EntryInfo, Page, PageRequest, Result};

use super::epoch::Epoch;
use super::head::{Head, PREFIX, WITHOUT_VALUE};
use super::session::Session;
use crate::item::timestamp;
use crate::shards::{Merged, partitions};
use crate::table::{Query, Sorted, Values};

impl Session<'_> {
    pub(super) async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        let epoch = self.epoch().await?;
        let query = Query {
            sorted: Sorted::from_page(page),
            filter: Some(
                "attribute_not_exists(#dead) AND (attribute_not_exists(#exp) OR #exp > :now)"
                    .to_owned(),
            ),
            values: Values::default().with(":now", timestamp(self.now)),
            attributes: Some(WITHOUT_VALUE.to_owned()),
            // Names spread evenly over the partitions, so a page needs few of each.
            limit: Some((page.limit / 8).clamp(8, 1_000)),
            ..Query::default()
        };
        let mut heads = Merged::new(self.requests, PREFIX, &query);
        let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        // One more than fits tells whether there is a next page.
        while items.len() <= most {
            let mut some = Vec::new();
            while some.len() <= most - items.len()
                && let Some((name, item)) = heads.next().await?
            {
                some.extend(Head::read(item, &name, self.names())?);
            }
            if some.is_empty() {
                break;
            }
            let visible = self.unhidden(&epoch, some).await?;
            items.extend(visible.iter().map(Head::info));
        }
        Ok(Page::truncated(items, page.limit, |info| {
            info.key.as_str().to_owned()
        }))
    }

    pub(super) async fn stats(&self) -> Result<CacheStats> {
        let epoch = self.epoch().await?;
        let shards = partitions(PREFIX).into_iter();
        let shards = shards.map(|partition| self.stats_of(partition, &epoch));
        let shards = self.together(shards).await?;
        let sum = |count: fn(&CacheStats) -> u64| shards.iter().map(count).sum();
        Ok(CacheStats::new(
            sum(|shard| shard.total_items),
            sum(|shard| shard.expired_items),
            sum(|shard| shard.size_bytes),
        ))
    }

    async fn stats_of(&self, partition: String, epoch: &Epoch) -> Result<CacheStats> {
        let mut query = Query {
            partition,
            filter: Some("attribute_not_exists(#dead)".to_owned()),
            attributes: Some(WITHOUT_VALUE.to_owned()),
            ..Query::default()
        };
        let mut stats = CacheStats::default();
        loop {
            let (heads, next) = self.heads_of(query.clone()).await?;
            for head in self.unhidden(epoch, heads).await? {
                stats.total_items += 1;
                stats.expired_items += u64::from(head.is_expired(self.now));
                stats.size_bytes += head.body.as_ref().map_or(0, |body| body.size);
            }
            if next.is_none() {
                return Ok(stats);
            }
            query.start = next;
        }
    }

    /// Those that no invalidation hides.
    async fn unhidden(&self, epoch: &Epoch, mut heads: Vec<Head>) -> Result<Vec<Head>> {
        let known = self.known_of(epoch, &heads).await?;
        heads.retain(|head| known.hidden_at(head).is_none());
        Ok(heads)
    }
}
