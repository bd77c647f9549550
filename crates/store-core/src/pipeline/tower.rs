//! The pipeline as a tower layer (feature `tower`).
//!
//! The inner service sends one attempt: it takes the application's request, and answers with
//! [`Fetched`] or a [`Failure`]. The layer answers with an [`Answer`].

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::{Answer, Failure, Fetched, Pipeline, PipelineError, Request, SharedError};

/// A layer that puts a [`Pipeline`] in front of a service.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::pipeline::tower::PipelineLayer;
/// use store_core::pipeline::{Failure, Fetched, Outcome, Request};
/// use store_core::{HOUR, Key, Pipeline, Resource};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// let issues = Resource::new("issues")?;
/// let to_request = move |key: &Key| Request::new(key.clone(), &issues);
/// let service = ServiceBuilder::new()
///     .layer(PipelineLayer::new(Pipeline::new(store_memory::stores()), to_request))
///     .service(service_fn(|_key: Key| async {
///         Ok::<_, Failure>(Fetched::new("{}").fresh_for(HOUR))
///     }));
/// let key = Key::new("comics:issue/4000-1")?;
/// assert_eq!(service.clone().oneshot(key.clone()).await?.outcome, Outcome::Fetched);
/// assert_eq!(service.oneshot(key).await?.outcome, Outcome::Hit);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PipelineLayer<M> {
    pipeline: Pipeline,
    to_request: M,
}

impl<M> PipelineLayer<M> {
    /// A layer over `pipeline`; `to_request` makes the pipeline's request of the application's.
    pub const fn new(pipeline: Pipeline, to_request: M) -> Self {
        Self {
            pipeline,
            to_request,
        }
    }
}

impl<S, M: Clone> Layer<S> for PipelineLayer<M> {
    type Service = PipelineService<S, M>;

    fn layer(&self, inner: S) -> Self::Service {
        PipelineService {
            pipeline: self.pipeline.clone(),
            to_request: self.to_request.clone(),
            inner,
        }
    }
}

/// A service behind a [`Pipeline`]; [`PipelineLayer`] makes it.
#[derive(Clone, Debug)]
pub struct PipelineService<S, M> {
    pipeline: Pipeline,
    to_request: M,
    inner: S,
}

impl<S, M, Q, E> Service<Q> for PipelineService<S, M>
where
    Q: Clone + Send + Sync + 'static,
    M: Fn(&Q) -> Request,
    S: Service<Q, Response = Fetched, Error = Failure<E>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    E: SharedError,
{
    type Response = Answer;
    type Error = PipelineError<E>;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, PipelineError<E>>> + Send>>;

    /// Always ready: the inner service is asked per attempt, and a cached answer needs none.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let (pipeline, inner) = (self.pipeline.clone(), self.inner.clone());
        let pipeline_request = (self.to_request)(&request);
        Box::pin(async move {
            let attempt = |_| {
                let (mut inner, request) = (inner.clone(), request.clone());
                async move {
                    poll_fn(|context| inner.poll_ready(context)).await?;
                    inner.call(request).await
                }
            };
            pipeline.run(pipeline_request, attempt).await
        })
    }
}
