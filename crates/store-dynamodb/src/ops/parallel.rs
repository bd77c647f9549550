//! Bounded concurrency.

use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// Runs `work` for every item with at most `max_concurrency` in progress; results are in the order of the items.
///
/// Everything runs on the caller's task and is cancelled when the returned future is dropped.
///
/// # Errors
/// The first error of `work` in the order of the items; later items are not started and those in progress are
/// cancelled. To collect every outcome let `work` return `Ok::<_, Infallible>(outcome)`.
///
/// # Examples
///
/// ```
/// # use std::num::NonZeroUsize;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use store_dynamodb::ops::execute_in_parallel;
///
/// let four = NonZeroUsize::new(4).unwrap();
/// let doubled = execute_in_parallel(1..=3, async |n| Ok::<_, String>(2 * n), four).await;
/// assert_eq!(doubled.unwrap(), [2, 4, 6]);
/// # }
/// ```
pub async fn execute_in_parallel<I, T, E, F>(
    items: impl IntoIterator<Item = I>,
    work: impl FnMut(I) -> F,
    max_concurrency: NonZeroUsize,
) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>>,
{
    let work = stream::iter(items.into_iter().map(work));
    work.buffered(max_concurrency.get()).try_collect().await
}
