//! One image through the pipeline: cached by its URL, spaced, and never with the API key.

use store_core::pipeline::{self, Failure, Fetched};
use store_core::{Key, Scope, Tag, request_hash};
use tracing::debug;
use url::Url;

use super::convert::pipeline_error;
use super::failure::RefusedAttempt;
use super::{ApiResponse, CACHE_SCOPE, RequestOptions};
use crate::budget::Resources;
use crate::cache_mode::CacheMode;
use crate::classify::{ResponseKind, classify};
use crate::error::{Error, Result};
use crate::image_format::ImageFormat;
use crate::inner::Inner;
use crate::transport::SendError;

/// The servers of the site's images, today and in older records.
const IMAGE_HOSTS: [&str; 3] = [
    "comicvine.gamespot.com",
    "static.comicvine.com",
    "comicvine1.cbsistatic.com",
];

/// The tag of every image in the cache.
const IMAGES_TAG: &str = "images";

/// A request for an image.
#[derive(Clone, Debug)]
pub(crate) struct ImageQuery {
    /// The URL: of a server with the site's images, or of the API's.
    url: Url,
    /// The subject of errors: `image /a/uploads/…`.
    subject: String,
    options: RequestOptions,
}

impl Inner {
    /// The servers that images may be on.
    pub(crate) fn image_origins(&self) -> impl Iterator<Item = String> {
        let known = IMAGE_HOSTS.map(|host| format!("https://{host}"));
        let own = self.resources.origin_name().to_owned();
        let is_own_known = known.contains(&own);
        known.into_iter().chain((!is_own_known).then_some(own))
    }

    /// The request for the image at `url`.
    pub(crate) fn image_query(&self, url: &str, options: RequestOptions) -> Result<ImageQuery> {
        let invalid = || {
            Error::invalid(format!(
                "this is no url of an image of comic vine, whose server is {}",
                IMAGE_HOSTS.join(", ")
            ))
        };
        let mut url: Url = url.trim().parse().map_err(|_| invalid())?;
        let has_no_user = url.username().is_empty() && url.password().is_none();
        url.set_fragment(None);
        if url.origin().ascii_serialization() != self.resources.origin_name() {
            let is_known = url
                .host_str()
                .is_some_and(|host| IMAGE_HOSTS.contains(&host));
            // Older records have http, which the servers only redirect.
            if !is_known || url.port().is_some() || url.set_scheme("https").is_err() {
                return Err(invalid());
            }
        }
        if !has_no_user || !matches!(url.scheme(), "http" | "https") {
            return Err(invalid());
        }
        Ok(ImageQuery {
            subject: format!("image {}", url.path()),
            url,
            options,
        })
    }

    /// Answers `query` from the cache, from another caller's request in flight, or from the server of the image.
    pub(crate) async fn fetch_image(&self, query: &ImageQuery) -> Result<ApiResponse> {
        let set_up = |error| Error::store("set up the request", error);
        let failed = |error| pipeline_error(error, &query.subject);
        let mode = query.options.cache.unwrap_or(self.cache_mode);
        let answer = if mode == CacheMode::Only {
            let key = query.cache_key().map_err(set_up)?;
            let cached = self.pipeline.cached(&key).await.map_err(failed)?;
            cached.ok_or_else(|| Error::NotCached {
                subject: query.subject.clone(),
            })?
        } else {
            let request = self.image_request(query).map_err(set_up)?;
            let attempt = |attempt| self.attempt_image(query, attempt);
            self.run(request, attempt).await.map_err(failed)?
        };
        Ok(answer.into())
    }

    fn image_request(&self, query: &ImageQuery) -> store_core::Result<pipeline::Request> {
        let (images, api) = self.resources.image_claims(&query.origin())?;
        let request = pipeline::Request::new(query.cache_key()?, images);
        let request = match api {
            Some(api) => request.and(api),
            None => request,
        };
        Ok(self.with_options(request, query.options))
    }

    /// Sends the request once.
    async fn attempt_image(
        &self,
        query: &ImageQuery,
        attempt: u32,
    ) -> Result<Fetched, Failure<Error>> {
        let sent = self.transport.send_image(&query.url).await;
        let response = sent.map_err(|error| self.send_failure(error, &query.subject, attempt))?;
        let status = response.status;
        if status == 200
            && let Some(format) = ImageFormat::of(&response.body)
        {
            if !format.is_whole(&response.body) {
                let error = SendError::Interrupted("the image ends early".to_owned());
                return Err(self.send_failure(error, &query.subject, attempt));
            }
            let fetched = Fetched::new(response.body)
                .fresh_for(self.freshness.image)
                .stale_for(self.freshness.stale);
            return Ok(fetched.with_tags(query.tags()));
        }
        if matches!(status, 404 | 410) {
            return Err(self.failure(Error::NotFound {
                subject: query.subject.clone(),
            }));
        }
        let now = self.pipeline.clock().now();
        let classification = classify(&response, now, self.resources.path_limit().span());
        debug!(subject = query.subject, status, kind = ?classification.kind, "no image");
        if matches!(
            classification.kind,
            ResponseKind::Unknown | ResponseKind::Results
        ) {
            return Err(Failure::new(Error::undecodable(
                &query.subject,
                &format_args!("http status {status} with a body that is no image"),
            )));
        }
        // An image that cannot be had says nothing about the API.
        let images = Resources::images(&query.origin());
        Err(self.response_failure(RefusedAttempt {
            subject: &query.subject,
            cooled: classification.cooldown.and(images.ok()),
            classification,
            status,
            now,
            attempt,
        }))
    }
}

impl ImageQuery {
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    /// That it is an image, and which; an overlong URL is left out.
    fn tags(&self) -> Vec<Tag> {
        let asked = format!("request:image {}", self.url);
        let tags = [Tag::new(IMAGES_TAG), Tag::new(asked)];
        tags.into_iter().flatten().collect()
    }

    fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn cache_key(&self) -> store_core::Result<Key> {
        let nothing = serde_json::Map::new();
        Scope::new(CACHE_SCOPE)?.key(&request_hash(self.url.as_str(), &nothing))
    }
}
