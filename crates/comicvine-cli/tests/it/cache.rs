//! Answers from the cache: in later runs, in other processes, and at the same time.

use crate::{Home, fake, run, some_issue};

#[tokio::test]
async fn second_get_is_answered_from_the_cache_by_another_process() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let arguments = ["get", "issue", &issue, "--base-url", fake.base_url()];
    let first = run(&mut home.program(arguments)).await;
    let again = run(&mut home.program(arguments)).await;
    assert_eq!(first.printed(), again.printed());
    assert!(first.stdout.contains("cover date"), "{}", first.stdout);
    assert_eq!(first.stderr, "fetched now\n");
    assert!(
        again.stderr.starts_with("from the cache, fetched "),
        "{again:?}"
    );
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn cached_answer_needs_no_server() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let fetched = home.run(&fake, &["get", "issue", &issue]).await;
    let url = fake.base_url().to_owned();
    fake.stop().await;
    let mut offline = home.program(["get", "issue", &issue, "--base-url", &url]);
    offline.env("COMIC_VINE_DB_PATH", home.path("comics.db"));
    assert_eq!(run(&mut offline).await.printed(), fetched.printed());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn database_is_in_the_data_directory_unless_it_is_named() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let arguments = ["get", "issue", &issue, "--base-url", fake.base_url()];
    run(&mut home.program(arguments)).await.printed();
    assert!(home.default_database().is_file());

    let named = home.path("named.db");
    let mut program = home.program(arguments);
    program
        .arg("--db")
        .arg(&named)
        .env("COMIC_VINE_DB_PATH", home.path("other.db"));
    run(&mut program).await.printed();
    assert!(named.is_file() && !home.path("other.db").exists());
    assert_eq!(fake.counts().path("issue").requests(), 2);
}

#[tokio::test]
async fn refresh_asks_although_an_answer_is_cached() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    home.run(&fake, &["get", "issue", &issue]).await.printed();
    let refreshed = home
        .run(&fake, &["get", "issue", &issue, "--refresh"])
        .await;
    refreshed.printed();
    assert_eq!(refreshed.stderr, "fetched now\n");
    assert_eq!(fake.counts().path("issue").requests(), 2);
}

#[tokio::test]
async fn processes_that_ask_at_the_same_time_send_one_request() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let arguments = ["get", "issue", &issue, "--output", "jsonl"];
    let one = || home.run(&fake, &arguments);
    let (first, second, third) = tokio::join!(one(), one(), one());
    assert_eq!(first.printed(), second.printed());
    assert_eq!(first.printed(), third.printed());
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn id_is_the_same_with_its_prefix_without_and_as_an_address() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let number = issue.trim_start_matches("4000-").to_owned();
    let page = format!("https://comicvine.gamespot.com/some-title-1/{issue}/");
    let answers = [
        home.run(&fake, &["get", "issue", &issue]).await,
        home.run(&fake, &["get", "issues", &number]).await,
        home.run(&fake, &["get", "Issue", &page]).await,
        home.run(&fake, &["get", &issue]).await,
        home.run(&fake, &["get", &page]).await,
        home.run(
            &fake,
            &["get", &format!("{}issue/{issue}/", fake.base_url())],
        )
        .await,
    ];
    assert!(
        answers
            .iter()
            .all(|answer| answer.printed() == answers[0].stdout)
    );
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn offline_answers_from_the_cache_without_a_key_and_sends_nothing() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let get = ["get", "issue", &issue, "--base-url", fake.base_url()];
    let offline = [get.as_slice(), &["--offline"]].concat();
    let missing = run(&mut home.program(offline.clone())).await;
    assert_eq!(missing.status, 1, "{missing:?}");
    assert!(missing.stderr.contains("is not cached"), "{missing:?}");

    let fetched = run(&mut home.program(get)).await;
    let mut without_key = home.program(offline.clone());
    without_key.env_remove("COMIC_VINE_API_KEY");
    assert_eq!(run(&mut without_key).await.printed(), fetched.printed());
    assert_eq!(fake.counts().path("issue").requests(), 1);

    let both = run(home.program(offline).arg("--refresh")).await;
    assert_eq!(both.status, 2, "{both:?}");
}
