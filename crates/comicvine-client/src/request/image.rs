//! Requests for image files.

use std::future::IntoFuture;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use store_core::{Outcome, Timestamp};

use super::options::request_options;
use crate::error::{Error, Result};
use crate::fetch::RequestOptions;
use crate::image_format::ImageFormat;
use crate::inner::Inner;

/// A request for the file of an image. Await it.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct ImageRequest {
    inner: Arc<Inner>,
    url: String,
    options: RequestOptions,
}

/// The file of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageFile {
    /// The bytes of the file.
    pub bytes: Bytes,
    /// The format.
    pub format: ImageFormat,
    /// The source: the cache, another caller's request, the server, or a stale cache entry.
    pub outcome: Outcome,
    /// When it was fetched from the server, by this process or another.
    pub fetched_at: Timestamp,
}

impl ImageRequest {
    pub(crate) fn new(inner: Arc<Inner>, url: String) -> Self {
        Self {
            inner,
            url,
            options: RequestOptions::default(),
        }
    }

    request_options!();

    async fn send(self) -> Result<ImageFile> {
        let query = self.inner.image_query(&self.url, self.options)?;
        let response = self.inner.fetch_image(&query).await?;
        let format = ImageFormat::of(&response.body)
            .ok_or_else(|| Error::undecodable(query.subject(), &"what is stored is no image"))?;
        Ok(ImageFile {
            bytes: response.body,
            format,
            outcome: response.outcome,
            fetched_at: response.fetched_at,
        })
    }
}

impl IntoFuture for ImageRequest {
    type Output = Result<ImageFile>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}
