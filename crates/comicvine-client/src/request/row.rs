//! Requests for the row of one id, which can share a call with others.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use super::many::row_subject;
use super::options::request_options;
use crate::error::{Error, Result};
use crate::fetch::RequestOptions;
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::model::FromJson;
use crate::response::Response;

/// A request for the row of one id. Await it.
///
/// With [`coalesce`](crate::ComicVineBuilder::coalesce), requests of one kind with the same options that
/// are awaited at the same time share one call of the list; dropping one of them does not disturb the
/// others. Without, each is a call of its own.
///
/// The response to a call is cached as a whole, by all of its ids: the row of one of them alone, or
/// together with others, is another call. For single resources that are asked for again and again use
/// [`ComicVine::get`](crate::ComicVine::get).
///
/// # Errors
/// Those of a [`DetailRequest`](crate::DetailRequest). A failed call is the error of every request that
/// shared it, and an id without a row is [`Error::NotFound`].
///
/// # Example
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = comicvine_fake::FakeServer::builder().start().await?;
/// use std::time::Duration;
///
/// use comicvine_client::{ApiKey, ComicVine, ResourceKind, VolumeRow};
///
/// let client = ComicVine::builder(ApiKey::new("key")?)
///     .coalesce(Duration::from_millis(20))
/// #   .base_url(server.base_url())
///     .build()?;
/// // One call for both.
/// let (one, other) = tokio::join!(
///     client.row::<VolumeRow>(ResourceKind::Volume, 701).into_future(),
///     client.row::<VolumeRow>(ResourceKind::Volume, 704).into_future(),
/// );
/// println!("{} and {}", one?.value.name, other?.value.name);
/// # assert_eq!(server.counts().total().requests(), 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is awaited"]
pub struct RowRequest<T> {
    inner: Arc<Inner>,
    kind: ResourceKind,
    id: Id,
    options: RequestOptions,
    output: PhantomData<fn() -> T>,
}

impl<T> Clone for RowRequest<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            kind: self.kind,
            id: self.id,
            options: self.options,
            output: PhantomData,
        }
    }
}

impl<T> fmt::Debug for RowRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowRequest")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<T: FromJson> RowRequest<T> {
    pub(crate) fn new(inner: Arc<Inner>, kind: ResourceKind, id: Id) -> Self {
        Self {
            inner,
            kind,
            id,
            options: RequestOptions::default(),
            output: PhantomData,
        }
    }

    request_options!();

    async fn send(self) -> Result<Response<T>> {
        let subject = row_subject(self.kind, self.id);
        let row = self.inner.row(self.kind, self.id, self.options).await?;
        let row = row.ok_or_else(|| Error::NotFound {
            subject: subject.clone(),
        })?;
        row.read_as(&subject)
    }
}

impl<T: FromJson> IntoFuture for RowRequest<T> {
    type Output = Result<Response<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}
