//! Naming the store: `--store`, `--db` and the environment.

use crate::{Home, fake, files, run, some_issue};

#[tokio::test]
async fn file_is_named_by_a_relative_absolute_or_encoded_path() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let absolute = home.path("absolute.db");
    let absolute = format!("sqlite://{}", absolute.to_str().unwrap());
    for (url, name) in [
        ("sqlite://relative.db", "relative.db"),
        (&absolute, "absolute.db"),
        ("sqlite://with%20space%3F.db", "with space?.db"),
    ] {
        let arguments = ["get", "issue", &issue, "--store", url];
        home.run(&fake, &arguments).await.printed();
        assert!(home.path(name).exists(), "{url}");
    }
    // The same file by its other name.
    let before = fake.counts().path("issue").requests();
    let again = ["get", "issue", &issue, "--db", "relative.db"];
    home.run(&fake, &again).await.printed();
    assert_eq!(fake.counts().path("issue").requests(), before);
}

#[tokio::test]
async fn a_file_with_a_tier_in_memory_is_shared_as_any_other() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let get = ["get", "issue", &issue, "--store", "tiered+sqlite://a.db"];
    for _ in 0..2 {
        home.run(&fake, &get).await.printed();
    }
    let plain = ["get", "issue", &issue, "--db", "a.db"];
    home.run(&fake, &plain).await.printed();
    assert_eq!(fake.counts().path("issue").requests(), 1);

    // What is about the file is about this file.
    let list = ["cache", "list", "--store", "tiered+sqlite://a.db"];
    assert!(home.run_alone(&list).await.printed().contains("issue"));
    let status = ["db", "status", "--store", "tiered+sqlite://a.db"];
    home.run_alone(&status).await.printed();
}

#[tokio::test]
async fn memory_stores_nothing_on_disk() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let arguments = ["get", "issue", &issue, "--store", "memory://"];
    for _ in 0..2 {
        let got = home.run(&fake, &arguments).await;
        assert!(got.printed().contains("cover date"));
        assert_eq!(got.stderr, "fetched now\n");
    }
    assert_eq!(fake.counts().path("issue").requests(), 2);
    assert!(files(home.0.path()).is_empty());
    let stats = home
        .run_alone(&["cache", "stats", "--store", "memory://"])
        .await;
    assert!(stats.printed().contains("cached answers"));
}

#[tokio::test]
async fn operations_of_files_only_are_refused_for_memory() {
    let home = Home::new();
    for (command, part) in [
        (&["vacuum"][..], "nothing to compact"),
        (&["check"], "nothing to check"),
        (&["backup", "copy.db"], "nothing to copy"),
    ] {
        let arguments = [&["cache"], command, &["--store", "memory://"]].concat();
        home.run_alone(&arguments)
            .await
            .assert_failed(2, &[part, "sqlite://comics.db"]);
    }
}

#[tokio::test]
async fn environment_names_the_store_unless_it_is_typed() {
    let (home, fake) = (Home::new(), fake().await);
    let run = async |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut program = home.program(["list", "powers", "--limit", "1"].iter().chain(arguments));
        program
            .env("COMIC_VINE_BASE_URL", fake.base_url())
            .envs(variables.iter().copied());
        run(&mut program).await
    };
    let (store, db) = ("COMIC_VINE_STORE", "COMIC_VINE_DB_PATH");
    run(&[(store, "sqlite://a.db")], &[]).await.printed();
    run(&[(store, "redis://a")], &["--db", "b.db"])
        .await
        .printed();
    run(&[(db, "no/such/c.db")], &["--store", "sqlite://c.db"])
        .await
        .printed();
    for name in ["a.db", "b.db", "c.db"] {
        assert!(home.path(name).exists(), "{name}");
    }
    run(&[(store, "memory://"), (db, "d.db")], &[])
        .await
        .assert_failed(2, &[store, db, "unset one"]);
    run(&[(store, "redis://5ecr3t")], &[])
        .await
        .assert_failed(2, &["COMIC_VINE_STORE begins with a scheme", "dynamodb://"]);
}

#[tokio::test]
async fn wrong_addresses_name_the_remedy_and_no_secret() {
    let home = Home::new();
    for (url, parts) in [
        (
            "comics.db",
            &["--store", "sqlite://PATH", "goes to --db"][..],
        ),
        ("redis://5ecr3t@host", &["a scheme", "dynamodb://TABLE"]),
        ("dynamodb://?region=eu-central-1", &["names no table"]),
        (
            "dynamodb://comics?ttl=5ecr3t",
            &["`ttl`", "`region` and `endpoint` only"],
        ),
        (
            "dynamodb://AKIA:5ecr3t@comics",
            &["holds credentials", "AWS_PROFILE"],
        ),
        (
            "dynamodb://comics?secret=5ecr3t",
            &["holds credentials", "AWS_PROFILE"],
        ),
        ("sqlite://comics.db?mode=5ecr3t", &["sqlite://", "%3F"]),
    ] {
        for command in [&["budget"][..], &["cache", "list"], &["get", "issue", "1"]] {
            let arguments = [command, &["--log", "trace", "--store", url]].concat();
            let ran = home.run_alone(&arguments).await;
            ran.assert_failed(2, parts);
            assert!(!ran.stderr.contains("5ecr3t"), "{}", ran.stderr);
        }
    }
    home.run_alone(&["budget", "--store", "memory://", "--db", "comics.db"])
        .await
        .assert_failed(2, &["--store and --db", "omit one of them"]);
}
