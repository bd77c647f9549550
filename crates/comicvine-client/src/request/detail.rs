//! Requests for one resource.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::value::RawValue;

use super::options::request_options;
use crate::error::{Error, Result};
use crate::fetch::{ApiRequest, RequestOptions, Shape, cache_tag};
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::model::{FromJson, RawJson};
use crate::query::Fields;
use crate::response::{Response, read_value};

/// A request for one resource. Await it.
///
/// # Errors
/// [`Error::NotFound`] if the resource does not exist; [`Error::InvalidKey`], [`Error::Filter`] and
/// [`Error::Refused`] if the API refuses the request; [`Error::RateLimited`], [`Error::Blocked`],
/// [`Error::Unavailable`], [`Error::WebPage`], [`Error::Timeout`],
/// [`Error::Interrupted`] and [`Error::Transport`], which may pass;
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
/// use comicvine_client::{Fields, RawJson, ResourceKind};
///
/// // Into a type of yours, which names the fields it needs.
/// #[derive(serde::Deserialize)]
/// struct Name {
///     name: String,
///     real_name: Option<String>,
/// }
/// let character = client.get::<Name>(ResourceKind::Character, 1251).await?;
/// println!("{} is {:?}", character.value.name, character.value.real_name);
///
/// // As JSON.
/// let fields: Fields = "name,real_name".parse()?;
/// let request = client.get::<RawJson>(ResourceKind::Character, 1251);
/// println!("{}", request.fields(fields).await?.value);
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is awaited"]
pub struct DetailRequest<T> {
    inner: Arc<Inner>,
    kind: ResourceKind,
    id: Id,
    fields: Option<Fields>,
    options: RequestOptions,
    output: PhantomData<fn() -> T>,
}

impl<T> Clone for DetailRequest<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            kind: self.kind,
            id: self.id,
            fields: self.fields.clone(),
            options: self.options,
            output: PhantomData,
        }
    }
}

impl<T> fmt::Debug for DetailRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetailRequest")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("fields", &self.fields)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
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

    request_options!();

    async fn send(self) -> Result<Response<T>> {
        let qualified = self.id.qualified(self.kind);
        let subject = format!("{} {qualified}", self.kind);
        let request = ApiRequest {
            subject: subject.clone(),
            path: format!("{}/{qualified}", self.kind.detail_path()),
            budget_path: self.kind.detail_path(),
            params: Vec::new(),
            tags: vec![cache_tag(self.kind, self.id)],
            shape: Shape::Resource {
                kind: self.kind,
                id: self.id,
            },
            options: self.options,
        };
        let response = self.inner.fetch(request).await?.read(&subject, |body| {
            let results = body.envelope::<&RawValue>()?.results;
            let raw = RawJson::part_of(&body.text, results.get());
            let raw = self
                .fields
                .as_ref()
                .map_or_else(|| raw.clone(), |fields| raw.only(fields));
            Ok(((), raw))
        })?;
        let raw = response.raw.clone();
        response.try_map(|(), damage| {
            read_value(&raw, damage).map_err(|error| Error::undecodable(&subject, &error))
        })
    }
}

impl DetailRequest<RawJson> {
    /// Selects fields of the resource, in its own order. It is fetched and cached whole, so that another
    /// selection needs no further request.
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = Some(fields);
        self
    }
}

impl<T: FromJson> IntoFuture for DetailRequest<T> {
    type Output = Result<Response<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}
