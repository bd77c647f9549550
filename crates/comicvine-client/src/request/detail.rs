//! Requests for one resource.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use super::options::request_options;
use crate::error::{Error, Result};
use crate::fetch::{ApiRequest, RequestOptions, Shape, cache_tag};
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::model::FromJson;
use crate::query::Fields;
use crate::response::Response;

/// A request for one resource. Await it.
///
/// # Errors
/// [`Error::NotFound`] if the resource does not exist; [`Error::InvalidKey`], [`Error::Filter`] and
/// [`Error::Refused`] if the API refuses the request; [`Error::RateLimited`], [`Error::Blocked`],
/// [`Error::Unavailable`], [`Error::Timeout`] and [`Error::Transport`], which may pass;
/// [`Error::Decode`] if the response cannot be decoded; [`Error::Store`] if the rate limiter fails.
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
/// use comicvine_client::{Fields, ResourceKind};
///
/// let fields: Fields = "name,real_name".parse()?;
/// let character = client.get(ResourceKind::Character, 1251).fields(fields).await?;
/// println!("{}", character.value.get()); // JSON
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct DetailRequest<T> {
    inner: Arc<Inner>,
    kind: ResourceKind,
    id: Id,
    fields: Option<Fields>,
    options: RequestOptions,
    output: PhantomData<fn() -> T>,
}

impl<T: FromJson> DetailRequest<T> {
    pub(crate) fn new(inner: Arc<Inner>, kind: ResourceKind, id: Id) -> Self {
        Self {
            inner,
            kind,
            id,
            fields: None,
            options: RequestOptions::default(),
            output: PhantomData,
        }
    }

    /// Requests only these fields; the others are empty.
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = Some(fields);
        self
    }

    request_options!();

    async fn send(self) -> Result<Response<T>> {
        let qualified = self.id.qualified(self.kind);
        let subject = format!("{} {qualified}", self.kind);
        let fields = match self.fields {
            Some(fields) if T::NEEDS_ID => Some(fields.with_id()),
            fields => fields,
        };
        let request = ApiRequest {
            subject: subject.clone(),
            path: format!("{}/{qualified}", self.kind.detail_path()),
            budget_path: self.kind.detail_path(),
            params: fields
                .map(|fields| ("field_list", fields.to_string()))
                .into_iter()
                .collect(),
            tags: vec![cache_tag(self.kind, self.id)],
            shape: Shape::Object,
            offset: None,
            fresh_for: self.inner.freshness.detail,
            options: self.options,
        };
        let response = self.inner.fetch(request).await?;
        Response::parse(response, T::from_json)
            .map_err(|message| Error::Decode { subject, message })
    }
}

impl<T: FromJson> IntoFuture for DetailRequest<T> {
    type Output = Result<Response<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}
