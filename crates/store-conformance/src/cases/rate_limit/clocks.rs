//! Clocks that are set back, set forward, or not read for long.

use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, DAY, HOUR, Limit, MINUTE, Priority, ResourceConfig, Result, SECOND,
};

use super::fixture::{background, denied, granted, status, use_permits, user};
use crate::run::eventually;
use crate::{Harness, Setup};

pub async fn clock_set_back_never_admits_too_many(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 7).await?, 7);
    setup.clock.advance(SECOND);
    setup.clock.set_wall(setup.clock.now() - HOUR);
    // The seven admissions are in the future now; they still count.
    assert_eq!(use_permits(&limits, &user()?, 10).await?, 3);
    setup.clock.advance(SECOND);
    assert_eq!(use_permits(&limits, &user()?, 10).await?, 0);
    assert_eq!(status(&limits, Priority::User).await?.used, 10);
    Ok(())
}

pub async fn clock_set_back_blocks_at_most_one_window(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 10).await?, 10);
    setup.clock.set_wall(setup.clock.now() - DAY);
    let now = setup.clock.now();
    let (retry_at, _) = denied(&limits, user()?).await?;
    let latest = now + MINUTE + limits.resolution(MINUTE);
    assert!(now < retry_at && retry_at <= latest, "{retry_at}");
    setup.clock.set_wall(retry_at - Duration::from_millis(1));
    denied(&limits, user()?).await?;
    setup.clock.set_wall(retry_at);
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 10);
    Ok(())
}

pub async fn permit_is_given_back_after_the_clock_was_set_back(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(2, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let _used = granted(&limits, user()?).await?;
    let permit = granted(&limits, user()?).await?;
    setup.clock.set_wall(setup.clock.now() - HOUR);
    denied(&limits, user()?).await?;
    permit.give_back();
    eventually(async || {
        let used = status(&limits, Priority::User).await?.used;
        Ok((used == 1).then_some(()))
    })
    .await?;
    assert_eq!(use_permits(&limits, &user()?, 5).await?, 1);
    Ok(())
}

pub async fn clock_set_back_does_not_freeze_the_split(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(200, HOUR)).adaptive(AdaptiveConfig::default());
    let setup = Setup::default().with_config(config);
    let limits = harness.rate_limit(&setup).await?;
    use_permits(&limits, &user()?, 20).await?;
    setup.clock.advance(SECOND * 31);
    denied(&limits, background()?).await?;
    setup.clock.set_wall(setup.clock.now() - DAY);
    // Activity in the future counts as of now, so the pause may start again, but it ends.
    let mut waits = 0;
    while use_permits(&limits, &background()?, 1).await? == 0 {
        setup.clock.advance(MINUTE);
        waits += 1;
        assert!(waits <= 20, "the background is still refused");
    }
    Ok(())
}

pub async fn clock_set_back_frees_what_was_reserved_for_users(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(200, HOUR)).adaptive(AdaptiveConfig::default());
    let setup = Setup::default().with_config(config);
    let limits = harness.rate_limit(&setup).await?;
    use_permits(&limits, &user()?, 4).await?;
    setup.clock.set_wall(setup.clock.now() - DAY);
    assert_eq!(use_permits(&limits, &background()?, 1).await?, 1);
    // Activity in the future counts as of the set-back; there was none since.
    setup.clock.advance(HOUR);
    assert_eq!(use_permits(&limits, &background()?, 1).await?, 1);
    let split = status(&limits, Priority::User).await?.adaptive;
    assert_eq!(split.expect("it is shared").allocation.user_reserved, 0);
    Ok(())
}

pub async fn clock_set_forward_frees_the_window(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 10);
    setup.clock.set_wall(setup.clock.now() + HOUR);
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 10);
    // And back again: admissions in the future count, so nobody is admitted for at most a window.
    setup.clock.set_wall(setup.clock.now() - HOUR);
    let now = setup.clock.now();
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 0);
    setup
        .clock
        .set_wall(now + MINUTE + limits.resolution(MINUTE));
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 10);
    Ok(())
}

pub async fn long_inactivity_frees_everything(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 10);
    setup.clock.advance(DAY * 3_650);
    assert_eq!(status(&limits, Priority::Background).await?.remaining, 10);
    assert_eq!(use_permits(&limits, &background()?, 20).await?, 10);
    Ok(())
}
