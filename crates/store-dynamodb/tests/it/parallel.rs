//! Several things at once.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use store_dynamodb::ops::execute_in_parallel;
use tokio::sync::{Notify, Semaphore};

const THREE: NonZeroUsize = NonZeroUsize::new(3).expect("more than zero");

// covers("B11")
#[tokio::test]
async fn answers_come_in_the_order_of_the_items() {
    let last = Notify::new();
    let work = async |n: usize| {
        if n == 2 {
            last.notify_waiters();
        } else {
            last.notified().await;
        }
        Ok::<_, ()>(n * 10)
    };
    let answers = execute_in_parallel(0..3, work, THREE).await;
    assert_eq!(answers, Ok(vec![0, 10, 20]), "the last one ended first");
}

// covers("B11")
#[tokio::test]
async fn no_more_run_at_once_than_allowed_and_as_many_as_allowed_do() {
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = async |_| {
        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        running.fetch_sub(1, Ordering::SeqCst);
        Ok::<_, ()>(())
    };
    let done = execute_in_parallel(0..50, work, THREE).await;
    assert_eq!(done.map(|all| all.len()), Ok(50));
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

// covers("B11")
#[tokio::test]
async fn a_failure_ends_it_and_nothing_more_is_started() {
    let started = AtomicUsize::new(0);
    let never = Semaphore::new(0);
    let work = async |n: usize| {
        started.fetch_add(1, Ordering::SeqCst);
        match n {
            0 => Ok(()),
            1 => Err("the second"),
            _ => {
                drop(never.acquire().await);
                Ok(())
            }
        }
    };
    let failed = execute_in_parallel(0..1_000, work, THREE).await;
    assert_eq!(failed, Err("the second"));
    assert!(started.load(Ordering::SeqCst) <= 4, "{started:?}");
}
