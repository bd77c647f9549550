//! Removing: what moves the epoch, and what is then taken away.

use store_core::{Key, Removal, Result, Selection, Tag};

use super::call::Call;
use super::epoch::{Advance, Epoch, Invalidations, Subject, first};
use super::head::{Head, PREFIX, WITHOUT_VALUE, head_key, tombstone};
use crate::error::Failure;
use crate::item::{Item, ItemKey, number, text};
use crate::shards::partitions;
use crate::table::{Query, Sorted, Values};

impl Call<'_> {
    /// Removes one value. The tombstone replaces what began before the epoch was moved; what began after
    /// that is newer than this removal, and stays.
    pub(super) async fn delete(&self, key: &Key) -> Result<Removal> {
        let epoch = self.advance(&Advance::of(&[])).await?;
        let (removed_at, id) = (epoch.count()?, self.fresh_id());
        let item = tombstone(removed_at, &id, self.names(), self.now);
        // The same write may be sent twice.
        let condition = "attribute_not_exists(#e) OR #e < :e OR #id = :id".to_owned();
        let values = Values::default()
            .with(":e", number(removed_at))
            .with(":id", text(&id));
        let former = match self
            .replace(&head_key(key), item, (condition, values))
            .await
        {
            Ok(Some(former)) => self.head(former)?,
            Ok(None) | Err(Failure::Refused(_)) => None,
            Err(other) => return Err(other.into_error(self.operation)),
        };
        let Some(former) = former else {
            return Ok(Removal::none());
        };
        if former.id == id {
            return Ok(Removal::uncounted());
        }
        let known = self.known_of(&epoch, &[&former]).await?;
        self.discard([&former]).await;
        let was_there = self.is_visible(&former, &known);
        Ok(Removal::exactly(u64::from(was_there)))
    }

    /// Hides every value that carries one of the tags.
    pub(super) async fn invalidate(&self, tags: &[Tag]) -> Result<Removal> {
        if tags.is_empty() {
            return Ok(Removal::none());
        }
        let mut subjects: Vec<Subject> = tags.iter().map(Subject::tag).collect();
        subjects.sort();
        subjects.dedup();
        let next = self.epoch().await?.count()? + 1;
        let marks = subjects.iter().map(|subject| self.mark(subject, next));
        self.together(marks.collect()).await?;
        self.advance(&Advance::of(&subjects)).await?;
        Ok(Removal::uncounted())
    }

    /// Hides the selected values at once, and then removes and counts them.
    pub(super) async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let before = self.epoch().await?;
        let next = before.count()? + 1;
        let (cleared_at, scope) = match selection {
            Selection::All => (self.advance(&Advance::of_everything()).await?.all()?, None),
            Selection::Scope(scope) => {
                let subject = Subject::Scope(scope.as_str().to_owned());
                let former = self.mark(&subject, next).await?;
                self.advance(&Advance::of(std::slice::from_ref(&subject)))
                    .await?;
                (next, Some((subject, former)))
            }
        };
        let sorted = match selection {
            Selection::All => Sorted::All,
            Selection::Scope(scope) => Sorted::Beginning(format!("{scope}:")),
        };
        let shards = partitions(PREFIX).into_iter().map(|partition| {
            let query = Query {
                partition,
                sorted: sorted.clone(),
                filter: Some("attribute_not_exists(#dead) AND #e < :e".to_owned()),
                values: Values::default().with(":e", number(cleared_at)),
                attributes: Some(WITHOUT_VALUE.to_owned()),
                ..Query::default()
            };
            self.clear_shard(query, &before, scope.as_ref(), cleared_at)
        });
        let removed = self.together(shards.collect()).await?;
        Ok(Removal::exactly(removed.into_iter().sum()))
    }

    /// Removes what the query finds, and counts what could be seen `before`.
    async fn clear_shard(
        &self,
        mut query: Query,
        before: &Epoch,
        scope: Option<&(Subject, u64)>,
        cleared_at: u64,
    ) -> Result<u64> {
        let mut removed = 0;
        loop {
            let page = self.table.query(self.operation, query.clone()).await?;
            let heads = page.items.into_iter().map(|item| self.head(item));
            let heads: Vec<Head> = heads.filter_map(Result::transpose).collect::<Result<_>>()?;
            let mut known = self
                .known_of(before, &heads.iter().collect::<Vec<_>>())
                .await?;
            if let Some((scope, former)) = scope {
                // Its own item tells of this clearing already.
                known.learn(scope.clone(), *former);
            }
            let work = heads.iter().map(|head| self.take_away(head, cleared_at));
            let gone = self.together_within(work.collect()).await?;
            let gone = heads.iter().zip(gone).filter(|(_, is_gone)| *is_gone);
            let visible = gone.filter(|(head, _)| self.is_visible(head, &known));
            removed += u64::try_from(visible.count()).unwrap_or(u64::MAX);
            // Whoever took a head away, this call or another, may not have come to its chunks: the
            // answer may have been lost.
            self.discard(&heads).await;
            let Some(start) = page.next else {
                return Ok(removed);
            };
            query.start = Some(start);
        }
    }

    /// Removes a cleared head, unless it was replaced meanwhile; whether it did.
    async fn take_away(&self, head: &Head, cleared_at: u64) -> Result<bool> {
        let condition = "#id = :id AND #e < :e".to_owned();
        let values = Values::default()
            .with(":id", text(&head.id))
            .with(":e", number(cleared_at));
        match self.remove(&head_key(&head.key), (condition, values)).await {
            Ok(was) => Ok(was.is_some()),
            Err(Failure::Refused(_)) => Ok(false),
            Err(other) => Err(other.into_error(self.operation)),
        }
    }

    fn is_visible(&self, head: &Head, known: &Invalidations) -> bool {
        head.is_live(self.now) && known.newest_after(head.epoch, &head.subjects).is_none()
    }

    /// Counts one more invalidation; its effect is there when this returns.
    async fn advance(&self, advance: &Advance) -> Result<Epoch> {
        let into_error = |failure: Failure| failure.into_error(self.operation);
        if advance.needs_item() {
            self.update(first()).await.map_err(into_error)?;
        }
        let item = self.update(advance.update()).await.map_err(into_error)?;
        Ok(Epoch::of(Some(item)))
    }

    /// Notes that the subject is invalidated at `epoch`, which takes effect when its slot moves; returns
    /// when it was before. A later invalidation that is under way too stands.
    async fn mark(&self, subject: &Subject, epoch: u64) -> Result<u64> {
        let key: ItemKey = subject.item_key();
        let item = Item::default().with("e", number(epoch));
        let condition = "attribute_not_exists(#e) OR #e < :e".to_owned();
        let values = Values::default().with(":e", number(epoch));
        match self.replace(&key, item, (condition, values)).await {
            Ok(Some(former)) | Err(Failure::Refused(Some(former))) => former.count("e"),
            Ok(None) | Err(Failure::Refused(None)) => Ok(0),
            Err(other) => Err(other.into_error(self.operation)),
        }
    }
}
