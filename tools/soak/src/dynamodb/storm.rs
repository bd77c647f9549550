//! When what goes wrong in the storm.

use std::time::Duration;

use crate::error::Error;

use super::backend::Backend;

/// For how long nobody answers.
const GONE: Duration = Duration::from_secs(2);

/// How long the storm is; the rest follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    pub(crate) duration: Duration,
}

impl Storm {
    pub(crate) const fn of(duration: Duration) -> Self {
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
pub(crate) struct Schedule(Vec<(Duration, Event)>);

impl Schedule {
    pub(crate) fn new(Storm { duration }: Storm) -> Self {
        let third = duration / 3;
        Self(vec![
            (third, Event::Throttle(third)),
            (duration / 8 + GONE, Event::Restart),
            (duration / 8, Event::Kill),
        ])
    }

    /// Does what is due.
    pub(crate) fn turn(&mut self, backend: &mut Backend, elapsed: Duration) -> Result<(), Error> {
        while let Some((_, event)) = self.0.pop_if(|(at, _)| *at <= elapsed) {
            match event {
                Event::Kill => backend.kill(),
                Event::Restart => backend.restart()?,
                Event::Throttle(duration) => backend.throttle_for(duration),
            }
        }
        Ok(())
    }
}
