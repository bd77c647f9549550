//! What happens in a cache, for those who listen: a stream or a callback. Nobody listening costs nothing.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{BoxStream, Stream, StreamExt, unfold};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::policy::NotStorable;
use crate::store::{ContentId, ResponseId};

/// The events that a stream may be behind before it loses some.
const STREAM_EVENTS: usize = 1_024;

/// Something that happened. URLs are redacted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Event {
    /// A store was opened.
    Connected { path: String },
    /// It can be used: its schema is there.
    Ready,
    /// It was closed.
    Disconnected,
    /// Everything in it was removed.
    Destroyed { responses: u64 },
    /// An operation of the store failed; requests are answered by the origin.
    Error {
        operation: &'static str,
        error: String,
    },
    /// A stored response answered.
    CacheHit {
        url: String,
        response: ResponseId,
        age: Duration,
    },
    /// The origin was asked.
    CacheMiss { url: String },
    /// A stored response could not be read; the origin was asked.
    CacheError { url: String, error: String },
    /// A response was stored.
    StoreSuccess {
        url: String,
        response: ResponseId,
        bytes: u64,
        stored_bytes: u64,
    },
    /// A response could not be stored.
    StoreError { url: String, error: String },
    /// A response is not stored because of what it or its request says.
    NotStored { url: String, reason: NotStorable },
    /// The responses of a target could not be read.
    GetError { error: String },
    /// Responses were removed.
    DeleteSuccess { responses: u64 },
    /// Responses could not be removed.
    DeleteError { error: String },
    /// A body was compressed.
    CompressionComplete {
        codec: String,
        original_bytes: u64,
        compressed_bytes: u64,
        duration: Duration,
    },
    /// A body could not be compressed, and is stored as it is.
    CompressionError { codec: String, error: String },
    /// A body was decompressed.
    DecompressionComplete {
        codec: String,
        original_bytes: u64,
        compressed_bytes: u64,
        duration: Duration,
    },
    /// A body is damaged, or its codec is not registered: a miss.
    DecompressionError {
        codec: String,
        content: ContentId,
        error: String,
    },
    /// Uses of stored responses were counted.
    Accessed { response: ResponseId, hits: u64 },
    /// Another number of versions has a body.
    ReferenceCountChanged {
        content: ContentId,
        reference_count: i64,
    },
    /// A response got another body than it had.
    VersionCreated { response: ResponseId, version: u64 },
    /// A stale response answered.
    ServedStale {
        url: String,
        response: ResponseId,
        age: Duration,
    },
    /// The origin confirmed a stored response.
    Revalidated { url: String, response: ResponseId },
    /// A request waited for the answer to another one.
    Collapsed { url: String },
    /// Responses were removed to make room.
    Evicted {
        responses: u64,
        versions: u64,
        bytes: u64,
    },
    /// The responses of a target became invalid.
    Invalidated { url: String, responses: u64 },
    /// The file was damaged: it was renamed, and a new one was begun.
    SetAside { path: String },
    /// This stream was too slow, and lost so many events.
    Lost { events: u64 },
}

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
    sender: broadcast::Sender<Event>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            listener_count: AtomicUsize::new(0),
            callbacks: Mutex::default(),
            sender: broadcast::Sender::new(STREAM_EVENTS),
        }
    }
}

impl Inner {
    fn callbacks(&self) -> MutexGuard<'_, Vec<Weak<Callback>>> {
        self.callbacks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    /// Calls `callback` on each event, on the thread on which it happens, until the listener is dropped. It
    /// delays what happens next: keep it short.
    #[must_use = "a dropped listener hears nothing"]
    pub fn listen(&self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Listener {
        let callback: Arc<Callback> = Arc::new(callback);
        self.inner.callbacks().push(Arc::downgrade(&callback));
        self.inner.listener_count.fetch_add(1, Ordering::Relaxed);
        Listener {
            events: self.clone(),
            callback,
        }
    }

    /// The events from now on. A stream that is 1,024 events behind loses the oldest, and yields [`Event::Lost`].
    #[must_use]
    pub fn stream(&self) -> EventStream {
        let counted = Counted::new(self.clone());
        let state = (self.inner.sender.subscribe(), counted);
        let events = unfold(state, |(mut receiver, counted)| async {
            let event = match receiver.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(events)) => Event::Lost { events },
                Err(RecvError::Closed) => return None,
            };
            Some((event, (receiver, counted)))
        });
        EventStream(events.boxed())
    }

    /// Whether anybody listens.
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

    fn send(&self, event: Event) {
        let callbacks: Vec<_> = self
            .inner
            .callbacks()
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        for callback in callbacks {
            callback(&event);
        }
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

/// A callback; it is called until this is dropped.
pub struct Listener {
    events: Events,
    callback: Arc<Callback>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.events
            .inner
            .listener_count
            .fetch_sub(1, Ordering::Relaxed);
        let dropped = Arc::downgrade(&self.callback);
        self.events
            .inner
            .callbacks()
            .retain(|callback| !callback.ptr_eq(&dropped));
    }
}

/// A stream counts as a listener while it exists.
struct Counted(Events);

impl Counted {
    fn new(events: Events) -> Self {
        events.inner.listener_count.fetch_add(1, Ordering::Relaxed);
        Self(events)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.inner.listener_count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream of events.
pub struct EventStream(BoxStream<'static, Event>);

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_next_unpin(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_without_a_listener_is_not_made() {
        let events = Events::default();
        events.emit(|| unreachable!("nobody listens"));
        drop(events.listen(|_| {}));
        drop(events.stream());
        events.emit(|| unreachable!("nobody listens any more"));
    }

    // covers("C4")
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
            assert_eq!(stream.next().await, Some(event));
        }
        let other = events.listen(|_| {});
        drop(other);
        events.emit(|| Event::Ready);
        assert_eq!(heard.lock().unwrap().len(), 3);
        drop(listener);
        events.emit(|| Event::Ready);
        assert_eq!(heard.lock().unwrap().len(), 3);
        assert_eq!(stream.next().await, Some(Event::Ready));
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
