//! Maintenance of the database file: `comicvine cache`.

use serde_json::Value;
use sqlite_database::DatabaseOptions;
use store_core::{HOUR, Key, Ttl, TypedCache};
use store_sqlite::SqliteDatabase;

use crate::{Home, RunResult, fake, run};

/// A home whose file holds one issue and one page of volumes.
async fn filled() -> Home {
    let (home, fake) = (Home::new(), fake().await);
    let (_, ids) = fake
        .detail_ids()
        .into_iter()
        .find(|(kind, _)| kind == "issue")
        .unwrap();
    let id = ids[0].to_string();
    home.run(&fake, &["get", "issue", &id]).await.printed();
    home.run(&fake, &["list", "volumes", "--limit", "3"])
        .await
        .printed();
    home
}

async fn cache(home: &Home, arguments: &[&str]) -> RunResult {
    let mut program = home.program(["cache"].iter().chain(arguments));
    program
        .env_remove("COMIC_VINE_API_KEY")
        .env("COMIC_VINE_DB_PATH", home.path("comics.db"));
    run(&mut program).await
}

async fn entries(home: &Home) -> Vec<Value> {
    let listed = cache(home, &["list", "--output", "json"]).await;
    let mut page: Value = serde_json::from_str(listed.printed()).unwrap();
    page["entries"].as_array_mut().map(std::mem::take).unwrap()
}

// covers("A4", "A9", "A14", "A19")
#[tokio::test]
async fn cached_answers_are_counted_and_listed_without_a_key() {
    let home = filled().await;
    let stats = cache(&home, &["stats", "--output", "json"]).await;
    let stats: Value = serde_json::from_str(stats.printed()).unwrap();
    assert_eq!(stats["answers"]["total"], 2);
    assert_eq!(stats["jobs"]["pending"], 0);
    assert!(stats["limits"]["admissions"].as_u64() >= Some(2));
    assert!(stats["file"]["bytes"].as_u64() > Some(0));
    assert!(stats["file"]["free_bytes"].is_u64() && stats["file"]["wal_bytes"].is_u64());
    assert!(
        cache(&home, &["stats"])
            .await
            .printed()
            .contains("cached answers")
    );
    assert_eq!(entries(&home).await.len(), 2);
    let table = cache(&home, &["list", "--limit", "1"]).await;
    assert!(table.printed().contains("comicvine:"));
    assert!(table.stderr.contains("--after"));
}

#[tokio::test]
async fn cached_answer_is_shown_and_deleted() {
    let home = filled().await;
    for entry in entries(&home).await {
        let key = entry["key"].as_str().unwrap();
        let shown = cache(&home, &["show", key, "--output", "json"]).await;
        let answer: Value = serde_json::from_str(shown.printed()).unwrap();
        assert_eq!(answer["status_code"], 1);
        assert!(shown.stderr.contains("fresh until"));
        assert_eq!(
            cache(&home, &["delete", key]).await.printed(),
            "deleted 1 answer\n"
        );
        cache(&home, &["show", key])
            .await
            .assert_failed(1, &["has no entry"]);
    }
    assert!(entries(&home).await.is_empty());
}

#[tokio::test]
async fn answers_are_deleted_by_tag_by_scope_and_all_together() {
    let home = filled().await;
    let deleted = cache(&home, &["invalidate", "volumes"]).await;
    assert_eq!(deleted.printed(), "deleted 1 answer\n");
    let other = cache(&home, &["clear", "--scope", "other"]).await;
    assert_eq!(other.printed(), "deleted 0 answers\n");
    let all = cache(&home, &["clear", "--all"]).await;
    assert_eq!(all.printed(), "deleted 1 answer\n");
    cache(&home, &["clear"])
        .await
        .assert_failed(2, &["--scope", "--all"]);
    cache(&home, &["clear", "--scope", "a:b"])
        .await
        .assert_failed(2, &["colon"]);
}

#[tokio::test]
async fn cache_commands_create_no_file() {
    let home = Home::new();
    for command in [
        &["stats"][..],
        &["list"],
        &["clear", "--all"],
        &["check"],
        &["vacuum"],
        &["backup", "copy.db"],
    ] {
        let missing = cache(&home, command).await;
        missing.assert_failed(2, &["comics.db does not exist", "comicvine get", "--db"]);
        let default = run(&mut home.program(["cache"].iter().chain(command))).await;
        default.assert_failed(2, &["does not exist"]);
    }
    assert!(!home.path("comics.db").exists());
    assert!(!home.default_database().parent().unwrap().exists());
}

#[tokio::test]
async fn cache_commands_migrate_no_file() {
    let home = Home::new();
    let path = home.path("comics.db");
    let options = DatabaseOptions::default();
    let db = SqliteDatabase::open_with(&path, options).await.unwrap();
    let of_another = "CREATE TABLE cache (hash TEXT PRIMARY KEY, value TEXT, expires_at INTEGER)";
    let made = db.write(|tx| Ok(tx.execute_batch(of_another)?));
    made.await.unwrap();
    db.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    for command in [&["stats"][..], &["clear", "--all"], &["cleanup"]] {
        let old = cache(&home, command).await;
        old.assert_failed(2, &["older schema", "comicvine db plan", "comicvine db up"]);
    }
    assert!(std::fs::read(&path).unwrap() == before);
}

#[tokio::test]
async fn value_of_an_original_package_is_shown() {
    let home = Home::new();
    let db = SqliteDatabase::open(home.path("comics.db")).await.unwrap();
    store_sqlite::migrate(&db).await.unwrap();
    let stores = store_sqlite::stores(&db);
    let legacy = bytes::Bytes::from_static(br#""{\"id\":7,\"name\":\"Issue 7\"}""#);
    let key = Key::new("k0007").unwrap();
    let entry = store_core::NewEntry::unconditional(key.clone(), legacy).with_ttl(Ttl::After(HOUR));
    let store = stores.cache.unwrap();
    store.set(entry).await.unwrap();
    let typed: TypedCache<Value> = TypedCache::new(store);
    assert_eq!(typed.get(&key).await.unwrap().hit().unwrap()["id"], 7);
    db.close().await.unwrap();
    let shown = cache(&home, &["show", "k0007"]).await;
    assert!(shown.printed().contains("Issue 7"));
}

#[tokio::test]
async fn list_tells_what_each_answer_is_about() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = crate::some_issue(&fake);
    for arguments in [
        &["get", &issue][..],
        &["list", "issues", "--filter", "volume:701", "--limit", "3"],
        &["list", "volumes", "--limit", "3"],
        &["search", "the", "fox", "--limit", "5"],
        &["types"],
    ] {
        home.run(&fake, arguments).await.printed();
    }
    let table = cache(&home, &["list"]).await;
    let issue_line = format!("issue {issue}");
    for part in [&*issue_line, "issues?filter=", "volumes?limit=3", "types"] {
        assert!(table.printed().contains(part), "{part}: {}", table.stdout);
    }
    let entries = entries(&home).await;
    let requests: Vec<_> = entries
        .iter()
        .filter_map(|e| e["request"].as_str())
        .collect();
    for request in [
        "issues?filter=volume:701&limit=3&offset=0",
        "volumes?limit=3&offset=0",
        "search?limit=5&page=1&query=the fox",
        "types",
    ] {
        assert!(requests.contains(&request), "{request}: {requests:?}");
    }
    let of_issues = cache(&home, &["list", "--kind", "issues", "-o", "json"]).await;
    let of_issues: Value = serde_json::from_str(of_issues.printed()).unwrap();
    let of_issues = of_issues["entries"].as_array().unwrap();
    assert_eq!(of_issues.len(), 2);
    assert!(of_issues.iter().all(|entry| entry["kind"] == "issue"));
    let number = |entry: &Value| Some(format!("4000-{}", entry["id"].as_u64()?));
    assert!(of_issues.iter().filter_map(number).eq([issue]));
    let one = cache(&home, &["list", "--kind", "issues", "--limit", "1"]).await;
    assert!(one.stderr.contains("there is more"), "{}", one.stderr);
    let none = cache(&home, &["list", "--kind", "team"]).await;
    assert_eq!(none.printed(), "the cache has no such answer\n");
}

#[tokio::test]
async fn key_may_be_shortened_as_the_table_shows_it() {
    let home = filled().await;
    let all = entries(&home).await;
    let key = all[0]["key"].as_str().unwrap();
    let short = &key[.."comicvine:".len() + 12];
    let table = cache(&home, &["list"]).await;
    assert!(table.printed().contains(short), "{}", table.stdout);
    let listed = cache(&home, &["list", "--prefix", short, "-o", "jsonl"]).await;
    assert_eq!(listed.printed().lines().count(), 1);
    cache(&home, &["show", short]).await.printed();
    cache(&home, &["show", "comicvine:"])
        .await
        .assert_failed(2, &["several keys begin with comicvine:", "--prefix"]);
    cache(&home, &["delete", short]).await.printed();
    cache(&home, &["show", short])
        .await
        .assert_failed(1, &["has no entry"]);
}

// covers("A26")
#[tokio::test]
async fn file_is_checked_compacted_and_copied_while_in_use() {
    let home = filled().await;
    assert_eq!(
        cache(&home, &["check"]).await.printed(),
        "the file is intact\n"
    );
    cache(&home, &["cleanup"]).await.printed();
    assert!(cache(&home, &["vacuum"]).await.printed().contains("before"));
    cache(&home, &["backup", "copy.db"]).await.printed();
    cache(&home, &["backup", "copy.db"])
        .await
        .assert_failed(2, &["copy.db"]);
    std::fs::rename(home.path("copy.db"), home.path("comics.db")).unwrap();
    assert_eq!(entries(&home).await.len(), 2);
}

#[tokio::test]
async fn damaged_file_is_reported() {
    let home = filled().await;
    let path = home.path("comics.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..] {
        *byte ^= 0x5a;
    }
    std::fs::write(&path, bytes).unwrap();
    let checked = cache(&home, &["check"]).await;
    assert_ne!(checked.status, 0, "{checked:?}");
    assert!(!checked.stderr.contains("panicked"));
}

#[tokio::test]
async fn damaged_values_and_dangling_references_fail_the_check() {
    let home = filled().await;
    let file = rusqlite::Connection::open(home.path("comics.db")).unwrap();
    file.execute_batch(
        "UPDATE cache SET value = x'00' WHERE rowid = (SELECT min(rowid) FROM cache)",
    )
    .unwrap();
    let checked = cache(&home, &["check"]).await;
    assert_eq!(checked.status, 1, "{checked:?}");
    assert!(
        checked.stderr.contains("stored values are damaged"),
        "{checked:?}"
    );
    let named = checked.stdout.matches("is not what was stored").count();
    assert_eq!(named, 1, "{checked:?}");
    file.execute_batch(
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE note (answer TEXT REFERENCES cache (hash)) STRICT;
         INSERT INTO note VALUES ('nothing')",
    )
    .unwrap();
    let checked = cache(&home, &["check"]).await;
    assert_eq!(checked.status, 1, "{checked:?}");
    assert!(
        checked.stdout.contains("refers to a row of cache"),
        "{checked:?}"
    );
}

#[tokio::test]
async fn vacuum_gives_back_the_space_of_what_was_cleared() {
    let home = Home::new();
    let file = home.path("comics.db");
    let db = SqliteDatabase::open(&file).await.unwrap();
    store_sqlite::migrate(&db).await.unwrap();
    let store = store_sqlite::stores(&db).cache.unwrap();
    for number in 0..1_000 {
        let key = Key::new(format!("comics:{number}")).unwrap();
        let entry = store_core::NewEntry::unconditional(key, vec![b'x'; 2_000]);
        store.set(entry).await.unwrap();
    }
    db.close().await.unwrap();
    let bytes = || std::fs::metadata(&file).unwrap().len();
    let before = bytes();
    cache(&home, &["clear", "--all"]).await.printed();
    cache(&home, &["vacuum"]).await.printed();
    assert!(bytes() < before / 4, "{} of {before}", bytes());
}
