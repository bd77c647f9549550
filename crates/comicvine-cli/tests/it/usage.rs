//! Wrong usage and settings: status 2, and an error that names the remedy.

use std::fs;
use std::path::Path;

use comicvine_fake::FakeServer;
use store_sqlite::SqliteDatabase;

use crate::{Home, fake, run};

#[tokio::test]
async fn wrong_resources_and_wrong_ids_have_errors_of_their_own() {
    let home = Home::new();
    let cases: [(&[&str], &[&str]); 10] = [
        (
            &["get", "issu", "1"],
            &["`issu` is no resource; did you mean `issue`?"],
        ),
        (&["list", "4000"], &["`4000` is no resource", "story_arc"]),
        (
            &["list", "volum"],
            &["`volum` is no resource; did you mean `volume`?"],
        ),
        (
            &["search", "a", "--resources", "volume,isue"],
            &["`isue` is no resource; did you mean `issue`?"],
        ),
        (
            &["get", "issue", "4050-3"],
            &["4050-3 is a volume id", "begins with 4000-"],
        ),
        (
            &["get", "issue", "9999-3"],
            &["prefix no resource uses", "begins with 4000-"],
        ),
        (
            &["get", "volume", "1", "2", "3"],
            &["write one id", "rows of a list"],
        ),
        (
            &["get", "issue", "three"],
            &["`three` is not an issue id", "4000-123"],
        ),
        (
            &["get", "issue"],
            &["write <ID> behind it", "`comicvine get issue 4000-123`"],
        ),
        (
            &["fetch", "issue", "1"],
            &["unrecognized subcommand 'fetch'", "--help"],
        ),
    ];
    for (arguments, parts) in cases {
        home.run_alone(arguments).await.assert_failed(2, parts);
    }
}

#[tokio::test]
async fn wrong_filters_sorts_and_fields_are_reported_before_anything_is_sent() {
    let home = Home::new();
    let list = |option: &'static str, value: &'static str| ["list", "issues", option, value];
    let cases: [(&[&str], &[&str]); 14] = [
        (
            &list("--filter", "publisher:10"),
            &["issues cannot be filtered by `publisher`", "volume"],
        ),
        (
            &list("--filter", "volume"),
            &["`volume` is not a filter", "field:value"],
        ),
        (
            &list("--filter", "volume:"),
            &["`volume:` is not a filter", "field:value"],
        ),
        (
            &list("--filter", "name:a,colour:b"),
            &["issues cannot be filtered by `colour`"],
        ),
        (&list("--raw", "5ecr3t"), &["--raw takes a parameter like"]),
        (
            &list("--sort", "volume:asc"),
            &["cannot be sorted by `volume`", "cover_date"],
        ),
        (
            &list("--sort", "name:up"),
            &["`name:up` is not a sort order", "field:desc"],
        ),
        (
            &list("--fields", "id,"),
            &["not the name of a field", "cover_date"],
        ),
        (
            &list("--fields", "id,cover_dat"),
            &["issues have no field `cover_dat`; did you mean `cover_date`?"],
        ),
        (
            &["get", "4050-1", "--fields", "publishr"],
            &["volumes have no field `publishr`; did you mean `publisher`?"],
        ),
        (
            &["search", "a", "--fields", "resource_typ"],
            &["no field `resource_typ`; did you mean `resource_type`?"],
        ),
        (&list("--limit", "0"), &["--limit", "1 or more"]),
        (&list("--limit", "-1"), &["--limit", "1 or more"]),
        (
            &["list", "video_types", "--sort", "id"],
            &["video_types cannot be sorted by `id` nor by anything else"],
        ),
    ];
    for (arguments, parts) in cases {
        home.run_alone(arguments).await.assert_failed(2, parts);
    }
    assert!(!home.path("comics.db").exists());
}

#[tokio::test]
async fn parameters_that_the_program_sends_itself_are_refused_without_their_value() {
    let (home, fake) = (Home::new(), fake().await);
    for command in [&["list", "issues"][..], &["search", "a"]] {
        for name in ["api_key", "format", "json_callback", "field_list", "limit"] {
            let raw = format!("{name}=5ecr3t");
            let ran = home.run(&fake, &[command, &["--raw", &raw]].concat()).await;
            ran.assert_failed(2, &[name, "the client sends it itself"]);
            assert!(!ran.stderr.contains("5ecr3t"), "{}", ran.stderr);
        }
    }
    assert_eq!(fake.counts().total().requests(), 0);
}

#[tokio::test]
async fn doubtful_filter_is_sent_with_a_warning() {
    let (home, fake) = (Home::new(), fake().await);
    for (filter, part) in [
        ("name:a,b", "warning: filter value `a,b` holds a `,`"),
        (
            "name:Year: One",
            "warning: filter value `Year: One` holds a `:`",
        ),
        ("image:x", "warning: issues cannot be filtered by `image`"),
    ] {
        let list = ["list", "issues", "--filter", filter, "--limit", "1"];
        let ran = home.run(&fake, &list).await;
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    let raw = ["list", "issues", "--raw", "filter=image:x", "--limit", "1"];
    let ran = home.run(&fake, &raw).await;
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    // The same filter, and so the same answer.
    assert_eq!(fake.counts().path("issues").requests(), 3);
}

#[tokio::test]
async fn wrong_settings_name_the_remedy() {
    let home = Home::new();
    let cases: [(&[&str], &[&str]); 15] = [
        (
            &["budget", "--priority", "high"],
            &["--priority", "user, background"],
        ),
        (
            &["budget", "--max-wait", "soon"],
            &["--max-wait", "`30s`, `10m` or `2h`"],
        ),
        (
            &["budget", "--output", "xml"],
            &["--output", "table, json, jsonl, csv"],
        ),
        (
            &["budget", "--output", "csv"],
            &["csv is a form of get, list, search and types"],
        ),
        (
            &["budget", "--limit-per-hour", "0"],
            &["--limit-per-hour", "`100`", "`200/20s`"],
        ),
        (
            &["budget", "--limit-per-hour", "200/soon"],
            &["--limit-per-hour", "`100`", "`200/20s`"],
        ),
        (
            &["budget", "--spacing", "1"],
            &["--spacing", "`30s`, `10m` or `2h`"],
        ),
        (
            &["budget", "--user-agent", ""],
            &["user agent must be a program name", "such as `my-app/1.0`"],
        ),
        (
            &["list", "issues", "--page-size", "101"],
            &["--page-size", "1 to 100"],
        ),
        (
            &["list", "powers", "--log", "x=["],
            &["--log (or COMIC_VINE_LOG) is not a filter", "`debug`"],
        ),
        (
            &["list", "powers", "--log", "debgu"],
            &["did you mean `debug`?"],
        ),
        (
            &["budget", "--base-url", "ftp://host/"],
            &["base url", "such as https://"],
        ),
        (
            &["search", "a", "--resources", "movie"],
            &["movies cannot be searched; search"],
        ),
        (&["search", ""], &["not a search query"]),
        (
            &["list", "issues", "--all", "--limit", "5"],
            &["--all", "--limit"],
        ),
    ];
    for (arguments, parts) in cases {
        home.run_alone(arguments).await.assert_failed(2, parts);
    }
}

#[tokio::test]
async fn missing_or_unreadable_key_is_an_error() {
    let home = Home::new();
    fs::write(home.path("empty.key"), "\n").unwrap();
    fs::write(home.path("binary.key"), b"\xff\xfe\xff").unwrap();
    let cases: [(Option<&str>, &[&str], &[&str]); 7] = [
        (
            None,
            &["budget"],
            &[
                "set COMIC_VINE_API_KEY",
                "https://comicvine.gamespot.com/api/",
                "--api-key-file",
            ],
        ),
        (
            Some(" "),
            &["get", "issue", "1"],
            &["set COMIC_VINE_API_KEY"],
        ),
        (
            Some("not a key"),
            &["list", "issues"],
            &["the api key is malformed", "copy it from"],
        ),
        (
            None,
            &["budget", "--api-key-file", "none.key"],
            &["none.key", "No such file"],
        ),
        (
            None,
            &["budget", "--api-key-file", "."],
            &["cannot read the api key", "directory"],
        ),
        (
            None,
            &["budget", "--api-key-file", "binary.key"],
            &["binary.key", "holds only the key"],
        ),
        (
            None,
            &["budget", "--api-key-file", "empty.key"],
            &["malformed", "holds only the key"],
        ),
    ];
    for (key, arguments, parts) in cases {
        let mut program = home.program(arguments);
        program.env_remove("COMIC_VINE_API_KEY");
        if let Some(key) = key {
            program.env("COMIC_VINE_API_KEY", key);
        }
        let ran = run(&mut program).await;
        ran.assert_failed(2, parts);
        assert!(!ran.stderr.contains("not a key"));
    }
}

#[tokio::test]
async fn key_file_is_as_good_as_the_environment() {
    let (home, fake) = (
        Home::new(),
        FakeServer::builder()
            .accept_key("abc123")
            .start()
            .await
            .unwrap(),
    );
    fs::write(home.path("key"), "abc123\n").unwrap();
    let list = ["list", "powers", "--limit", "1", "--api-key-file", "key"];
    home.run(&fake, &list).await.printed();
    assert_eq!(fake.counts().without_key, 0);
}

#[tokio::test]
async fn unusable_database_is_named_with_its_remedy() {
    let home = Home::new();
    fs::create_dir(home.path("folder")).unwrap();
    fs::write(
        home.path("text"),
        "this is no database, and long enough to be none",
    )
    .unwrap();
    let cases: [(&str, &[&str]); 5] = [
        (
            "no/such/comics.db",
            &["does not exist", "create", "no/such"],
        ),
        (
            "folder",
            &["a directory, not a file", "name a file inside it"],
        ),
        ("text", &["not a SQLite database", "name another file"]),
        // Neither can be opened, whoever asks.
        ("text/comics.db", &["text/comics.db"]),
        ("/proc/comics.db", &["cannot be accessed", "check the path"]),
    ];
    for (path, parts) in cases {
        let ran = home.run_alone(&["budget", "--db", path]).await;
        ran.assert_failed(2, parts);
        ran.assert_failed(2, &["--db or COMIC_VINE_DB_PATH names the database file"]);
    }
}

#[tokio::test]
async fn read_only_database_is_refused_before_anything_is_sent() {
    let (home, fake) = (Home::new(), fake().await);
    home.run(&fake, &["budget"]).await.printed();
    let file = home.path("comics.db");
    // A write version from the future: SQLite opens such a file for reading only, and no user, not
    // even root, is exempt.
    let mut bytes = fs::read(&file).unwrap();
    bytes[18] = 3;
    fs::write(&file, bytes).unwrap();
    let ran = home.run(&fake, &["list", "powers"]).await;
    ran.assert_failed(
        2,
        &[
            "comics.db`: not writable",
            "--db or COMIC_VINE_DB_PATH names",
        ],
    );
    assert_eq!(fake.counts().total().requests(), 0);
}

#[tokio::test]
async fn database_of_a_newer_version_is_left_alone() {
    let (home, fake) = (Home::new(), fake().await);
    for table in [
        "_migrations_cache",
        "_migrations_dedupe",
        "_migrations_rate_limit",
    ] {
        let name = format!("{table}.db");
        home.run(&fake, &["budget", "--db", &name]).await.printed();
        record_future_migration(&home.path(&name), table).await;
        let ran = home.run(&fake, &["list", "powers", "--db", &name]).await;
        ran.assert_failed(2, &[&name, "newer version", "9999", "upgrade this program"]);
    }
    assert_eq!(fake.counts().total().requests(), 0);
}

async fn record_future_migration(file: &Path, table: &str) {
    let db = SqliteDatabase::open(file).await.unwrap();
    let insert = format!(
        "INSERT INTO {table} (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, x'00', 0)"
    );
    db.write(move |tx| Ok(tx.execute(&insert, [])?))
        .await
        .unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn contradictions_are_refused_before_a_request_is_spent() {
    let (home, fake) = (Home::new(), fake().await);
    for (arguments, named) in [
        (&["--offline", "types", "--refresh"][..], "--offline"),
        (&["--offline", "get", "issue", "1"], "does not exist"),
        (&["get", "4000-1", "4000-2"], "id:4001|4004"),
        (&["get", "2320-1"], "get video_type 2320-1"),
        (&["sync", "issues", "--all", "--out", "-"], "is no file"),
        (
            &["sync", "issues", "--all", "--out", "/dev/full"],
            "is no file",
        ),
        (&["sync", "issues", "--all", "--out", "."], "is no file"),
        (
            &["sync", "issues", "--all", "--out", "no/folder"],
            "no folder",
        ),
        (
            &["sync", "issues", "--filter", "deck:x", "--out", "x"],
            "--ids-from",
        ),
        (
            &["list", "issues", "--filter", "volme:7"],
            "did you mean `volume`",
        ),
    ] {
        let ran = home.run(&fake, arguments).await;
        assert_eq!(ran.status, 2, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(named), "{arguments:?}: {ran:?}");
    }
    assert_eq!(fake.counts().total().requests(), 0);
}
