//! Failures of the API, the network and the disk: status 1, the cause, and the remedy.

use std::num::NonZeroU32;
use std::time::Duration;

use comicvine_fake::{FakeServer, Fault, Injection};

use crate::{Home, fake, some_issue};

fn always(fault: Fault) -> Injection {
    Injection::new(fault).times(NonZeroU32::MAX)
}

#[tokio::test]
async fn resource_that_does_not_exist_is_not_found() {
    let (home, fake) = (Home::new(), fake().await);
    let ran = home.run(&fake, &["get", "issue", "999999999"]).await;
    ran.assert_failed(
        1,
        &["issue 4000-999999999 does not exist", "comicvine search"],
    );
}

#[tokio::test]
async fn refused_key_is_reported_with_where_to_check_it() {
    let home = Home::new();
    let fake = FakeServer::builder()
        .accept_key("another")
        .start()
        .await
        .unwrap();
    let ran = home.run(&fake, &["list", "powers"]).await;
    ran.assert_failed(
        1,
        &["refuses the api key", "https://comicvine.gamespot.com/api/"],
    );
}

#[tokio::test]
async fn every_kind_of_block_is_reported_and_persisted() {
    let cases: [(Fault, &[&str]); 3] = [
        (
            Fault::RateLimited,
            &["has to wait until", "do not use the key"],
        ),
        (
            Fault::Forbidden,
            &["refuses this client", "send nothing until"],
        ),
        (
            Fault::AbnormalTraffic,
            &["abnormal traffic", "send nothing until"],
        ),
    ];
    for (fault, parts) in cases {
        let (home, fake) = (Home::new(), fake().await);
        let issue = some_issue(&fake);
        fake.inject(Injection::new(fault));
        home.run(&fake, &["get", "issue", &issue])
            .await
            .assert_failed(1, parts);
        let again = home.run(&fake, &["get", "issue", &issue]).await;
        again.assert_failed(1, &["comic vine asked for a break", "still shown"]);
        assert_eq!(fake.counts().total().requests(), 1);
    }
}

#[tokio::test]
async fn block_does_not_hide_what_is_in_the_cache() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let fetched = home.run(&fake, &["get", "issue", &issue]).await;
    fake.inject(always(Fault::Forbidden));
    home.run(&fake, &["list", "powers"])
        .await
        .assert_failed(1, &[]);
    let hit = home.run(&fake, &["get", "issue", &issue]).await;
    assert_eq!(hit.printed(), fetched.printed());
}

#[tokio::test]
async fn server_error_is_reported_with_its_status() {
    let cases = [(Fault::Unavailable, "503"), (Fault::InternalError, "500")];
    for (fault, status) in cases {
        let (home, fake) = (Home::new(), fake().await);
        fake.inject(always(fault));
        let list = ["list", "powers", "--max-wait", "2s"];
        let ran = home.run(&fake, &list).await;
        ran.assert_failed(1, &["comic vine is unavailable", status, "try again later"]);
    }
}

#[tokio::test]
async fn interrupted_answers_are_reported_and_not_blamed_on_the_base_url() {
    let broken = async |fault| {
        let (home, fake) = (Home::new(), fake().await);
        fake.inject(always(fault));
        let list = ["list", "powers", "--max-wait", "2s"];
        home.run(&fake, &list).await
    };
    let (cut_off, reset) = tokio::join!(broken(Fault::CutOff), broken(Fault::Reset));
    for ran in [cut_off, reset] {
        ran.assert_failed(1, &["was interrupted", "try again later", "--offline"]);
        assert!(!ran.stderr.contains("base-url"), "{ran:?}");
    }
}

#[tokio::test]
async fn missing_server_is_reported_with_what_to_check() {
    let ran = Home::new().run_alone(&["list", "powers"]).await;
    ran.assert_failed(1, &["cannot reach comic vine", "refused", "--base-url"]);
}

#[tokio::test]
async fn database_is_closed_properly_after_a_failure() {
    let (home, fake) = (Home::new(), fake().await);
    home.run(&fake, &["get", "issue", "999999999"])
        .await
        .assert_failed(1, &[]);
    assert!(home.path("comics.db").exists());
    assert!(!home.path("comics.db-wal").exists());
}

#[tokio::test]
async fn timeout_names_the_option_that_allows_more() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let delay = Duration::from_mins(1);
    fake.inject(always(Fault::Slow { delay }));
    let get = ["get", "issue", &issue, "--timeout", "200ms"];
    let ran = home
        .run(&fake, &[&get[..], &["--max-wait", "0s"]].concat())
        .await;
    ran.assert_failed(1, &["no complete response within the timeout", "--timeout"]);
    // With the time that the server takes, the advice is true.
    fake.clear_injections();
    let delay = Duration::from_millis(300);
    fake.inject(Injection::new(Fault::Slow { delay }));
    let get = ["get", "issue", &issue, "--timeout", "20s"];
    home.run(&fake, &get).await.printed();
    let get = ["get", "issue", &issue, "--timeout", "0s"];
    let zero = home.run(&fake, &get).await;
    zero.assert_failed(2, &["above zero"]);
}

#[tokio::test]
async fn old_answer_in_place_of_a_new_one_is_told_in_every_format() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let commands: [&[&str]; 4] = [
        &["get", "issue", &issue],
        &["list", "powers"],
        &["search", "spider man"],
        &["types"],
    ];
    for command in commands {
        home.run(&fake, command).await.printed();
    }
    fake.inject(always(Fault::Maintenance));
    for command in commands {
        for format in ["table", "json", "csv"] {
            let more = ["--refresh", "--max-wait", "0s", "--output", format];
            let ran = home.run(&fake, &[command, &more].concat()).await;
            ran.printed();
            let said = "no newer answer is available";
            assert!(ran.stderr.contains(said), "{command:?} {format}: {ran:?}");
        }
    }
}
