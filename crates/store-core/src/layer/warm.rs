//! Filling a cache before it is asked.

mod options;

use tokio::task::JoinSet;
use tracing::{debug, info};

pub use self::options::WarmOptions;
use crate::error::BoxError;

/// How far [`warm`] has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WarmProgress {
    /// Items whose work succeeded.
    pub warmed: u64,
    /// Items whose work failed.
    pub failed: u64,
    /// Items that were not begun, as far as their iterator knows how many it has.
    pub left: u64,
}

/// Does `work` for each of `items`, a few at a time: at the start of a program, to fill a cache with what will be
/// asked for first.
///
/// `work` fills the cache as its users do: by a [`TypedCache`](crate::TypedCache), so that what is cached already is
/// not fetched again, or by a [`Pipeline`](crate::Pipeline) with requests of the background class, so that the
/// users of a rate limit come first. Failures are counted and logged; they fail nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use store_core::layer::{WarmOptions, warm};
/// use store_core::{HOUR, Key, TypedCache};
/// use store_memory::MemoryCacheStore;
///
/// let titles: Arc<TypedCache<String>> = Arc::new(TypedCache::new(MemoryCacheStore::new()));
/// let work = {
///     let titles = Arc::clone(&titles);
///     move |number: u32| {
///         let titles = Arc::clone(&titles);
///         async move {
///             let key = Key::new(format!("issue:{number}"))?;
///             let fetch = async || Ok::<_, std::io::Error>(format!("Issue {number}"));
///             titles.get_or_try_insert_with(&key, HOUR, fetch).await?;
///             Ok(())
///         }
///     }
/// };
/// let report = warm(1..=20, WarmOptions::default(), work).await;
/// assert_eq!((report.warmed, report.failed, report.left), (20, 0, 0));
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// Dropping the future stops the work that is under way.
pub async fn warm<I, F, R>(items: I, options: WarmOptions, work: F) -> WarmProgress
where
    I: IntoIterator<Item: Send + 'static>,
    F: Fn(I::Item) -> R,
    R: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let began = options.clock.monotonic();
    let may_begin = |progress: &WarmProgress| {
        let taken = options.clock.monotonic().saturating_sub(began);
        progress.failed < options.max_failures
            && options.time_limit.is_none_or(|limit| taken < limit)
    };
    let mut items = items.into_iter();
    let mut progress = WarmProgress::default();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < options.concurrency.get() && may_begin(&progress) {
            let Some(item) = items.next() else { break };
            under_way.spawn(work(item));
        }
        let Some(done) = under_way.join_next().await else {
            break;
        };
        let failure = match done {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(error) => Some(error.into()),
        };
        match failure {
            None => progress.warmed += 1,
            Some(error) => {
                debug!(%error, "an item was not warmed");
                progress.failed += 1;
            }
        }
        progress.left = u64::try_from(items.size_hint().0).unwrap_or(u64::MAX);
        if let Some(observer) = &options.on_progress {
            observer(progress);
        }
    }
    progress.left = u64::try_from(items.size_hint().0).unwrap_or(u64::MAX);
    info!(
        warmed = progress.warmed,
        failed = progress.failed,
        left = progress.left,
        "warming has ended"
    );
    progress
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::clock::ManualClock;
    use crate::time::SECOND;

    fn one_at_a_time() -> WarmOptions {
        WarmOptions::default().with_concurrency(NonZeroUsize::MIN)
    }

    // covers("D11")
    #[tokio::test]
    async fn no_more_items_than_allowed_are_worked_on_at_once() {
        let (now, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let work = |_: u32| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        };
        let report = warm(0..100, WarmOptions::default(), work).await;
        assert_eq!((report.warmed, report.left), (100, 0));
        assert_eq!(most.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_source_that_is_down_is_asked_a_few_times_only() {
        let options = one_at_a_time().with_max_failures(3);
        let report = warm(0..100, options, async |_| Err("it is down".into())).await;
        assert_eq!((report.warmed, report.failed, report.left), (0, 3, 97));
    }

    #[tokio::test]
    async fn a_panic_fails_one_item() {
        let work = async |number: u32| {
            assert_ne!(number, 1, "on purpose");
            Ok(())
        };
        let report = warm(0..3, one_at_a_time(), work).await;
        assert_eq!((report.warmed, report.failed), (2, 1));
    }

    #[tokio::test]
    async fn nothing_is_begun_after_the_time_limit() {
        let clock = ManualClock::default();
        let options = one_at_a_time()
            .with_time_limit(SECOND * 3)
            .with_clock(clock.clone());
        let work = |_: u32| {
            let clock = clock.clone();
            async move {
                clock.advance(SECOND);
                Ok(())
            }
        };
        let report = warm(0..100, options, work).await;
        assert_eq!((report.warmed, report.left), (3, 97));
    }

    #[tokio::test]
    async fn each_item_is_reported() {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let writes = Arc::clone(&seen);
        let options = one_at_a_time().with_on_progress(move |progress| {
            let mut seen = writes.lock().expect("no panic");
            seen.push((progress.warmed, progress.failed, progress.left));
        });
        let work = async |number: u32| {
            if number == 1 {
                Err("no".into())
            } else {
                Ok(())
            }
        };
        warm(0..3, options, work).await;
        let seen = seen.lock().expect("no panic");
        assert_eq!(*seen, [(1, 0, 2), (1, 1, 1), (2, 1, 0)]);
    }
}
