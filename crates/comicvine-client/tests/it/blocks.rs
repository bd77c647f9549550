//! Refusals and blocks: told apart, remembered for everyone, never in the way of what is known.

use comicvine_client::{BlockKind, Error, LimitReason, Outcome, Priority};
use comicvine_fake::{Fault, Injection};
use store_core::{MINUTE, SECOND};

use crate::{builder, client, client_with_stores, fake, memory, times};

#[tokio::test]
async fn every_block_has_an_error_of_its_own() {
    let fake = fake().await;
    let comics = client(&fake);
    fake.inject(times(Fault::RateLimited, 1));
    let error = comics.issues().await.unwrap_err();
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
    fake.inject(times(Fault::Forbidden, 1));
    let error = comics.issues().await.unwrap_err();
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
    fake.inject(times(Fault::AbnormalTraffic, 1));
    let error = comics.issues().await.unwrap_err();
    let banned = BlockKind::AbnormalTraffic;
    assert!(
        matches!(&error, Error::Blocked { kind, .. } if *kind == banned),
        "{error:?}"
    );
    fake.inject(times(Fault::Unavailable, 1));
    let error = comics.issues().await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable { status: 503, .. }),
        "{error:?}"
    );
    assert_eq!(
        fake.counts().path("issues").requests(),
        4,
        "a refusal was repeated"
    );
    assert!(comics.issues().await.is_ok());
}

#[tokio::test]
async fn retry_after_is_believed() {
    let fake = fake().await;
    let comics = client(&fake);
    fake.inject(Injection::new(Fault::RateLimited).retry_after(MINUTE * 7));
    let before = comics.now();
    let error = comics.issues().await.unwrap_err();
    let at = error.retry_at().unwrap();
    assert!(at >= before + MINUTE * 7 && at <= comics.now() + MINUTE * 7);
}

#[tokio::test]
async fn limited_path_rests_for_everyone_and_others_go_on() {
    let fake = fake().await;
    let stores = memory();
    let comics = builder(&fake).stores(stores.clone()).build().unwrap();
    fake.inject(times(Fault::RateLimited, 1).on_path("issues"));
    comics.issues().await.unwrap_err();
    let neighbour = builder(&fake).stores(stores).build().unwrap();
    let error = neighbour
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
    assert!(neighbour.volumes().await.is_ok());
    let budget = neighbour.budget(Priority::User).await.unwrap();
    let issues = budget
        .paths
        .iter()
        .find(|path| path.path == "issues")
        .unwrap();
    assert_eq!(issues.status.cooldown_until, error.retry_at());
}

#[tokio::test]
async fn block_of_the_address_stops_every_path() {
    for fault in [Fault::Forbidden, Fault::AbnormalTraffic] {
        let fake = fake().await;
        let comics = client_with_stores(&fake);
        fake.inject(times(fault, 1));
        comics.issues().await.unwrap_err();
        let error = comics.volumes().max_wait(SECOND).await.unwrap_err();
        assert!(matches!(
            error,
            Error::RateLimited {
                reason: LimitReason::Cooldown,
                ..
            }
        ));
        assert_eq!(fake.counts().path("volumes").requests(), 0);
        let budget = comics.budget(Priority::User).await.unwrap();
        assert!(budget.blocked_until().is_some());
    }
}

#[tokio::test]
async fn what_is_cached_is_answered_during_a_block() {
    let fake = fake().await;
    let comics = client_with_stores(&fake);
    comics.issues().limit(5).await.unwrap();
    fake.inject(times(Fault::AbnormalTraffic, 1));
    comics.volumes().await.unwrap_err();
    let got = comics.issues().limit(5).await.unwrap();
    assert_eq!(got.outcome, Outcome::Hit);
}

#[tokio::test]
async fn failures_are_not_cached() {
    let fake = fake().await;
    let comics = client_with_stores(&fake);
    for fault in [Fault::InternalError, Fault::CutOff] {
        fake.inject(times(fault, 3));
        comics.issues().await.unwrap_err();
    }
    assert_eq!(comics.issues().await.unwrap().outcome, Outcome::Fetched);
}
