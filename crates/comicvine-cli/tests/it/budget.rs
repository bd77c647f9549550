//! The budget: shown, enforced, waited for, and shared between users and background.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use comicvine_client::ApiKey;
use comicvine_fake::FakeServer;
use serde_json::Value;
use store_core::{Acquire, Clock, Priority, RateLimitStore, Resource, SystemClock};
use store_sqlite::SqliteDatabase;

use crate::{Home, KEY, fake};

/// The budget of one path in the file that the program uses, as another program would see it.
pub(crate) struct OtherProgram {
    db: SqliteDatabase,
    limits: Arc<dyn RateLimitStore>,
    path: Resource,
}

impl OtherProgram {
    pub(crate) async fn open(file: &Path, fake: &FakeServer, path: &str) -> Self {
        let db = SqliteDatabase::open(file).await.unwrap();
        store_sqlite::migrate(&db).await.unwrap();
        let origin = format!("http://{}", fake.address());
        let fingerprint = ApiKey::new(KEY).unwrap().fingerprint();
        Self {
            limits: store_sqlite::stores(&db).rate_limit.unwrap(),
            path: Resource::api(&origin, &fingerprint, path).unwrap(),
            db,
        }
    }

    pub(crate) async fn used(&self, times: usize, priority: Priority) {
        for _ in 0..times {
            let request = Acquire::one(&self.path).background();
            let request = match priority {
                Priority::User => request.user(),
                Priority::Background => request,
            };
            self.limits.record(request).await.unwrap();
        }
    }

    pub(crate) async fn set_cooldown(&self, time: Duration) {
        let until = SystemClock::new().now() + time;
        self.limits.set_cooldown(&self.path, until).await.unwrap();
    }

    pub(crate) async fn lift_cooldown(&self) {
        let until = self.limits.cooldown(&self.path).await.unwrap().unwrap();
        let lifted = self.limits.clear_cooldown(&self.path, until);
        lifted.await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.db.close().await.unwrap();
    }
}

async fn budget(home: &Home, fake: &FakeServer, priority: &str) -> Value {
    let ran = home
        .run(
            fake,
            &["budget", "--output", "json", "--priority", priority],
        )
        .await;
    serde_json::from_str(ran.printed()).unwrap()
}

#[tokio::test]
async fn unused_budget_is_reported_as_such() {
    let (home, fake) = (Home::new(), fake().await);
    let ran = home.run(&fake, &["budget"]).await;
    assert!(ran.printed().contains("the whole budget is left"));
    assert_eq!(
        budget(&home, &fake, "user").await["paths"],
        Value::Array(Vec::new())
    );
    assert_eq!(fake.counts().total().requests(), 0);
}

#[tokio::test]
async fn every_request_is_counted_on_its_path() {
    let (home, fake) = (Home::new(), fake().await);
    home.run(&fake, &["list", "powers", "--limit", "1"])
        .await
        .printed();
    let json = budget(&home, &fake, "user").await;
    let path = &json["paths"][0];
    assert_eq!(
        (path["path"].as_str(), path["used"].as_u64()),
        (Some("powers"), Some(1))
    );
    assert_eq!(
        (path["limit"].as_u64(), path["remaining"].as_u64()),
        (Some(200), Some(199))
    );
    assert!(path["cooldown_until"].is_null() && path["reset_at"].is_string());
    assert!(json["origin"]["window_seconds"].as_f64().unwrap() >= 1.0);

    let table = home.run(&fake, &["budget"]).await;
    let row = table
        .printed()
        .lines()
        .find(|line| line.contains("powers"))
        .unwrap();
    assert!(row.contains("199") && row.contains('█'), "{row}");
}

#[tokio::test]
async fn full_window_is_enforced_and_reported() {
    let (home, fake) = (Home::new(), fake().await);
    let other = OtherProgram::open(&home.path("comics.db"), &fake, "powers").await;
    other.used(200, Priority::User).await;
    other.close().await;
    let ran = home.run(&fake, &["list", "powers"]).await;
    ran.assert_failed(
        1,
        &[
            "powers has to wait until",
            "the budget is used up",
            "--max-wait",
        ],
    );
    assert_eq!(fake.counts().total().requests(), 0);
    assert_eq!(
        budget(&home, &fake, "user").await["paths"][0]["remaining"],
        0
    );
}

#[tokio::test]
async fn background_leaves_part_of_the_limit_to_users() {
    let (home, fake) = (Home::new(), fake().await);
    let other = OtherProgram::open(&home.path("comics.db"), &fake, "powers").await;
    other.used(195, Priority::Background).await;
    other.close().await;
    let list = ["list", "powers", "--limit", "1", "--priority"];
    let background = home
        .run(
            &fake,
            &[&list[..], &["background", "--max-wait", "10ms"]].concat(),
        )
        .await;
    background.assert_failed(1, &["reserved for users", "--priority user"]);
    assert_eq!(fake.counts().total().requests(), 0);
    home.run(&fake, &[&list[..], &["user"]].concat())
        .await
        .printed();
    assert_eq!(fake.counts().total().requests(), 1);

    let left = |json: Value| json["paths"][0]["remaining"].as_u64().unwrap();
    assert_eq!(left(budget(&home, &fake, "user").await), 4);
    assert_eq!(left(budget(&home, &fake, "background").await), 0);
}

#[tokio::test]
async fn request_waits_for_the_limit_up_to_max_wait() {
    let (home, fake) = (Home::new(), fake().await);
    let other = OtherProgram::open(&home.path("comics.db"), &fake, "powers").await;
    other.set_cooldown(Duration::from_mins(30)).await;
    let list = ["list", "powers", "--limit", "1", "--max-wait"];
    // Either answer comes at once: the end of the wait is known, and too far away.
    let denied = home.run(&fake, &[&list[..], &["10m"]].concat()).await;
    denied.assert_failed(1, &["comic vine asked for a break"]);
    assert_eq!(fake.counts().total().requests(), 0);
    let table = home.run(&fake, &["budget"]).await;
    assert!(table.printed().contains("29m"), "{}", table.stdout);
    other.close().await;

    let other = OtherProgram::open(&home.path("comics.db"), &fake, "teams").await;
    other.set_cooldown(Duration::from_millis(1_500)).await;
    other.close().await;
    let teams = ["list", "teams", "--limit", "1", "--max-wait", "10m"];
    home.run(&fake, &teams).await.printed();
    assert_eq!(fake.counts().path("teams").requests(), 1);
}

#[tokio::test]
async fn wait_beyond_max_wait_is_refused() {
    let (home, fake) = (Home::new(), fake().await);
    let other = OtherProgram::open(&home.path("comics.db"), &fake, "powers").await;
    // The default would wait for this.
    other.set_cooldown(Duration::from_secs(45)).await;
    other.close().await;
    let list = ["list", "powers", "--limit", "1", "--max-wait", "1ms"];
    home.run(&fake, &list)
        .await
        .assert_failed(1, &["has to wait until"]);
    assert_eq!(fake.counts().total().requests(), 0);
}

#[tokio::test]
async fn cooldown_is_shown_no_longer_than_a_day_and_lifted_on_command() {
    let (home, fake) = (Home::new(), fake().await);
    let other = OtherProgram::open(&home.path("comics.db"), &fake, "issues").await;
    other.set_cooldown(Duration::from_hours(24 * 365)).await;
    let list = ["list", "issues", "--limit", "1"];
    let denied = home.run(&fake, &list).await;
    assert_eq!(denied.status, 1);
    let shown = home.run(&fake, &["budget"]).await;
    assert!(shown.printed().contains("23h 59m"), "{}", shown.printed());

    let lifted = home.run(&fake, &["budget", "--lift"]).await;
    assert!(lifted.stderr.contains("1 cooldown is lifted"));
    home.run(&fake, &list).await.printed();
    other.close().await;
}
