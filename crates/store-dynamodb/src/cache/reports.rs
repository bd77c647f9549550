//! Listing and counting: queries of the sixteen partitions, without values. DynamoDB bills them by the
//! items' whole length all the same.

use store_core::{CacheStats, EntryInfo, Page, PageRequest, Result};

use super::call::Call;
use super::epoch::Epoch;
use super::head::{Head, PREFIX, WITHOUT_VALUE};
use crate::item::timestamp;
use crate::shards::{Merged, partitions};
use crate::table::{Query, Sorted, Values};

impl Call<'_> {
    pub(super) async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        let epoch = self.epoch().await?;
        let after = page.after.clone().filter(|name| !name.is_empty());
        let query = Query {
            sorted: after.map_or(Sorted::All, Sorted::After),
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
        let mut heads = Merged::new(self.table, self.operation, PREFIX, &query);
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
            items.extend(visible.iter().map(|head| {
                let size_bytes = head.body.as_ref().map_or(0, |body| body.size);
                head.info(size_bytes)
            }));
        }
        Ok(Page::truncated(items, page.limit, |info| {
            info.key.as_str().to_owned()
        }))
    }

    pub(super) async fn stats(&self) -> Result<CacheStats> {
        let epoch = self.epoch().await?;
        let shards = partitions(PREFIX).into_iter();
        let shards = shards.map(|partition| self.stats_of(partition, &epoch));
        let shards = self.together(shards.collect()).await?;
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
            let page = self.table.query(self.operation, query.clone()).await?;
            let heads = page.items.into_iter().map(|item| self.head(item));
            let heads: Vec<Head> = heads.filter_map(Result::transpose).collect::<Result<_>>()?;
            for head in self.unhidden(epoch, heads).await? {
                stats.total_items += 1;
                stats.expired_items += u64::from(head.is_expired(self.now));
                stats.size_bytes += head.body.as_ref().map_or(0, |body| body.stored);
            }
            let Some(start) = page.next else {
                return Ok(stats);
            };
            query.start = Some(start);
        }
    }

    /// Those that no invalidation hides.
    async fn unhidden(&self, epoch: &Epoch, heads: Vec<Head>) -> Result<Vec<Head>> {
        let known = self
            .known_of(epoch, &heads.iter().collect::<Vec<_>>())
            .await?;
        let heads = heads.into_iter();
        let unhidden =
            heads.filter(|head| known.newest_after(head.epoch, &head.subjects).is_none());
        Ok(unhidden.collect())
    }
}
