//! A limit that is divided strictly: users, too, are held to their share.

use store_core::{
    AdaptiveConfig, Clock, HOUR, Limit, MINUTE, Partition, Priority, RateLimitStore, Reason,
    ResourceConfig, Result, SECOND,
};

use super::{admitted, background, refused, resource, spend, spend_all, status, user};
use crate::run::eventually;
use crate::{Harness, Setup};

fn shared(count: u32, partition: Partition) -> ResourceConfig {
    let adaptive = AdaptiveConfig::default().with_partition(partition);
    ResourceConfig::from(Limit::new(count, HOUR)).adaptive(adaptive)
}

fn strict(count: u32) -> Setup {
    Setup::default().with_config(shared(count, Partition::Strict))
}

pub async fn strict_partition_holds_users_to_their_share(harness: &dyn Harness) -> Result<()> {
    let setup = strict(20);
    let limits = harness.rate_limit(&setup).await?;
    // Three tenths at the beginning.
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 6);
    let (retry_at, reason) = refused(&limits, user()?).await?;
    assert_eq!(reason, Reason::ShareUsed(resource()?));
    let now = setup.clock.now();
    assert!(
        now < retry_at && retry_at <= now + SECOND * 30,
        "{retry_at}"
    );
    let told = status(&limits, Priority::User).await?;
    assert_eq!((told.used, told.remaining), (6, 0));
    assert_eq!((told.available_at, told.reset_at), (retry_at, retry_at));
    // What stands in the way of users is none of the background's business, and the other way round.
    assert_eq!(spend_all(&limits, &background()?, 20).await?, 14);
    let (_, reason) = refused(&limits, background()?).await?;
    assert_eq!(reason, Reason::WindowFull(resource()?));
    Ok(())
}

pub async fn strict_partition_keeps_the_users_share_free(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&strict(20)).await?;
    assert!(spend(&limits, &user()?).await?);
    assert_eq!(spend_all(&limits, &background()?, 20).await?, 14);
    let (_, reason) = refused(&limits, background()?).await?;
    assert_eq!(reason, Reason::Reserved(resource()?));
    assert_eq!(status(&limits, Priority::User).await?.remaining, 5);
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 5);
    Ok(())
}

pub async fn strict_partition_lets_users_back_in_after_hours_of_silence(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = strict(20);
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(spend_all(&limits, &user()?, 4).await?, 4);
    for _ in 0..5 {
        setup.clock.advance(HOUR);
        assert!(spend(&limits, &background()?).await?);
    }
    let split = status(&limits, Priority::User).await?.adaptive;
    let split = split.expect("it is shared").allocation;
    assert_eq!(split.user_reserved, 0);
    assert_eq!(status(&limits, Priority::User).await?.remaining, 1);
    // One gets in although nothing is kept for users, is seen, and makes room for more.
    admitted(&limits, user()?).await?.commit();
    let (retry_at, reason) = refused(&limits, user()?).await?;
    assert_eq!(reason, Reason::ShareUsed(resource()?));
    setup.clock.set_wall(retry_at);
    let more = spend_all(&limits, &user()?, 20).await?;
    let split = status(&limits, Priority::User).await?.adaptive;
    let share = split.expect("it is shared").allocation.user_reserved;
    assert!(share >= 6 && more == share - 1, "{more} of {share}");
    Ok(())
}

pub async fn strict_partition_frees_a_share_that_the_background_took(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = strict(20);
    let limits = harness.rate_limit(&setup).await?;
    assert!(spend(&limits, &user()?).await?);
    setup.clock.advance(HOUR);
    // Nothing is kept for users, and the background has all there is and asks for more.
    assert_eq!(spend_all(&limits, &background()?, 30).await?, 20);
    for _ in 0..60 {
        refused(&limits, user()?).await?;
        setup.clock.advance(MINUTE);
        spend_all(&limits, &background()?, 30).await?;
    }
    admitted(&limits, user()?).await?.commit();
    Ok(())
}

pub async fn strict_partition_of_one_admits_both_classes(harness: &dyn Harness) -> Result<()> {
    let setup = strict(1);
    let limits = harness.rate_limit(&setup).await?;
    for request in [user()?, background()?, user()?, background()?] {
        setup.clock.advance(HOUR);
        assert!(spend(&limits, &request).await?, "{request:?}");
        assert!(!spend(&limits, &user()?).await?);
        assert!(!spend(&limits, &background()?).await?);
    }
    Ok(())
}

pub async fn total_holds_while_a_strict_split_moves(harness: &dyn Harness) -> Result<()> {
    let setup = strict(20);
    let limits = harness.rate_limit(&setup).await?;
    let mut admissions = Vec::new();
    for minute in 0..300_u32 {
        setup.clock.advance(MINUTE);
        let users = if minute / 40 % 2 == 0 { 0 } else { minute % 4 };
        let mut admitted = spend_all(&limits, &background()?, 2).await?;
        admitted += spend_all(&limits, &user()?, users).await?;
        for _ in 0..admitted {
            admissions.push(setup.clock.now());
        }
    }
    for (index, at) in admissions.iter().enumerate().skip(20) {
        assert!(
            admissions[index - 20] + HOUR <= *at,
            "21 within an hour at {at}"
        );
    }
    assert!(admissions.len() >= 60, "{} in five hours", admissions.len());
    Ok(())
}

pub async fn partition_that_is_stated_later_holds_at_once(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(shared(20, Partition::Reserve));
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(spend_all(&limits, &user()?, 5).await?, 5);
    // Seven tenths are for users who call this often; the rest is free again without the partition.
    for (partition, more) in [(Partition::Strict, 9), (Partition::Reserve, 6)] {
        let config = shared(20, partition);
        limits
            .set_resource_config(&resource()?, config.clone())
            .await?;
        assert_eq!(limits.resource_config(&resource()?).await?, Some(config));
        let admitted = spend_all(&limits, &user()?, 20).await?;
        assert_eq!(admitted, more, "{partition:?}");
    }
    Ok(())
}

pub async fn user_permit_given_back_frees_the_users_share(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&strict(20)).await?;
    let permit = admitted(&limits, user()?).await?;
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 5);
    drop(permit);
    eventually(async || Ok(spend(&limits, &user()?).await?.then_some(()))).await?;
    refused(&limits, user()?).await?;
    assert_eq!(status(&limits, Priority::User).await?.used, 6);
    Ok(())
}
