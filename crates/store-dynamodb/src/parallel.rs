//! Several things at once, but not too many.

use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// Does `work` for every item, at most `max_concurrency` of them at once; the answers are in the order
/// of the items.
///
/// All runs on the caller's task, and ends when the returned future is dropped.
///
/// # Errors
/// The first failure in the order of the items. Nothing is started after it was seen, and what is under
/// way is dropped. To have every outcome, let `work` never fail: `Ok::<_, Infallible>(outcome)`.
///
/// # Examples
///
/// ```
/// # use std::num::NonZeroUsize;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use store_dynamodb::execute_in_parallel;
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
