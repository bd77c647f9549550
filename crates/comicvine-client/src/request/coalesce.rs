//! Coalescing: requests for single rows of one kind that come within a window share one call.
//!
//! A batch is open from its first request to the end of the window. Its requests share one future, so
//! each of them drives it, and it goes on until the last of them is dropped.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};

use super::many::{RowsById, rows_by_id};
use crate::error::Result;
use crate::fetch::RequestOptions;
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::model::RawJson;
use crate::query::MAX_VALUES;
use crate::response::Response;

/// The rows of a batch, to all of its requests.
type Answer = BoxFuture<'static, Result<Arc<RowsById>>>;

/// The open batches of a client.
#[derive(Debug)]
pub(crate) struct Coalescer {
    /// How long a batch waits for further requests; zero for no batches.
    window: Duration,
    open: Mutex<Batches>,
}

#[derive(Debug, Default)]
struct Batches {
    open: Vec<Batch>,
    /// The number of the next batch.
    next: u64,
}

#[derive(Debug)]
struct Batch {
    number: u64,
    kind: ResourceKind,
    options: RequestOptions,
    ids: BTreeSet<Id>,
    /// Weak, because the future holds the client.
    answer: WeakShared<Answer>,
}

impl Batch {
    /// The answer, if the batch takes this request and any of its own is still waited for.
    fn accept(
        &mut self,
        kind: ResourceKind,
        id: Id,
        options: RequestOptions,
    ) -> Option<Shared<Answer>> {
        let has_room = self.ids.len() < MAX_VALUES || self.ids.contains(&id);
        if self.kind != kind || self.options != options || !has_room {
            return None;
        }
        let answer = self.answer.upgrade()?;
        self.ids.insert(id);
        Some(answer)
    }
}

impl Coalescer {
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window,
            open: Mutex::default(),
        }
    }

    fn batches(&self) -> MutexGuard<'_, Batches> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes a batch and returns its ids.
    fn close(&self, number: u64) -> Vec<Id> {
        let open = &mut self.batches().open;
        let batch = open.extract_if(.., |batch| batch.number == number).next();
        batch.map_or_else(Vec::new, |batch| batch.ids.into_iter().collect())
    }
}

impl Inner {
    /// The row of `id`, if there is one.
    pub(crate) async fn row(
        self: &Arc<Self>,
        kind: ResourceKind,
        id: Id,
        options: RequestOptions,
    ) -> Result<Option<Response<RawJson>>> {
        if self.coalescer.window.is_zero() {
            let mut rows = rows_by_id(self, kind, &[id], options).await?;
            return Ok(rows.remove(&id));
        }
        let rows = self.join_batch(kind, id, options).await?;
        Ok(rows.get(&id).cloned())
    }

    /// The answer of an open batch that takes the request, else of a new one.
    fn join_batch(
        self: &Arc<Self>,
        kind: ResourceKind,
        id: Id,
        options: RequestOptions,
    ) -> Shared<Answer> {
        let mut batches = self.coalescer.batches();
        let joined = batches
            .open
            .iter_mut()
            .find_map(|batch| batch.accept(kind, id, options));
        if let Some(answer) = joined {
            return answer;
        }
        let number = batches.next;
        batches.next += 1;
        let answer = Arc::clone(self).answer(number, kind, options).shared();
        // Batches whose requests were all dropped never close.
        batches
            .open
            .retain(|batch| batch.answer.upgrade().is_some());
        batches.open.extend(answer.downgrade().map(|weak| Batch {
            number,
            kind,
            options,
            ids: BTreeSet::from([id]),
            answer: weak,
        }));
        answer
    }

    /// The answer of the batch `number`: its call, sent when the window is over.
    fn answer(self: Arc<Self>, number: u64, kind: ResourceKind, options: RequestOptions) -> Answer {
        async move {
            self.pipeline.clock().sleep(self.coalescer.window).await;
            let ids = self.coalescer.close(number);
            rows_by_id(&self, kind, &ids, options).await.map(Arc::new)
        }
        .boxed()
    }
}
