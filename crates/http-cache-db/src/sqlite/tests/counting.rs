//! The uses that are counted by day, and that no number of them takes more room.

use super::*;
use crate::store::Hit;

fn miss(host: &str, path: &str) -> Hit {
    Hit {
        response: None,
        host: host.to_owned(),
        path: path.to_owned(),
        at: Timestamp::default(),
        duration: std::time::Duration::ZERO,
        bytes: 0,
    }
}

const ROWS: &str = "SELECT count(*) FROM hits_by_day";
const MISSES: &str = "SELECT sum(misses) FROM hits_by_day";

#[tokio::test]
async fn hosts_and_paths_are_cut() {
    let store = in_memory().await;
    let long = format!("/{}", "é".repeat(30_000));
    let uses = vec![miss(&long, &long), miss(&long, &format!("{long}a"))];
    store.record_hits(uses).await.unwrap();
    let longest = "SELECT max(octet_length(domain) + octet_length(path)) FROM hits_by_day";
    assert_eq!(number(&store, longest).await, 2 * 258);
    assert_eq!(number(&store, MISSES).await, 2);
}

#[tokio::test]
async fn a_day_counts_ten_thousand_paths_and_as_many_hosts() {
    let store = in_memory().await;
    let paths = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
        INSERT INTO hits_by_day SELECT '1970-01-01', 'a', '/' || n, 0, 1, 0 FROM n";
    execute(&store, paths).await;
    let uses = ["/new", "/other", "/third", "/7"].map(|path| miss("a", path));
    store.record_hits(uses.to_vec()).await.unwrap();
    assert_eq!(number(&store, ROWS).await, 10_001);
    let others = "SELECT misses FROM hits_by_day WHERE domain = 'a' AND path = '(others)'";
    assert_eq!(number(&store, others).await, 2);
    let of_a_path = "SELECT misses FROM hits_by_day WHERE path = '/7'";
    assert_eq!(number(&store, of_a_path).await, 2);
    let hosts = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
        INSERT INTO hits_by_day SELECT '1970-01-01', 'host-' || n, '(others)', 0, 1, 0 FROM n";
    execute(&store, hosts).await;
    let uses = ["b", "c", "a", "host-7"].map(|host| miss(host, "/late"));
    store.record_hits(uses.to_vec()).await.unwrap();
    assert_eq!(number(&store, ROWS).await, 20_001);
    let of_the_rest = "SELECT misses FROM hits_by_day WHERE domain = '(others)'";
    assert_eq!(number(&store, of_the_rest).await, 2);
    assert_eq!(number(&store, MISSES).await, 20_006);
}

#[tokio::test]
async fn the_first_of_very_many_days_go() {
    let store = in_memory().await;
    // A path each for 500 days, and then 30,000 for each of five.
    let days = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 499)
        INSERT INTO hits_by_day SELECT date('2024-01-01', n || ' days'), 'a', '/', 0, 1, 0 FROM n";
    execute(&store, days).await;
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, ROWS).await, 401);
    let many = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 149999)
        INSERT INTO hits_by_day SELECT date('2026-01-01', (n % 5) || ' days'), 'a', '/' || n, 0, 1, 0 FROM n;
        DELETE FROM performance_metrics;";
    execute(&store, many).await;
    store.cleanup().await.unwrap();
    let first = "SELECT min(day) = '2026-01-02' FROM hits_by_day";
    assert_eq!(number(&store, first).await, 1);
    assert_eq!(number(&store, ROWS).await, 120_000);
}
