//! When what goes wrong in the storm.

use std::time::Duration;

use crate::error::Error;

use super::place::Place;

/// For how long nobody answers.
const GONE: Duration = Duration::from_secs(2);

/// How long the storm is; the rest follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storm {
    pub(super) duration: Duration,
}

impl Storm {
    pub(super) const fn of(duration: Duration) -> Self {
        Self { duration }
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Kill,
    Restart,
    Throttle(Duration),
}

/// What is still to come, the next last.
#[derive(Debug)]
pub(super) struct Weather(Vec<(Duration, Event)>);

impl Weather {
    pub(super) fn new(Storm { duration }: Storm) -> Self {
        let third = duration / 3;
        Self(vec![
            (third, Event::Throttle(third)),
            (duration / 8 + GONE, Event::Restart),
            (duration / 8, Event::Kill),
        ])
    }

    /// Does what is due.
    pub(super) fn turn(&mut self, place: &mut Place, elapsed: Duration) -> Result<(), Error> {
        while let Some((_, event)) = self.0.pop_if(|(at, _)| *at <= elapsed) {
            match event {
                Event::Kill => place.kill(),
                Event::Restart => place.restart()?,
                Event::Throttle(duration) => place.throttle_for(duration),
            }
        }
        Ok(())
    }
}
