//! A strictly partitioned limit: users, too, get no more than their share.

use store_core::{
    AdaptiveConfig, Clock, HOUR, Limit, MINUTE, Partition, Priority, RateLimitStore, Reason,
    ResourceConfig, Result, SECOND,
};

use super::fixture::{
    background, denied, granted, resource, status, use_permit, use_permits, user,
};
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
    // The initial share is three tenths.
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 6);
    let (retry_at, reason) = denied(&limits, user()?).await?;
    assert_eq!(reason, Reason::ShareUsed(resource()?));
    let now = setup.clock.now();
    assert!(
        now < retry_at && retry_at <= now + SECOND * 30,
        "{retry_at}"
    );
    let current = status(&limits, Priority::User).await?;
    assert_eq!((current.used, current.remaining), (6, 0));
    assert_eq!(
        (current.available_at, current.reset_at),
        (retry_at, retry_at)
    );
    // The users' share does not limit the background, nor the other way round.
    assert_eq!(use_permits(&limits, &background()?, 20).await?, 14);
    let (_, reason) = denied(&limits, background()?).await?;
    assert_eq!(reason, Reason::WindowFull(resource()?));
    Ok(())
}

pub async fn strict_partition_keeps_the_users_share_free(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&strict(20)).await?;
    assert!(use_permit(&limits, &user()?).await?);
    assert_eq!(use_permits(&limits, &background()?, 20).await?, 14);
    let (_, reason) = denied(&limits, background()?).await?;
    assert_eq!(reason, Reason::Reserved(resource()?));
    assert_eq!(status(&limits, Priority::User).await?.remaining, 5);
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 5);
    Ok(())
}

pub async fn strict_partition_admits_users_after_hours_of_inactivity(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = strict(20);
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 4).await?, 4);
    for _ in 0..5 {
        setup.clock.advance(HOUR);
        assert!(use_permit(&limits, &background()?).await?);
    }
    let split = status(&limits, Priority::User).await?.adaptive;
    let split = split.expect("it is shared").allocation;
    assert_eq!(split.user_reserved, 0);
    assert_eq!(status(&limits, Priority::User).await?.remaining, 1);
    // One is admitted although nothing is reserved for users; its activity reserves capacity for more.
    let _used = granted(&limits, user()?).await?;
    let (retry_at, reason) = denied(&limits, user()?).await?;
    assert_eq!(reason, Reason::ShareUsed(resource()?));
    setup.clock.set_wall(retry_at);
    let more = use_permits(&limits, &user()?, 20).await?;
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
    assert!(use_permit(&limits, &user()?).await?);
    setup.clock.advance(HOUR);
    // Nothing is reserved for users; the background uses all of the limit and keeps asking.
    assert_eq!(use_permits(&limits, &background()?, 30).await?, 20);
    for _ in 0..60 {
        denied(&limits, user()?).await?;
        setup.clock.advance(MINUTE);
        use_permits(&limits, &background()?, 30).await?;
    }
    let _used = granted(&limits, user()?).await?;
    Ok(())
}

pub async fn strict_partition_of_one_admits_both_classes(harness: &dyn Harness) -> Result<()> {
    let setup = strict(1);
    let limits = harness.rate_limit(&setup).await?;
    for request in [user()?, background()?, user()?, background()?] {
        setup.clock.advance(HOUR);
        assert!(use_permit(&limits, &request).await?, "{request:?}");
        assert!(!use_permit(&limits, &user()?).await?);
        assert!(!use_permit(&limits, &background()?).await?);
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
        let mut admitted = use_permits(&limits, &background()?, 2).await?;
        admitted += use_permits(&limits, &user()?, users).await?;
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

pub async fn partition_configured_later_applies_at_once(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(shared(20, Partition::Reserve));
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 5).await?, 5);
    // At this activity seven tenths are reserved for users; without the partition they may use the rest.
    for (partition, more) in [(Partition::Strict, 9), (Partition::Reserve, 6)] {
        let config = shared(20, partition);
        limits
            .set_resource_config(&resource()?, config.clone())
            .await?;
        assert_eq!(limits.resource_config(&resource()?).await?, Some(config));
        let admitted = use_permits(&limits, &user()?, 20).await?;
        assert_eq!(admitted, more, "{partition:?}");
    }
    Ok(())
}

pub async fn user_permit_given_back_frees_the_users_share(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&strict(20)).await?;
    let permit = granted(&limits, user()?).await?;
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 5);
    permit.give_back();
    eventually(async || Ok(use_permit(&limits, &user()?).await?.then_some(()))).await?;
    denied(&limits, user()?).await?;
    assert_eq!(status(&limits, Priority::User).await?.used, 6);
    Ok(())
}
