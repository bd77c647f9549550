//! Requests for the rows of many ids.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::TryStreamExt;

use super::list::ListRequest;
use super::options::request_options;
use super::page::SkippedRow;
use crate::error::{Error, Result};
use crate::fetch::{RequestOptions, id_of};
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::model::{FromJson, RawJson};
use crate::query::MAX_VALUES;
use crate::response::Response;

/// A request for the rows of many ids, 100 of them a call. Await it.
///
/// A row has fewer fields than the resource: a list holds no credits, for example. For whole resources
/// use [`ComicVine::get`](crate::ComicVine::get).
///
/// # Errors
/// Those of a [`DetailRequest`](crate::DetailRequest) except [`Error::NotFound`]: an id that does not
/// exist is in [`Many::missing`]. If one call fails, the request does; the calls before it are cached.
///
/// # Example
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = comicvine_fake::FakeServer::builder().start().await?;
/// # let client = comicvine_client::ComicVine::builder(comicvine_client::ApiKey::new("key")?)
/// #     .base_url(server.base_url())
/// #     .build()?;
/// use comicvine_client::{Id, ResourceKind, VolumeRow};
///
/// let many = client
///     .get_many::<VolumeRow>(ResourceKind::Volume, [701, 704, 999_999_999])
///     .await?;
/// for (id, row) in &many.found {
///     println!("{id}: {}", row.value.name);
/// }
/// assert_eq!(many.missing, [Id::new(999_999_999)]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is awaited"]
pub struct ManyRequest<T> {
    inner: Arc<Inner>,
    kind: ResourceKind,
    /// Sorted, each once.
    ids: Vec<Id>,
    options: RequestOptions,
    output: PhantomData<fn() -> T>,
}

/// The rows of many ids.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Many<T> {
    /// The rows, by id.
    pub found: BTreeMap<Id, Response<T>>,
    /// The ids without a row, sorted: they do not exist, or were merged with others.
    pub missing: Vec<Id>,
    /// The rows that could not be read, by id.
    pub skipped: BTreeMap<Id, SkippedRow>,
}

impl<T> Clone for ManyRequest<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            kind: self.kind,
            ids: self.ids.clone(),
            options: self.options,
            output: PhantomData,
        }
    }
}

impl<T> fmt::Debug for ManyRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManyRequest")
            .field("kind", &self.kind)
            .field("ids", &self.ids)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<T: FromJson> ManyRequest<T> {
    pub(crate) fn new<I: Into<Id>>(
        inner: Arc<Inner>,
        kind: ResourceKind,
        ids: impl IntoIterator<Item = I>,
    ) -> Self {
        let mut ids: Vec<Id> = ids.into_iter().map(Into::into).collect();
        ids.sort_unstable();
        ids.dedup();
        Self {
            inner,
            kind,
            ids,
            options: RequestOptions::default(),
            output: PhantomData,
        }
    }

    request_options!();

    async fn send(self) -> Result<Many<T>> {
        let mut many = Many {
            found: BTreeMap::new(),
            missing: Vec::new(),
            skipped: BTreeMap::new(),
        };
        for ids in self.ids.chunks(MAX_VALUES) {
            let mut rows = rows_by_id(&self.inner, self.kind, ids, self.options).await?;
            for &id in ids {
                let Some(row) = rows.remove(&id) else {
                    many.missing.push(id);
                    continue;
                };
                let raw = row.raw.clone();
                match row.read_as(&row_subject(self.kind, id)) {
                    Ok(row) => {
                        many.found.insert(id, row);
                    }
                    Err(error) => {
                        let reason = error.to_string();
                        many.skipped.insert(id, SkippedRow { reason, raw });
                    }
                }
            }
        }
        Ok(many)
    }
}

impl<T: FromJson> IntoFuture for ManyRequest<T> {
    type Output = Result<Many<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}

/// Rows by their ids, each with the response it was in.
pub(super) type RowsById = BTreeMap<Id, Response<RawJson>>;

/// The rows of `ids`, at most 100, by as few calls of the list as their pages take: usually one.
pub(super) async fn rows_by_id(
    inner: &Arc<Inner>,
    kind: ResourceKind,
    ids: &[Id],
    options: RequestOptions,
) -> Result<RowsById> {
    let mut rows = RowsById::new();
    let mut pages = ListRequest::<RawJson>::new(Arc::clone(inner), kind)
        .ids(ids.iter().copied())
        .options(options.for_await())
        .pages();
    // Pages may come short, so a page without an id does not say that it is missing.
    while rows.len() < ids.len()
        && let Some(page) = pages.try_next().await?
    {
        let received = page.value.total;
        if usize::try_from(received).is_ok_and(|total| total > ids.len()) {
            let message = format!("{received} rows for {} ids", ids.len());
            return Err(Error::undecodable(kind.list_path(), &message));
        }
        for raw in page.value.rows {
            if let Some(id) = id_of(raw.get())
                && ids.contains(&id)
            {
                let row = Response {
                    value: raw.clone(),
                    outcome: page.outcome,
                    fetched_at: page.fetched_at,
                    raw,
                    damage: page.damage.clone(),
                };
                rows.insert(id, row);
            }
        }
    }
    Ok(rows)
}

/// The subject of errors about one row: `issue 4000-44`.
pub(super) fn row_subject(kind: ResourceKind, id: Id) -> String {
    format!("{kind} {}", id.qualified(kind))
}
