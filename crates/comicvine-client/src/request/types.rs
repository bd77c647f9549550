//! Requests for the API's table of resource types.

use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use super::options::request_options;
use super::page::raw_page;
use crate::error::Result;
use crate::fetch::{ApiRequest, RequestOptions, Shape};
use crate::inner::Inner;
use crate::model::TypeInfo;
use crate::response::{Response, read_value};

/// A request for the API's table of resource types. Await it.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct TypesRequest {
    inner: Arc<Inner>,
    options: RequestOptions,
}

impl TypesRequest {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            options: RequestOptions::default(),
        }
    }

    request_options!();

    async fn send(self) -> Result<Response<Vec<TypeInfo>>> {
        let request = ApiRequest {
            subject: "types".to_owned(),
            path: "types".to_owned(),
            budget_path: "types",
            params: Vec::new(),
            tags: vec!["types".to_owned()],
            shape: Shape::Rows,
            options: self.options,
        };
        let response = self.inner.fetch(request).await?.read("types", raw_page)?;
        response.try_map(|page, damage| {
            let rows = page.rows.iter();
            Ok(rows
                .filter_map(|raw| read_value(raw, damage).ok())
                .collect())
        })
    }
}

impl IntoFuture for TypesRequest {
    type Output = Result<Response<Vec<TypeInfo>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}
