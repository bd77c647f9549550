//! A request for the API's own table of types.

use std::future::IntoFuture;

use futures_util::future::{BoxFuture, FutureExt};

use super::page::read_rows;
use super::{Got, call_options};
use crate::client::ComicVine;
use crate::error::Result;
use crate::fetch::{Call, CallOptions, Shape};
use crate::model::TypeInfo;

/// A request for the API's own table of types. Await it.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct TypesRequest {
    client: ComicVine,
    options: CallOptions,
}

impl TypesRequest {
    pub(crate) fn new(client: ComicVine) -> Self {
        Self {
            client,
            options: CallOptions::default(),
        }
    }

    call_options!();

    async fn send(self) -> Result<Got<Vec<TypeInfo>>> {
        let call = Call {
            subject: "types".to_owned(),
            path: "types".to_owned(),
            counted: "types",
            params: Vec::new(),
            tags: vec!["types".to_owned()],
            shape: Shape::Array,
            fresh: self.client.inner().freshness.types,
            options: self.options,
        };
        let called = self.client.inner().call(call).await?;
        Got::read(called, |raw| Ok(read_rows("types", raw)?.resources))
    }
}

impl IntoFuture for TypesRequest {
    type Output = Result<Got<Vec<TypeInfo>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}
