//! What happens in a cache, for those who listen: a stream or a callback. Nobody listening costs nothing.

mod event;
mod listener;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::broadcast;

use crate::store::Evicted;

pub use event::Event;
pub use listener::{EventStream, Listener};

/// The events that a stream may be behind before it loses some.
const STREAM_EVENTS: usize = 1_024;

/// The listeners of a cache. Clones share them.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::sync::Arc;
///
/// use http_cache_db::events::{Event, Events};
///
/// let events = Events::default();
/// let hits = Arc::new(AtomicU64::new(0));
/// let counted = Arc::clone(&hits);
/// let listener = events.listen(move |event| {
///     if matches!(event, Event::Ready) {
///         counted.fetch_add(1, Ordering::Relaxed);
///     }
/// });
/// events.emit(|| Event::Ready);
/// drop(listener);
/// events.emit(|| Event::Ready);
/// assert_eq!(hits.load(Ordering::Relaxed), 1);
/// ```
#[derive(Clone, Default)]
pub struct Events {
    inner: Arc<Inner>,
}

type Callback = dyn Fn(&Event) + Send + Sync;

struct Inner {
    listener_count: AtomicUsize,
    callbacks: Mutex<Vec<Weak<Callback>>>,
    /// Those that hear of [rare events](Events::listen_to_rare) alone.
    rare_callbacks: Mutex<Vec<Weak<Callback>>>,
    sender: broadcast::Sender<Event>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            listener_count: AtomicUsize::new(0),
            callbacks: Mutex::default(),
            rare_callbacks: Mutex::default(),
            sender: broadcast::Sender::new(STREAM_EVENTS),
        }
    }
}

fn lock(callbacks: &Mutex<Vec<Weak<Callback>>>) -> MutexGuard<'_, Vec<Weak<Callback>>> {
    callbacks.lock().unwrap_or_else(PoisonError::into_inner)
}

fn call(callbacks: &Mutex<Vec<Weak<Callback>>>, event: &Event) {
    let callbacks: Vec<_> = lock(callbacks).iter().filter_map(Weak::upgrade).collect();
    for callback in callbacks {
        callback(event);
    }
}

impl Events {
    /// Calls `callback` on each event, on the thread on which it happens, until the listener is dropped. It
    /// delays what happens next: keep it short.
    #[must_use = "a dropped listener hears nothing"]
    pub fn listen(&self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Listener {
        Listener::to_all(self, Arc::new(callback))
    }

    /// As [`listen`](Self::listen), but of [`Event::Error`] and [`Event::SetAside`] alone, so that hits, misses and
    /// stores still cost nothing.
    #[must_use = "a dropped listener hears nothing"]
    pub fn listen_to_failures(
        &self,
        callback: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Listener {
        self.listen_to_rare(move |event| {
            if matches!(event, Event::Error { .. } | Event::SetAside { .. }) {
                callback(event);
            }
        })
    }

    /// As [`listen_to_failures`](Self::listen_to_failures), but also of [`Event::Evicted`].
    #[must_use = "a dropped listener hears nothing"]
    pub fn listen_to_rare(&self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Listener {
        Listener::to_rare(self, Arc::new(callback))
    }

    /// The events from now on. A stream that is 1,024 events behind loses the oldest, and yields [`Event::Lost`].
    #[must_use]
    pub fn stream(&self) -> EventStream {
        EventStream::new(self)
    }

    /// Whether anybody listens to all events.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.inner.listener_count.load(Ordering::Relaxed) > 0
    }

    /// Tells the listeners; `event` is made only if there are any.
    pub fn emit(&self, event: impl FnOnce() -> Event) {
        if self.has_listeners() {
            self.send(event());
        }
    }

    /// As [`emit`](Self::emit), for [`Event::Error`] and [`Event::SetAside`]: also tells those who listen to these
    /// alone.
    pub fn emit_failure(&self, event: impl FnOnce() -> Event) {
        self.emit_rare(event);
    }

    fn emit_rare(&self, event: impl FnOnce() -> Event) {
        let is_heard = !lock(&self.inner.rare_callbacks).is_empty();
        if is_heard || self.has_listeners() {
            let event = event();
            call(&self.inner.rare_callbacks, &event);
            self.send(event);
        }
    }

    /// Tells what was evicted, if anything was.
    pub(crate) fn emit_evicted(&self, evicted: Evicted) {
        let Evicted {
            responses,
            versions,
            bytes,
        } = evicted;
        if bytes > 0 {
            self.emit_rare(|| Event::Evicted {
                responses,
                versions,
                bytes,
            });
        }
    }

    fn send(&self, event: Event) {
        call(&self.inner.callbacks, &event);
        // Without a stream there is no receiver.
        let _unheard = self.inner.sender.send(event);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listeners = self.inner.listener_count.load(Ordering::Relaxed);
        f.debug_struct("Events")
            .field("listeners", &listeners)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    #[test]
    fn an_event_without_a_listener_is_not_made() {
        let events = Events::default();
        events.emit(|| unreachable!("nobody listens"));
        drop(events.listen(|_| {}));
        drop(events.stream());
        events.emit(|| unreachable!("nobody listens any more"));
    }

    // covers("C4", "C23")
    #[tokio::test]
    async fn streams_and_callbacks_hear_the_same() {
        let events = Events::default();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        let listener = events.listen(move |event| kept.lock().unwrap().push(event.clone()));
        let mut stream = events.stream();
        events.emit(|| Event::Ready);
        events.emit(|| Event::Disconnected);
        let expected = [Event::Ready, Event::Disconnected];
        assert_eq!(heard.lock().unwrap()[..], expected);
        for event in expected {
            assert_eq!(stream.next().now_or_never(), Some(Some(event)));
        }
        let other = events.listen(|_| {});
        drop(other);
        events.emit(|| Event::Ready);
        assert_eq!(heard.lock().unwrap().len(), 3);
        drop(listener);
        events.emit(|| Event::Ready);
        assert_eq!(heard.lock().unwrap().len(), 3);
        assert_eq!(stream.next().now_or_never(), Some(Some(Event::Ready)));
    }

    #[tokio::test]
    async fn a_slow_stream_learns_what_it_lost() {
        let events = Events::default();
        let mut stream = events.stream();
        for _ in 0..STREAM_EVENTS + 3 {
            events.emit(|| Event::Ready);
        }
        assert_eq!(stream.next().await, Some(Event::Lost { events: 3 }));
        assert_eq!(stream.next().await, Some(Event::Ready));
    }

    #[test]
    fn who_listens_to_failures_hears_nothing_else() {
        let events = Events::default();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        let listener =
            events.listen_to_failures(move |event| kept.lock().unwrap().push(event.clone()));
        events.emit(|| unreachable!("nobody listens to this"));
        let set_aside = || Event::SetAside {
            path: "cache.db.damaged".to_owned(),
        };
        events.emit_failure(set_aside);
        assert_eq!(heard.lock().unwrap()[..], [set_aside()]);
        drop(listener);
        events.emit_failure(|| unreachable!("nobody listens any more"));
    }

    #[test]
    fn evictions_are_rare_and_no_failures() {
        let events = Events::default();
        let heard = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&heard);
        let _rare = events.listen_to_rare(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let _failures = events.listen_to_failures(|event| unreachable!("{event:?}"));
        let evicted = Evicted {
            bytes: 1,
            ..Evicted::default()
        };
        events.emit_evicted(evicted);
        events.emit(|| unreachable!("nobody listens to this"));
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_callback_may_listen_and_emit() {
        let events = Events::default();
        let inner = events.clone();
        let _listener = events.listen(move |event| {
            if *event == Event::Ready {
                inner.emit(|| Event::Disconnected);
            }
        });
        events.emit(|| Event::Ready);
    }
}
