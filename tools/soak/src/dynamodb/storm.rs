//! The schedule of failures in the storm.

use std::time::Duration;

use crate::error::Error;

use super::backend::Backend;

/// The time that the server is down.
const GONE: Duration = Duration::from_secs(2);

/// The length of the storm, from which the moments of its failures follow.
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

/// The failures still to come, the next one last.
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

    /// Applies every failure that is due.
    pub(crate) fn apply_due(
        &mut self,
        backend: &mut Backend,
        elapsed: Duration,
    ) -> Result<(), Error> {
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
