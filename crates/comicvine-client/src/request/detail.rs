//! A request for one resource.

use std::future::IntoFuture;
use std::marker::PhantomData;

use futures_util::future::{BoxFuture, FutureExt};

use super::{Got, call_options, entity_tag};
use crate::client::ComicVine;
use crate::error::{Error, Result};
use crate::fetch::{Call, CallOptions, Shape};
use crate::id::Id;
use crate::kind::ResourceKind;
use crate::model::FromResult;
use crate::query::Fields;

/// A request for one resource. Await it.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct DetailRequest<T> {
    client: ComicVine,
    kind: ResourceKind,
    id: Id,
    fields: Option<Fields>,
    options: CallOptions,
    form: PhantomData<fn() -> T>,
}

impl<T: FromResult> DetailRequest<T> {
    pub(crate) fn new(client: ComicVine, kind: ResourceKind, id: Id) -> Self {
        Self {
            client,
            kind,
            id,
            fields: None,
            options: CallOptions::default(),
            form: PhantomData,
        }
    }

    /// Asks for these fields only; the others are empty then.
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = Some(fields);
        self
    }

    call_options!();

    async fn send(self) -> Result<Got<T>> {
        let qualified = self.id.qualified(self.kind);
        let subject = format!("{} {qualified}", self.kind);
        let fields = match self.fields {
            Some(fields) if T::NEEDS_ID => Some(fields.with_id()),
            fields => fields,
        };
        let call = Call {
            subject: subject.clone(),
            path: format!("{}/{qualified}", self.kind.detail_path()),
            counted: self.kind.detail_path(),
            params: fields
                .map(|fields| ("field_list", fields.to_string()))
                .into_iter()
                .collect(),
            tags: vec![entity_tag(self.kind, self.id)],
            shape: Shape::Object,
            fresh: self.client.inner().freshness.detail,
            options: self.options,
        };
        let called = self.client.inner().call(call).await?;
        Got::read(called, T::from_result).map_err(|message| Error::Decode { subject, message })
    }
}

impl<T: FromResult> IntoFuture for DetailRequest<T> {
    type Output = Result<Got<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}
