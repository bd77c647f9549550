//! Programs that share one SQLite file.

use std::path::Path;

use comicvine_client::{ComicVine, Error, LimitReason, Outcome, Priority};
use comicvine_fake::{FakeServer, Fault};
use store_core::SECOND;
use store_sqlite::SqliteDatabase;

use crate::{KEY, budget, builder, fake, times};

/// A program with its own handle on the file.
async fn program(fake: &FakeServer, file: &Path, per_hour: u32) -> (ComicVine, SqliteDatabase) {
    let db = SqliteDatabase::open(file).await.unwrap();
    let client = builder(fake)
        .stores(store_sqlite::stores(&db))
        .budget(budget(per_hour))
        .build()
        .unwrap();
    (client, db)
}

#[tokio::test]
async fn responses_are_shared() {
    let (fake, dir) = (fake().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("comics.db");
    let (one, one_db) = program(&fake, &file, 200).await;
    let (other, other_db) = program(&fake, &file, 200).await;
    let fetched = one.issues().await.unwrap();
    let hit = other.issues().await.unwrap();
    assert_eq!(
        (fetched.outcome, hit.outcome),
        (Outcome::Fetched, Outcome::Hit)
    );
    assert_eq!(fetched.raw.get(), hit.raw.get());
    one_db.close().await.unwrap();
    other_db.close().await.unwrap();
}

#[tokio::test]
async fn budget_is_shared_and_survives_a_restart() {
    let (fake, dir) = (fake().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("comics.db");
    for offset in 0..3 {
        let (client, db) = program(&fake, &file, 3).await;
        client.issues().offset(offset).await.unwrap();
        db.close().await.unwrap();
    }
    let (client, db) = program(&fake, &file, 3).await;
    let request = client.issues().offset(3).priority(Priority::User);
    let error = request.max_wait(SECOND).await.unwrap_err();
    assert!(matches!(
        error,
        Error::RateLimited {
            reason: LimitReason::Budget,
            ..
        }
    ));
    assert_eq!(fake.counts().path("issues").requests(), 3);
    db.close().await.unwrap();
}

#[tokio::test]
async fn block_is_shared_and_survives_a_restart() {
    let (fake, dir) = (fake().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("comics.db");
    let (client, db) = program(&fake, &file, 200).await;
    fake.inject(times(Fault::AbnormalTraffic, 1));
    client.issues().await.unwrap_err();
    db.close().await.unwrap();
    let (client, db) = program(&fake, &file, 200).await;
    let error = client.volumes().max_wait(SECOND).await.unwrap_err();
    assert!(matches!(
        error,
        Error::RateLimited {
            reason: LimitReason::Cooldown,
            ..
        }
    ));
    assert_eq!(fake.counts().path("volumes").requests(), 0);
    db.close().await.unwrap();
}

#[tokio::test]
async fn key_is_not_in_the_file() {
    let (fake, dir) = (fake().await, tempfile::tempdir().unwrap());
    let (client, db) = program(&fake, &dir.path().join("comics.db"), 200).await;
    client.issues().await.unwrap();
    client.search("the").await.unwrap();
    fake.inject(times(Fault::Forbidden, 1));
    client.volumes().await.unwrap_err();
    db.close().await.unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let key = KEY.as_bytes();
        assert!(!bytes.windows(key.len()).any(|window| window == key));
        files += 1;
    }
    assert!(files > 0);
}
