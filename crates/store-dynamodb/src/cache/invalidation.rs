//! Invalidations: the order of the writes by which values become hidden.
//!
//! 1. The authority's count is read: whatever began before has a token of at most that.
//! 2. The items of the subjects are marked with the next epoch.
//! 3. The authority counts, and moves the slots of the subjects.
//! 4. All other copies become what the authority was then, unless they are what it was later.
//!
//! Only then is it done: every copy hides what is to be hidden. If the writer dies before, the
//! invalidation was not acknowledged; some lookups see it and others do not, until the next one or a
//! cleanup brings the copies up to what the authority holds, of which nothing is lost.

use futures_util::future::try_join_all;
use store_core::{Removal, Result, Tag};

use super::epoch::{AUTHORITY, Advance, COPIES, Epoch, Subject, epoch_key};
use super::order::is_before;
use super::session::Session;
use crate::item::{Item, number};
use crate::table::Action;

/// More subjects than this are marked by transactions, at twice the price and a hundredth of the requests.
const FEW_SUBJECTS: usize = 32;
const MOST_ACTIONS: usize = 100;

impl Session<'_> {
    /// Hides every value that carries one of the tags.
    pub(super) async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        if tags.is_empty() {
            return Ok(Removal::none());
        }
        let mut subjects: Vec<Subject> = tags.iter().map(Subject::tag).collect();
        subjects.sort();
        subjects.dedup();
        let next = self.authority().await?.count()? + 1;
        if subjects.len() <= FEW_SUBJECTS {
            self.mark_each(&subjects, next).await?;
        } else {
            let parts = subjects.chunks(MOST_ACTIONS);
            self.together(parts.map(|part| self.mark_together(part, next)))
                .await?;
        }
        let epoch = self.count(&Advance::of(&subjects)).await?;
        self.publish(&epoch).await?;
        Ok(Removal::uncounted())
    }

    /// Counts one more invalidation in the authority; it takes effect once it is [published].
    ///
    /// [published]: Self::publish
    pub(super) async fn count(&self, advance: &Advance) -> Result<Epoch> {
        // Without a condition nothing refuses it.
        let counted = self.requests.update(advance.update()).await?;
        Ok(Epoch::of(counted.ok()))
    }

    /// Shows what the authority holds in all other copies.
    pub(super) async fn publish(&self, epoch: &Epoch) -> Result<()> {
        let copies = AUTHORITY + 1..COPIES;
        try_join_all(copies.map(|copy| self.publish_to(copy, epoch))).await?;
        Ok(())
    }

    async fn publish_to(&self, copy: u8, epoch: &Epoch) -> Result<()> {
        let (key, condition) = (epoch_key(copy), is_before(epoch.count()?));
        let shown = self.requests.replace(&key, epoch.item(), condition);
        // What refuses it is of later, and shows this invalidation too.
        shown.await.map(drop)
    }

    /// Completes invalidations whose writers died, and returns the authority.
    pub(super) async fn republish(&self) -> Result<Epoch> {
        let keys: Vec<_> = (AUTHORITY..COPIES).map(epoch_key).collect();
        let mut found = self.requests.batch_get(&keys).await?;
        let mut copies = keys.iter().map(|key| Epoch::of(found.remove(key)));
        let authority = copies.next().unwrap_or_default();
        for (copy, shown) in (AUTHORITY + 1..).zip(copies) {
            if shown.count()? < authority.count()? {
                self.publish_to(copy, &authority).await?;
            }
        }
        Ok(authority)
    }

    async fn mark_each(&self, subjects: &[Subject], epoch: u64) -> Result<()> {
        self.together(subjects.iter().map(|subject| self.mark(subject, epoch)))
            .await?;
        Ok(())
    }

    /// [`mark`](Self::mark) for at most a hundred subjects in one request, if nobody else marks them.
    async fn mark_together(&self, subjects: &[Subject], epoch: u64) -> Result<()> {
        let condition = is_before(epoch);
        let actions = subjects
            .iter()
            .map(|subject| Action::Put(subject.item_key(), mark_item(epoch), condition.clone()));
        if self.requests.transact(actions.collect()).await? {
            return Ok(());
        }
        self.mark_each(subjects, epoch).await
    }

    /// Notes that the subject is invalidated at `epoch`, which takes effect when its slot moves; returns
    /// when it was before. A later invalidation that is under way too stands.
    pub(super) async fn mark(&self, subject: &Subject, epoch: u64) -> Result<u64> {
        let key = subject.item_key();
        let condition = is_before(epoch);
        let marked = self.requests.replace(&key, mark_item(epoch), condition);
        let (Ok(former) | Err(former)) = marked.await?;
        former.map_or(Ok(0), |former| former.count("e"))
    }
}

fn mark_item(epoch: u64) -> Item {
    Item::default().with("e", number(epoch))
}
