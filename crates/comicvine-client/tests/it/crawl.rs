//! A crawl arrives: whatever one request meets, the list has the same rows, each once.

use std::time::Duration;

use comicvine_client::{ComicVine, ComicVineBuilder, Error, Result};
use comicvine_fake::{FakeServer, Fault, Injection};
use futures_util::TryStreamExt;
use store_core::{DAY, HOUR, ManualClock, SECOND};

use crate::{builder, fake, times};

/// Every kind of fault that one request can meet and the next one need not.
const FAULTS: &[Fault] = &[
    Fault::RateLimited,
    Fault::RateLimitedBody,
    Fault::Forbidden,
    Fault::AddressBanned,
    Fault::AddressLimited,
    Fault::AbnormalTraffic,
    Fault::Unavailable,
    Fault::InternalError,
    Fault::Slow { delay: DAY },
    Fault::Large { bytes: 300_000 },
    Fault::CutOff,
    Fault::Reset,
    Fault::EmptyBody,
    Fault::HalfBody,
    Fault::EmptyPage,
    Fault::RepeatedPage,
    Fault::Maintenance,
    Fault::NotFound,
    #[cfg(feature = "gzip")]
    Fault::HalfGzip,
];

/// Far longer than the server takes for a page, once it has made one.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A client on `clock` that waits for a week at most.
fn crawler(fake: &FakeServer, clock: &ManualClock) -> ComicVineBuilder {
    builder(fake).clock(clock.clone()).max_wait(DAY * 7)
}

/// The ids of 250 issues on three pages; `before` is called with the number of each page before it.
async fn crawl(client: &ComicVine, before: impl Fn(usize)) -> Result<Vec<u64>> {
    let mut pages = client.issues().limit(250).pages();
    let mut ids = Vec::new();
    for number in 0.. {
        before(number);
        let Some(page) = pages.try_next().await? else {
            break;
        };
        ids.extend(page.value.rows.iter().map(|row| row.id.number()));
    }
    Ok(ids)
}

/// The output of `work`, while `clock` runs as fast as `work` lets it.
async fn in_fast_time<T>(clock: &ManualClock, work: impl Future<Output = T>) -> T {
    let time = async {
        loop {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            clock.advance(SECOND * 60);
        }
    };
    tokio::select! {
        output = work => output,
        () = time => unreachable!("time does not end"),
    }
}

#[tokio::test]
async fn any_fault_on_any_page_costs_time_and_no_row() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let client = crawler(&fake, &clock).build().unwrap();
    let undisturbed = crawl(&client, |_| ()).await.unwrap();
    assert_eq!(undisturbed.len(), 250);
    for &fault in FAULTS {
        for page in 0..3 {
            fake.reset_counts();
            let mut client = crawler(&fake, &clock);
            if matches!(fault, Fault::Slow { .. }) {
                client = client.timeout(TIMEOUT);
            }
            let client = client.build().unwrap();
            let crawled = crawl(&client, |number| {
                if number == page {
                    fake.inject(times(fault, 1));
                }
            });
            let crawled = in_fast_time(&clock, crawled).await.unwrap();
            assert_eq!(crawled, undisturbed, "{fault:?} on page {page}");
            let counts = fake.counts().path("issues");
            // The first page in place of the first page is the right one.
            let is_lost = !matches!(
                (fault, page),
                (Fault::Large { .. }, _) | (Fault::RepeatedPage, 0)
            );
            assert_eq!(counts.requests(), 3 + u64::from(is_lost), "{fault:?}");
            assert_eq!(counts.injected, 1, "{fault:?}");
        }
    }
}

// covers("T8")
#[tokio::test]
async fn named_moment_is_waited_for_as_often_as_it_takes() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let client = crawler(&fake, &clock).build().unwrap();
    // More refusals than there are retries of what names no moment.
    fake.inject(times(Fault::RateLimited, 20).retry_after(SECOND * 3));
    let before = client.now();
    let page = in_fast_time(&clock, client.issues().into_future()).await;
    assert_eq!(page.unwrap().value.rows.len(), 100);
    assert_eq!(fake.counts().path("issues").requests(), 21);
    assert!(client.now().since(before) >= SECOND * 60);
}

#[tokio::test]
async fn moment_after_the_deadline_is_an_error_that_names_it() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let client = crawler(&fake, &clock).build().unwrap();
    fake.inject(Injection::new(Fault::RateLimited).retry_after(HOUR));
    let request = client.issues().max_wait(HOUR / 2);
    let error = request.await.unwrap_err();
    assert_eq!(error.retry_after(client.now()), Some(HOUR));
    assert_eq!(fake.counts().path("issues").requests(), 1);
}

#[tokio::test]
async fn server_that_was_never_reached_is_given_up_soon() {
    let fake = fake().await;
    let client = builder(&fake).build().unwrap();
    fake.stop().await;
    let began = client.now();
    let error = client.issues().await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert!(client.now().since(began) < SECOND * 30);
}
