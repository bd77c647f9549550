//! `comicvine db` from a shell.

use serde_json::Value;

use crate::inspection::NPM_FILE;
use crate::{Home, RunResult, run};

async fn db(home: &Home, arguments: &[&str]) -> RunResult {
    let mut program = home.program(["db"].iter().chain(arguments));
    program.env_remove("COMIC_VINE_API_KEY");
    run(&mut program).await
}

#[tokio::test]
async fn a_database_goes_up_and_down_again_by_command() {
    let home = Home::new();
    let migrate = async |rest: &[&str]| db(&home, &[&["--db", "comics.db"], rest].concat()).await;
    let missing = migrate(&["up"]).await;
    missing.assert_failed(2, &["does not exist", "comicvine db up --create"]);

    let made = migrate(&["up", "--create"]).await;
    assert!(made.printed().contains("applied now"), "{made:?}");

    let back = migrate(&["down", "1", "--component", "cache"]).await;
    assert_eq!(back.printed().matches("reverted now").count(), 1);

    let plan = migrate(&["plan"]).await;
    assert_eq!(plan.printed().matches("-- cache ").count(), 1, "{plan:?}");

    let json = migrate(&["status", "--output", "json"]).await;
    let json: Value = serde_json::from_str(json.printed()).unwrap();
    let states = json["migrations"].as_array().unwrap().iter();
    assert_eq!(states.filter(|it| it["state"] == "pending").count(), 1);

    // The option before the action, as scripts may have it.
    let up = migrate(&["--component", "cache", "up"]).await;
    assert_eq!(up.printed().matches("applied now").count(), 1);
    assert!(!migrate(&["status"]).await.printed().contains("pending"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_as_it_is() {
    let home = Home::new();
    let text = "not a database, ".repeat(1_000);
    std::fs::write(home.path("notes.txt"), &text).unwrap();
    // `--database` is an older name of `--db`.
    let ran = db(&home, &["--database", "notes.txt", "up"]).await;
    ran.assert_failed(2, &["not a SQLite database"]);
    let left = std::fs::read_to_string(home.path("notes.txt")).unwrap();
    assert_eq!(left, text);
}

#[tokio::test]
async fn file_of_the_npm_package_is_migrated_in_advance_after_a_backup() {
    let home = Home::new();
    let npm = rusqlite::Connection::open(home.path("comics.db")).unwrap();
    npm.execute_batch(NPM_FILE).unwrap();
    npm.close().unwrap();
    let backup = home.path("comics.db.npm-backup");
    let plan = db(&home, &["plan", "--db", "comics.db"]).await;
    assert!(plan.printed().contains("-- cache "), "{plan:?}");
    assert!(!backup.exists());
    let up = db(&home, &["up", "--db", "comics.db"]).await;
    assert!(up.printed().contains("applied now"), "{up:?}");
    assert!(backup.is_file());
    let backup = rusqlite::Connection::open(backup).unwrap();
    let columns = "SELECT count(*) FROM pragma_table_info('cache')";
    let columns = backup.query_row(columns, [], |row| row.get::<_, i64>(0));
    assert_eq!(columns, Ok(4), "the table as it was");
}

#[tokio::test]
async fn rows_are_lost_only_with_consent() {
    let home = Home::new();
    let fake = crate::fake().await;
    let list = ["list", "powers", "--limit", "1"];
    home.run(&fake, &list).await.printed();
    let down = ["--db", "comics.db", "down", "9", "--component", "cache"];
    let refused = db(&home, &down).await;
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("--yes"), "{refused:?}");
    assert!(refused.stdout.contains("rows"), "{refused:?}");
    db(&home, &[&down[..], &["--yes"]].concat()).await.printed();
}

#[tokio::test]
async fn file_is_the_one_of_every_other_command() {
    let home = Home::new();
    let mut program = home.program(["db", "up", "--create"]);
    program.env("COMIC_VINE_DB_PATH", home.path("named.db"));
    run(&mut program).await.printed();
    assert!(home.path("named.db").is_file());
    let url = ["up", "--create", "--store", "sqlite://other.db"];
    db(&home, &url).await.printed();
    assert!(home.path("other.db").is_file());
    for (store, remedy) in [
        ("memory://", "--db"),
        ("dynamodb://comics", "comicvine table"),
    ] {
        let ran = db(&home, &["status", "--store", store]).await;
        ran.assert_failed(2, &["no schema to migrate", remedy]);
    }
}
