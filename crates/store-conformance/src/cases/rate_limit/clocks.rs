//! Clocks that are set, and clocks that run on.

use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, DAY, HOUR, Limit, MINUTE, Priority, ResourceConfig, Result, SECOND,
};

use super::{admitted, background, refused, spend_all, status, user};
use crate::run::eventually;
use crate::{Harness, Setup};

pub async fn clock_set_back_never_lets_too_many_in(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(spend_all(&limits, &user()?, 7).await?, 7);
    setup.clock.advance(SECOND);
    setup.clock.set_wall(setup.clock.now() - HOUR);
    // The seven lie in the future now; they count all the same.
    assert_eq!(spend_all(&limits, &user()?, 10).await?, 3);
    setup.clock.advance(SECOND);
    assert_eq!(spend_all(&limits, &user()?, 10).await?, 0);
    assert_eq!(status(&limits, Priority::User).await?.used, 10);
    Ok(())
}

pub async fn clock_set_back_blocks_at_most_one_window(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(spend_all(&limits, &user()?, 10).await?, 10);
    setup.clock.set_wall(setup.clock.now() - DAY);
    let now = setup.clock.now();
    let (retry_at, _) = refused(&limits, user()?).await?;
    let latest = now + MINUTE + limits.resolution(MINUTE);
    assert!(now < retry_at && retry_at <= latest, "{retry_at}");
    setup.clock.set_wall(retry_at - Duration::from_millis(1));
    refused(&limits, user()?).await?;
    setup.clock.set_wall(retry_at);
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 10);
    Ok(())
}

pub async fn permit_is_given_back_after_the_clock_was_set_back(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(2, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    admitted(&limits, user()?).await?.commit();
    let permit = admitted(&limits, user()?).await?;
    setup.clock.set_wall(setup.clock.now() - HOUR);
    refused(&limits, user()?).await?;
    drop(permit);
    eventually(async || {
        let used = status(&limits, Priority::User).await?.used;
        Ok((used == 1).then_some(()))
    })
    .await?;
    assert_eq!(spend_all(&limits, &user()?, 5).await?, 1);
    Ok(())
}

pub async fn clock_set_back_does_not_freeze_the_split(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(200, HOUR)).adaptive(AdaptiveConfig::default());
    let setup = Setup::default().with_config(config);
    let limits = harness.rate_limit(&setup).await?;
    spend_all(&limits, &user()?, 20).await?;
    setup.clock.advance(SECOND * 31);
    refused(&limits, background()?).await?;
    setup.clock.set_wall(setup.clock.now() - DAY);
    // The users of the future count as users of now, so the pause may begin anew, but it ends.
    let mut waits = 0;
    while spend_all(&limits, &background()?, 1).await? == 0 {
        setup.clock.advance(MINUTE);
        waits += 1;
        assert!(waits <= 20, "the background is still refused");
    }
    Ok(())
}

pub async fn clock_set_back_frees_what_was_kept_for_users(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(200, HOUR)).adaptive(AdaptiveConfig::default());
    let setup = Setup::default().with_config(config);
    let limits = harness.rate_limit(&setup).await?;
    spend_all(&limits, &user()?, 4).await?;
    setup.clock.set_wall(setup.clock.now() - DAY);
    assert_eq!(spend_all(&limits, &background()?, 1).await?, 1);
    // Users of the future called now; since then nobody did.
    setup.clock.advance(HOUR);
    assert_eq!(spend_all(&limits, &background()?, 1).await?, 1);
    let split = status(&limits, Priority::User).await?.adaptive;
    assert_eq!(split.expect("it is shared").allocation.user_reserved, 0);
    Ok(())
}

pub async fn clock_set_forward_frees_the_window(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 10);
    setup.clock.set_wall(setup.clock.now() + HOUR);
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 10);
    // And back again: those of the future count, so nobody gets in for a window at most.
    setup.clock.set_wall(setup.clock.now() - HOUR);
    let now = setup.clock.now();
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 0);
    setup
        .clock
        .set_wall(now + MINUTE + limits.resolution(MINUTE));
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 10);
    Ok(())
}

pub async fn long_silence_frees_everything(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(spend_all(&limits, &user()?, 20).await?, 10);
    setup.clock.advance(DAY * 3_650);
    assert_eq!(status(&limits, Priority::Background).await?.remaining, 10);
    assert_eq!(spend_all(&limits, &background()?, 20).await?, 10);
    Ok(())
}
