//! Answers in the file of an HTTP cache.

use std::fs;

use crate::{Home, fake, some_issue};

const FILE: [&str; 2] = ["--http-cache", "answers.db"];

fn with_file<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &FILE].concat()
}

#[tokio::test]
async fn answers_are_in_the_file_and_limits_in_the_store() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let get = with_file(&["get", "issue", &issue]);
    let first = home.run(&fake, &get).await;
    assert_eq!(first.stderr, "fetched now\n");
    let offline = with_file(&["get", "issue", &issue, "--offline"]);
    assert_eq!(home.run(&fake, &offline).await.printed(), first.printed());
    assert_eq!(fake.counts().path("issue").requests(), 1);

    let list = home.run_alone(&with_file(&["cache", "list"])).await;
    assert!(list.printed().contains("issue 4000-"));
    let of_store = home.run_alone(&["cache", "list"]).await;
    assert!(of_store.printed().contains("no such answer"));
    // Whoever shares the store keeps within the same limits.
    let budget = home.run(&fake, &["budget", "--output", "json"]).await;
    assert!(
        budget.printed().contains("\"issue\""),
        "{}",
        budget.printed()
    );
}

#[tokio::test]
async fn the_environment_names_the_file_too() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let mut get = home.against(&fake, &["get", "issue", &issue]);
    get.env("COMIC_VINE_HTTP_CACHE", home.path("answers.db"));
    crate::run(&mut get).await.printed();
    let list = home.run_alone(&with_file(&["cache", "list"])).await;
    assert!(list.printed().contains("issue 4000-"));
}

#[tokio::test]
async fn migrated_answers_are_asked_for_once() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let get = ["get", "issue", &issue, "--output", "json"];
    let search = ["search", "a", "--output", "json"];
    let before = [
        home.run(&fake, &get).await.printed().to_owned(),
        home.run(&fake, &search).await.printed().to_owned(),
    ];
    let migrate = with_file(&["cache", "migrate"]);
    let migrated = home.run_alone(&migrate).await;
    assert!(
        migrated.printed().starts_with("copied 2 answers; "),
        "{}",
        migrated.printed()
    );
    // Again: what is there stays.
    let again = home.run_alone(&migrate).await;
    assert!(
        again
            .printed()
            .starts_with("copied 0 answers, kept 2 that were there; "),
        "{}",
        again.printed()
    );
    let sent = fake.counts().total().requests();
    assert_eq!(home.run(&fake, &with_file(&get)).await.printed(), before[0]);
    assert_eq!(
        home.run(&fake, &with_file(&search)).await.printed(),
        before[1]
    );
    assert_eq!(fake.counts().total().requests(), sent);
}

#[tokio::test]
async fn the_file_is_looked_after_as_the_store_is() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let get = with_file(&["get", "issue", &issue]);
    home.run(&fake, &get).await.printed();
    for (arguments, said) in [
        (&["cache", "stats"][..], "HTTP cache"),
        (&["cache", "check"], "the HTTP cache is intact"),
        (&["cache", "vacuum"], "the HTTP cache: "),
        (&["cache", "backup", "copy.db"], "copied the HTTP cache"),
        (&["cache", "clear", "--all"], "1 answer"),
    ] {
        let ran = home.run_alone(&with_file(arguments)).await;
        assert!(ran.printed().contains(said), "{said}: {}", ran.printed());
    }
    let copy = ["cache", "list", "--http-cache", "copy.db"];
    assert!(
        home.run_alone(&copy)
            .await
            .printed()
            .contains("issue 4000-")
    );
    let list = home.run_alone(&with_file(&["cache", "list"])).await;
    assert!(list.printed().contains("no such answer"));
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_a_remedy() {
    let home = Home::new();
    fs::write(home.path("text.db"), "no database".repeat(100)).unwrap();
    let cases: [(&[&str], &[&str]); 3] = [
        (
            &["cache", "list", "--http-cache", "none.db"],
            &["none.db does not exist", "--http-cache"],
        ),
        (
            &["cache", "check", "--http-cache", "text.db"],
            &["the HTTP cache text.db", "--http-cache"],
        ),
        (&["cache", "migrate"], &["--http-cache PATH"]),
    ];
    // The store is there.
    home.run_alone(&["budget"]).await.printed();
    for (arguments, parts) in cases {
        home.run_alone(arguments).await.assert_failed(2, parts);
    }
}
