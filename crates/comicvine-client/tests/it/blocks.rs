//! Refusals and blocks: their errors, their shared cooldowns, and the cache meanwhile.

use comicvine_client::{ApiKey, BlockKind, ComicVine, Error, LimitReason, Outcome, Priority};
use comicvine_fake::{Fault, Injection};
use store_core::{MINUTE, SECOND};

use crate::{builder, client, client_with_stores, fake, memory, times};

#[tokio::test]
async fn every_refusal_has_its_own_error() {
    let fake = fake().await;
    // A client each: a refusal cools down every later request of the same client.
    let refused_with = async |fault| {
        fake.inject(times(fault, 1));
        client(&fake).issues().max_wait(SECOND).await.unwrap_err()
    };
    let error = refused_with(Fault::RateLimited).await;
    assert!(
        matches!(
            error,
            Error::RateLimited {
                reason: LimitReason::Api,
                ..
            }
        ),
        "{error:?}"
    );
    let error = refused_with(Fault::Forbidden).await;
    assert!(
        matches!(
            error,
            Error::Blocked {
                kind: BlockKind::Cdn,
                ..
            }
        ),
        "{error:?}"
    );
    let error = refused_with(Fault::AbnormalTraffic).await;
    let banned = BlockKind::AbnormalTraffic;
    assert!(
        matches!(&error, Error::Blocked { kind, .. } if *kind == banned),
        "{error:?}"
    );
    let error = refused_with(Fault::Unavailable).await;
    assert!(
        matches!(error, Error::Unavailable { status: 503, .. }),
        "{error:?}"
    );
    assert_eq!(
        fake.counts().path("issues").requests(),
        4,
        "a refusal was retried"
    );
    assert!(client(&fake).issues().await.is_ok());
}

#[tokio::test]
async fn retry_after_sets_the_cooldown() {
    let fake = fake().await;
    let client = client(&fake);
    fake.inject(Injection::new(Fault::RateLimited).retry_after(MINUTE * 7));
    let before = client.now();
    let error = client.issues().await.unwrap_err();
    let at = error.retry_at().unwrap();
    assert!(at >= before + MINUTE * 7 && at <= client.now() + MINUTE * 7);
}

#[tokio::test]
async fn cooldown_of_a_path_applies_to_all_clients_and_not_to_other_paths() {
    let fake = fake().await;
    let stores = memory();
    let client = builder(&fake).stores(stores.clone()).build().unwrap();
    fake.inject(times(Fault::RateLimited, 1).on_path("issues"));
    client.issues().await.unwrap_err();
    let other = builder(&fake).stores(stores).build().unwrap();
    let error = other
        .issues()
        .priority(Priority::User)
        .max_wait(SECOND)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::RateLimited {
            reason: LimitReason::Cooldown,
            ..
        }
    ));
    assert_eq!(fake.counts().path("issues").requests(), 1);
    assert!(other.volumes().await.is_ok());
    let budget = other.budget(Priority::User).await.unwrap();
    let issues = budget
        .paths
        .iter()
        .find(|path| path.path == "issues")
        .unwrap();
    assert_eq!(issues.status.cooldown_until, error.retry_at());
}

#[tokio::test]
async fn block_applies_to_every_path_and_key() {
    for fault in [
        Fault::Forbidden,
        Fault::AbnormalTraffic,
        Fault::AddressBanned,
        Fault::AddressLimited,
    ] {
        let fake = fake().await;
        let stores = memory();
        let client = builder(&fake).stores(stores.clone()).build().unwrap();
        fake.inject(times(fault, 1));
        client.issues().await.unwrap_err();
        let other_key = ComicVine::builder(ApiKey::new("another").unwrap())
            .base_url(fake.base_url())
            .stores(stores);
        let client = other_key.build().unwrap();
        let error = client.volumes().max_wait(SECOND).await.unwrap_err();
        assert!(matches!(
            error,
            Error::RateLimited {
                reason: LimitReason::Cooldown,
                ..
            }
        ));
        assert_eq!(fake.counts().path("volumes").requests(), 0);
        let budget = client.budget(Priority::User).await.unwrap();
        assert!(budget.blocked_until().is_some());
    }
}

#[tokio::test]
async fn cached_responses_are_served_during_a_block() {
    let fake = fake().await;
    let client = client_with_stores(&fake);
    client.issues().limit(5).await.unwrap();
    fake.inject(times(Fault::AbnormalTraffic, 1));
    client.volumes().await.unwrap_err();
    let response = client.issues().limit(5).await.unwrap();
    assert_eq!(response.outcome, Outcome::Hit);
}

#[tokio::test]
async fn failures_are_not_cached() {
    let fake = fake().await;
    let client = builder(&fake).stores(memory()).max_retries(2);
    let client = client.build().unwrap();
    for fault in [Fault::InternalError, Fault::CutOff] {
        fake.inject(times(fault, 3));
        client.issues().await.unwrap_err();
    }
    assert_eq!(client.issues().await.unwrap().outcome, Outcome::Fetched);
}
