//! The requests of a task to the limiter.

use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use store_core::{
    Acquire, AcquireError, Clock as _, Decision, Permit, RateLimitStore as _, RateLimiter,
};

use crate::error::Error;
use crate::load::context::{Context, Counting};
use crate::load::events::{Entry, LimitEvent as Event, Role};
use crate::load::rng::Rng;

use super::resources::{KEY, LIMITED, PATHS, RECORDED};

/// How long a request waits for a permit at most.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);

/// How long a permit is held at most.
const HOLD: Duration = Duration::from_millis(5);

/// By how much a wait may overrun without being written down.
const LOGGED_MILLIS: i64 = 50;

pub(crate) async fn run(context: &Context, limiter: RateLimiter, rng: Rng) -> Result<(), Error> {
    while context.is_running() {
        let step = step(context, &limiter, &rng);
        context.step(Role::Limits, &rng, step).await?;
    }
    Ok(())
}

async fn step(context: &Context, limiter: &RateLimiter, rng: &Rng) -> Result<(), Error> {
    if rng.chance(5) {
        return record(context, limiter, rng).await;
    }
    let (request, resources) = draw(rng)?;
    let permits = usize::try_from(request.permits.get()).unwrap_or(usize::MAX);
    let is_spread = resources.len() > 1 && context.counting == Counting::OneByOne;
    if rng.chance(5) {
        return abandon(context, limiter, rng, request).await;
    }
    let asked = context.local.now().as_millis();
    // Most wait. Some ask the store directly, and all must whose admission may count from the call on.
    let permit = if rng.chance(80) && !is_spread {
        let max_wait = rng.up_to(PATIENCE);
        let deadline = context.local.now() + max_wait;
        let permit = limiter.acquire(request.max_wait(max_wait)).await;
        let millis = context.local.now().as_millis() - deadline.as_millis();
        if millis > LOGGED_MILLIS {
            context.log(&Entry::Limit(Event::Overran { millis }))?;
        }
        match permit {
            Err(AcquireError::Denied { .. }) => None,
            permit => Some(permit?),
        }
    } else {
        match limiter.store().try_acquire(request).await? {
            Decision::Granted(permit) => Some(permit),
            Decision::Denied { .. } => None,
        }
    };
    let Some(permit) = permit else {
        context.pause(rng.up_to(Duration::from_millis(8))).await;
        return Ok(());
    };
    let at = permit.admitted_at().as_millis();
    let admitted = Event::Admitted {
        resources,
        permits,
        since: if is_spread { asked.min(at) } else { at },
        at,
    };
    use_up(context, rng, permit, admitted).await
}

fn draw(rng: &Rng) -> store_core::Result<(Acquire, Vec<usize>)> {
    let mut resources = match rng.below(4) {
        0 => vec![RECORDED],
        other => vec![PATHS[other % PATHS.len()]],
    };
    let mut permits = NonZeroU32::MIN;
    if resources != [RECORDED] && rng.chance(60) {
        resources.push(KEY);
    } else if rng.chance(30) {
        permits = permits.saturating_add(1);
    }
    if rng.chance(30) {
        resources.reverse();
    }
    let mut request = Acquire::of(LIMITED[resources[0]].claim()?);
    for resource in &resources[1..] {
        request = request.and(LIMITED[*resource].claim()?);
    }
    Ok((request.permits(permits).priority(rng.priority()), resources))
}

async fn use_up(
    context: &Context,
    rng: &Rng,
    permit: Permit,
    admitted: Event,
) -> Result<(), Error> {
    if rng.chance(15) {
        context.pause(rng.up_to(HOLD)).await;
        permit.give_back();
        return context.log(&Entry::Limit(Event::GivenBack));
    }
    // Granted means used: whether the permit is dropped at once or later, or its process is killed
    // while it holds it.
    context.log(&Entry::Limit(admitted))?;
    if rng.chance(50) {
        context.pause(rng.up_to(HOLD)).await;
    }
    drop(permit);
    Ok(())
}

/// Waits for a permit and drops the wait after a moment: what had been granted by then is taken back.
async fn abandon(
    context: &Context,
    limiter: &RateLimiter,
    rng: &Rng,
    request: Acquire,
) -> Result<(), Error> {
    let until = context.clock.now() + rng.up_to(HOLD);
    let mut sleep = context.clock.sleep_until(until);
    let mut wait = pin!(limiter.acquire(request.max_wait(PATIENCE)));
    let answer = poll_fn(|task| match wait.as_mut().poll(task) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => sleep.as_mut().poll(task).map(|()| None),
    });
    match answer.await {
        Some(Ok(permit)) => {
            permit.give_back();
            context.log(&Entry::Limit(Event::GivenBack))
        }
        None | Some(Err(AcquireError::Denied { .. })) => Ok(()),
        Some(Err(error)) => Err(error.into()),
    }
}

async fn record(context: &Context, limiter: &RateLimiter, rng: &Rng) -> Result<(), Error> {
    let request = Acquire::of(LIMITED[RECORDED].claim()?).priority(rng.priority());
    let asked = context.millis();
    limiter.store().record(request).await?;
    let answered = context.millis();
    context.log(&Entry::Limit(Event::Recorded { asked, answered }))?;
    context.pause(rng.up_to(Duration::from_millis(60))).await;
    Ok(())
}
