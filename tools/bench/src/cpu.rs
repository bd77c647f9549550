//! The processor time of this process.

use std::time::Duration;

/// The processor time of all threads so far, user and system; `None` where the system does not say.
#[cfg(unix)]
pub(crate) fn used() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(
        u64::try_from(time.tv_sec).ok()?,
        u32::try_from(time.tv_nsec).ok()?,
    ))
}

#[cfg(not(unix))]
pub(crate) fn used() -> Option<Duration> {
    None
}
