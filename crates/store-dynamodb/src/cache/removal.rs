//! Removing single values, scopes, and everything.

use futures_util::future::try_join;
use store_core::{Key, Removal, Result, Selection};

use super::epoch::{Advance, Subject};
use super::head::{Head, PREFIX, WITHOUT_VALUE, head_key, tombstone};
use super::order::{is_before_or, is_still};
use super::session::Session;
use crate::item::number;
use crate::shards::partitions;
use crate::table::{Query, Sorted, Values};

/// The most items of each partition that a clearing removes itself. If there are more, what it has
/// hidden is freed by cleanups.
const MOST_OF_PARTITION: u32 = 64;

impl Session<'_> {
    /// Removes one value. The tombstone replaces what began before the epoch was moved; what began after
    /// that is newer than this removal, and stays.
    pub(super) async fn delete(&self, key: &Key) -> Result<Removal> {
        let epoch = self.count(&Advance::default()).await?;
        let (removed_at, id) = (epoch.count()?, self.fresh_id());
        let bury = async {
            let item = tombstone(removed_at, &id, self.names(), self.now);
            // The same write may be sent twice.
            let condition = is_before_or(removed_at, &id);
            let place = head_key(key);
            match self.requests.replace(&place, item, condition).await? {
                Ok(Some(former)) => self.head(former),
                Ok(None) | Err(_) => Ok(None),
            }
        };
        // Fills that begin from now on are later than the tombstone, whichever copy they see.
        let (former, ()) = try_join(bury, self.publish(&epoch)).await?;
        let Some(former) = former else {
            return Ok(Removal::none());
        };
        if former.id == id {
            return Ok(Removal::uncounted());
        }
        let known = self.known_of(&epoch, [&former]).await?;
        self.discard([&former]).await;
        let was_visible = former.is_live(self.now) && known.hidden_at(&former).is_none();
        Ok(Removal::exactly(u64::from(was_visible)))
    }

    /// Hides the selected values at once; then removes and counts them, if they are few.
    pub(super) async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let before = self.authority().await?;
        let (advance, scope) = match selection {
            Selection::All => (Advance::of_everything(), None),
            Selection::Scope(scope) => {
                let subject = Subject::Scope(scope.as_str().to_owned());
                let former = self.mark(&subject, before.count()? + 1).await?;
                (Advance::of([&subject]), Some((subject, former)))
            }
        };
        let epoch = self.count(&advance).await?;
        self.publish(&epoch).await?;
        let cleared_at = match selection {
            Selection::All => epoch.all()?,
            Selection::Scope(_) => before.count()? + 1,
        };
        let pages = partitions(PREFIX).into_iter().map(|partition| {
            self.heads_of(Query {
                partition,
                sorted: Sorted::from_selection(selection),
                filter: Some("attribute_not_exists(#dead) AND #e < :e".to_owned()),
                values: Values::default().with(":e", number(cleared_at)),
                attributes: Some(WITHOUT_VALUE.to_owned()),
                limit: Some(MOST_OF_PARTITION),
                ..Query::default()
            })
        });
        let (mut heads, mut are_few) = (Vec::new(), true);
        for (page, next) in self.together(pages).await? {
            heads.extend(page);
            are_few &= next.is_none();
        }
        if !are_few {
            return Ok(Removal::uncounted());
        }
        let mut known = self.known_of(&before, &heads).await?;
        if let Some((scope, former)) = scope {
            // Its own item tells of this clearing already.
            known.learn(scope, former);
        }
        let gone = heads.iter().map(|head| self.take_away(head));
        let gone = heads.iter().zip(self.together(gone).await?);
        let counted = gone.filter(|(head, is_gone)| {
            *is_gone && head.is_live(self.now) && known.hidden_at(head).is_none()
        });
        let counted = u64::try_from(counted.count()).unwrap_or(u64::MAX);
        // Whoever took a head away, this call or another, may not have come to its chunks: the answer may
        // have been lost.
        self.discard(&heads).await;
        Ok(Removal::exactly(counted))
    }

    /// Removes a head, unless it was replaced meanwhile; whether it did.
    async fn take_away(&self, head: &Head) -> Result<bool> {
        let (key, condition) = (head_key(&head.key), is_still(&head.id));
        let gone = self.requests.delete(&key, condition).await?;
        Ok(gone.is_ok_and(|was| was.is_some()))
    }
}
