//! Moments are local where people read them, and in UTC in JSON.

use std::time::Duration;

use comicvine_fake::{Fault, Injection};
use serde_json::Value;

use crate::{Home, fake, run, some_issue};

/// A zone that no database is needed for, 5:30 hours east of Greenwich.
const ZONE: (&str, &str) = ("TZ", "IST-5:30");

#[tokio::test]
async fn moments_are_local_with_their_offset_and_json_is_in_utc() {
    let (home, fake) = (Home::new(), fake().await);
    fake.inject(Injection::new(Fault::Forbidden).retry_after(Duration::from_mins(30)));
    let here =
        async |arguments: &[&str]| run(home.against(&fake, arguments).env(ZONE.0, ZONE.1)).await;
    let list = ["list", "issues", "--limit", "1"];
    let blocked = here(&list).await;
    blocked.assert_failed(1, &["send nothing until ", " +05:30"]);
    let again = here(&list).await;
    again.assert_failed(1, &["issues has to wait until ", " +05:30"]);
    let budget = here(&["budget"]).await;
    assert!(budget.printed().contains(" +05:30."), "{}", budget.stdout);
    let json = here(&["budget", "--output", "json"]).await;
    let json: Value = serde_json::from_str(json.printed()).unwrap();
    let until = json["origin"]["cooldown_until"].as_str().unwrap();
    assert!(until.ends_with('Z'), "{until}");
}

#[tokio::test]
async fn cached_answer_tells_local_moments_and_json_those_in_utc() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    home.run(&fake, &["get", "issue", &issue]).await.printed();
    let listed = home.run(&fake, &["cache", "list"]).await;
    assert!(listed.printed().contains("s ago"), "{}", listed.stdout);
    let listed = home.run(&fake, &["cache", "list", "-o", "jsonl"]).await;
    let entry: Value = serde_json::from_str(listed.printed()).unwrap();
    assert!(entry["created_at"].as_str().unwrap().ends_with('Z'));
    let show = ["cache", "show", entry["key"].as_str().unwrap()];
    let shown = run(home.against(&fake, &show).env(ZONE.0, ZONE.1)).await;
    assert!(shown.stderr.starts_with("fetched at "), "{}", shown.stderr);
    assert_eq!(shown.stderr.matches(" +05:30").count(), 2);
}

#[tokio::test]
async fn log_is_in_local_time() {
    let (home, fake) = (Home::new(), fake().await);
    let log = "comicvine_client=debug";
    let list = ["list", "powers", "-o", "jsonl", "--log", log];
    let ran = run(home.against(&fake, &list).env(ZONE.0, ZONE.1)).await;
    let time = ran.stderr.split_whitespace().next().unwrap();
    assert!(time.ends_with("+05:30"), "{}", ran.stderr);
}
