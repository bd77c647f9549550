//! What a task asks of the limiter.

use std::num::NonZeroU32;
use std::time::Duration;

use store_core::{Acquire, AcquireQueue, Clock as _, Decision, Permit, RateLimitStore as _};

use crate::error::Error;
use crate::soak::load::desk::{Counting, Desk, Role};
use crate::soak::load::dice::Dice;
use crate::soak::load::journal::Entry;

use super::{Event, KEY, LIMITED, PATHS, RECORDED};

/// How long a request waits for a permit at most.
pub(in crate::soak) const PATIENCE: Duration = Duration::from_millis(400);

/// By how much a wait may overrun without being told of.
const TOLD_MILLIS: i64 = 50;

pub(in crate::soak) async fn run(
    desk: &Desk,
    queue: AcquireQueue,
    dice: Dice,
) -> Result<(), Error> {
    while desk.is_open() {
        let step = step(desk, &queue, &dice);
        desk.step(Role::Limits, &dice, step).await?;
    }
    Ok(())
}

async fn step(desk: &Desk, queue: &AcquireQueue, dice: &Dice) -> Result<(), Error> {
    if dice.chance(5) {
        return record(desk, queue, dice).await;
    }
    let (request, resources) = draw(dice)?;
    let permits = usize::try_from(request.permits.get()).unwrap_or(usize::MAX);
    let is_spread = resources.len() > 1 && desk.counting == Counting::OneByOne;
    let asked = desk.local.now().as_millis();
    // Most wait in line; some ask as if there were no line, and all of whom has to be known when they
    // asked.
    let decision = if dice.chance(80) && !is_spread {
        let deadline = desk.local.now() + dice.up_to(PATIENCE);
        let decision = queue.acquire_wait(request, deadline, None).await;
        let millis = desk.local.now().as_millis() - deadline.as_millis();
        if millis > TOLD_MILLIS {
            desk.tell(&Entry::Limit(Event::Overran { millis }))?;
        }
        decision?
    } else {
        queue.store().acquire(request).await?
    };
    match decision {
        Decision::Granted(permit) => {
            let at = permit.admitted_at().as_millis();
            let admitted = Event::Admitted {
                resources,
                permits,
                since: if is_spread { asked.min(at) } else { at },
                at,
            };
            use_up(desk, dice, permit, admitted).await
        }
        Decision::Denied { .. } => {
            desk.pause(dice.up_to(Duration::from_millis(8))).await;
            Ok(())
        }
    }
}

fn draw(dice: &Dice) -> store_core::Result<(Acquire, Vec<usize>)> {
    let mut resources = match dice.below(4) {
        0 => vec![RECORDED],
        other => vec![PATHS[other % PATHS.len()]],
    };
    let mut permits = NonZeroU32::MIN;
    if resources != [RECORDED] && dice.chance(60) {
        resources.push(KEY);
    } else if dice.chance(30) {
        permits = permits.saturating_add(1);
    }
    if dice.chance(30) {
        resources.reverse();
    }
    let mut request = Acquire::of(LIMITED[resources[0]].claim()?);
    for resource in &resources[1..] {
        request = request.and(LIMITED[*resource].claim()?);
    }
    Ok((
        request.permits(permits).priority(dice.priority()),
        resources,
    ))
}

async fn use_up(desk: &Desk, dice: &Dice, permit: Permit, admitted: Event) -> Result<(), Error> {
    if dice.chance(15) {
        desk.pause(dice.up_to(Duration::from_millis(5))).await;
        permit.give_back();
        return desk.tell(&Entry::Limit(Event::GivenBack));
    }
    permit.commit();
    desk.tell(&Entry::Limit(admitted))
}

async fn record(desk: &Desk, queue: &AcquireQueue, dice: &Dice) -> Result<(), Error> {
    let request = Acquire::of(LIMITED[RECORDED].claim()?).priority(dice.priority());
    let asked = desk.millis();
    queue.store().record(request).await?;
    let answered = desk.millis();
    desk.tell(&Entry::Limit(Event::Recorded { asked, answered }))?;
    desk.pause(dice.up_to(Duration::from_millis(60))).await;
    Ok(())
}
