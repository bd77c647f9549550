//! Two programs on one file list two parts of the same list, a row per request: together they stay within
//! the limits, and whatever a server in the way says costs them time and no row.
//!
//! Rates are measured by `cargo xtask soak crawl`: here a busy machine may be as slow as it is.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::process::Stdio;
use std::time::Duration;

use comicvine_fake::{FakeServer, Fault, Injection, Limits};
use futures_util::future::join_all;
use serde_json::Value;
use store_core::{Clock, SystemClock};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::watch;

use crate::{Home, fake};

/// Of one request: a busy machine may be slower than the server of any user.
const PATIENT: [&str; 2] = ["--timeout", "5m"];

/// The ids of `rows` issues that the program lists from `offset` on, a request each.
async fn list(
    home: &Home,
    fake: &FakeServer,
    (offset, rows): (u64, u64),
    limits: &[&str],
    arrived: &watch::Sender<u64>,
) -> Vec<u64> {
    let (offset, rows) = (offset.to_string(), rows.to_string());
    let list = [
        "list",
        "issues",
        "--fields",
        "id",
        "--output",
        "jsonl",
        "--page-size",
        "1",
        "--offset",
        &offset,
        "--limit",
        &rows,
    ];
    let mut program = home.against(fake, &list);
    program
        .args(PATIENT)
        .args(limits)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ids = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let row: Value = serde_json::from_str(&line).unwrap();
        ids.push(row["id"].as_u64().unwrap());
        arrived.send_modify(|arrived| *arrived += 1);
    }
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut said).await.unwrap();
    assert!(child.wait().await.unwrap().success(), "{said}");
    ids
}

/// The ids of the first `rows` issues, half of them listed by one program and half by another, while
/// `meanwhile` goes on.
async fn crawl<T>(
    fake: &FakeServer,
    rows: u64,
    limits: &[&str],
    meanwhile: impl AsyncFnOnce(watch::Receiver<u64>) -> T,
) -> (Vec<u64>, T) {
    let home = Home::new();
    let arrived = watch::Sender::new(0);
    let part = |offset| list(&home, fake, (offset, rows / 2), limits, &arrived);
    let (first, second, output) =
        tokio::join!(part(0), part(rows / 2), meanwhile(arrived.subscribe()));
    ([first, second].concat(), output)
}

/// The ids of the first `rows` issues, which no limit holds up.
async fn expected(fake: &FakeServer, rows: u64) -> BTreeSet<u64> {
    let home = Home::new();
    let rows = rows.to_string();
    let list = ["list", "issues", "--limit", &rows, "--output", "jsonl"];
    let ran = home.run(fake, &[&list[..], &PATIENT].concat()).await;
    let id = |line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64();
    let ids = ran
        .printed()
        .lines()
        .map(|line| id(line).unwrap())
        .collect();
    fake.reset();
    ids
}

#[track_caller]
fn assert_each_once(ids: &[u64], expected: &BTreeSet<u64>, what: &str) {
    assert_eq!(ids.len(), expected.len(), "{what}");
    let distinct: BTreeSet<u64> = ids.iter().copied().collect();
    assert_eq!(&distinct, expected, "{what}");
}

/// A server whose window is shorter than the programs', and whose spacing is less, by more than a busy
/// machine holds up a request.
async fn limited(requests: u32, spacing: Duration) -> FakeServer {
    let limits = Limits::default()
        .with_requests(NonZeroU32::new(requests).unwrap())
        .with_window(Duration::from_secs(1))
        .with_spacing(spacing);
    FakeServer::builder().limits(limits).start().await.unwrap()
}

#[tokio::test]
async fn programs_keep_within_one_limit_together() {
    let fake = limited(50, Duration::ZERO).await;
    let expected = expected(&fake, 150).await;
    let limits = ["--limit-per-hour", "50/2s", "--spacing", "0s"];
    let (ids, ()) = crawl(&fake, 150, &limits, async |_| ()).await;
    assert_each_once(&ids, &expected, "limit");
    let counts = fake.counts().path("issues");
    assert_eq!((counts.accepted, counts.refused()), (150, 0));
}

#[tokio::test]
async fn programs_keep_the_spacing_together() {
    let fake = limited(1_000, Duration::from_millis(50)).await;
    let expected = expected(&fake, 16).await;
    let limits = ["--spacing", "350ms"];
    let (ids, ()) = crawl(&fake, 16, &limits, async |_| ()).await;
    assert_each_once(&ids, &expected, "spacing");
    let counts = fake.counts().path("issues");
    assert_eq!((counts.accepted, counts.refused()), (16, 0));
}

/// Everything that stands in the way of a crawl for longer than one request.
const BLOCKS: [Fault; 7] = [
    Fault::RateLimited,
    Fault::RateLimitedBody,
    Fault::Forbidden,
    Fault::AddressBanned,
    Fault::AddressLimited,
    Fault::AbnormalTraffic,
    Fault::Unavailable,
];

/// The moments at which requests met a fault, by looking at the server's counts; ends after `times`.
async fn hits(fake: &FakeServer, times: u32) -> Vec<Duration> {
    let clock = SystemClock::new();
    let mut hits = Vec::new();
    while hits.len() < times as usize {
        clock.sleep(Duration::from_millis(5)).await;
        let count = fake.counts().path("issues").injected;
        hits.resize(usize::try_from(count).unwrap(), clock.monotonic());
    }
    hits
}

async fn crawl_through(fault: Fault) {
    const ROWS: u64 = 24;
    const TIMES: u32 = 4;
    let fake = fake().await;
    let expected = expected(&fake, ROWS).await;
    let limits = ["--spacing", "50ms", "--max-wait", "5m"];
    let (ids, hits) = crawl(&fake, ROWS, &limits, async |mut arrived| {
        arrived.wait_for(|arrived| *arrived >= 4).await.unwrap();
        let times = NonZeroU32::new(TIMES).unwrap();
        let block = Injection::new(fault).times(times);
        fake.inject(block.retry_after(Duration::from_secs(2)));
        // Far longer than the spacing: without a probe, the other program would ask before the answer.
        fake.set_latency(Duration::from_millis(400));
        let hits = hits(&fake, TIMES).await;
        fake.set_latency(Duration::ZERO);
        hits
    })
    .await;
    assert_each_once(&ids, &expected, &format!("{fault:?}"));
    let counts = fake.counts().path("issues");
    assert_eq!(counts.requests(), ROWS + u64::from(TIMES), "{fault:?}");
    // Both programs may have been on their way when the block began. From then on one of them tries at
    // the end of each cooldown, which is two seconds long at least.
    let gaps: Vec<Duration> = hits
        .windows(2)
        .map(|hits| hits[1].saturating_sub(hits[0]))
        .collect();
    let alone = gaps[1..].iter().all(|gap| *gap >= Duration::from_secs(1));
    assert!(alone, "{fault:?}: {gaps:?}");
}

#[tokio::test]
async fn block_in_mid_crawl_costs_no_row_and_one_request_per_cooldown() {
    join_all(BLOCKS.map(crawl_through)).await;
}
