//! Who hears of events: a callback or a stream, until it is dropped.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures_util::stream::{BoxStream, Stream, StreamExt, unfold};
use tokio::sync::broadcast::error::RecvError;

use super::{Callback, Event, Events, lock};

/// A callback; it is called until this is dropped.
pub struct Listener {
    events: Events,
    /// `None` for one of rare events alone.
    _counted: Option<Counted>,
    callback: Arc<Callback>,
}

impl Listener {
    pub(super) fn to_all(events: &Events, callback: Arc<Callback>) -> Self {
        lock(&events.inner.callbacks).push(Arc::downgrade(&callback));
        Self {
            events: events.clone(),
            _counted: Some(Counted::new(events)),
            callback,
        }
    }

    pub(super) fn to_rare(events: &Events, callback: Arc<Callback>) -> Self {
        lock(&events.inner.rare_callbacks).push(Arc::downgrade(&callback));
        Self {
            events: events.clone(),
            _counted: None,
            callback,
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let dropped = Arc::downgrade(&self.callback);
        let inner = &self.events.inner;
        for callbacks in [&inner.callbacks, &inner.rare_callbacks] {
            lock(callbacks).retain(|callback| !callback.ptr_eq(&dropped));
        }
    }
}

/// A stream of events.
pub struct EventStream(BoxStream<'static, Event>);

impl EventStream {
    pub(super) fn new(events: &Events) -> Self {
        let state = (events.inner.sender.subscribe(), Counted::new(events));
        let events = unfold(state, |(mut receiver, counted)| async {
            let event = match receiver.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(events)) => Event::Lost { events },
                Err(RecvError::Closed) => return None,
            };
            Some((event, (receiver, counted)))
        });
        Self(events.boxed())
    }
}

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

/// Counts as a listener while it exists.
struct Counted(Events);

impl Counted {
    fn new(events: &Events) -> Self {
        events.inner.listener_count.fetch_add(1, Ordering::Relaxed);
        Self(events.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.inner.listener_count.fetch_sub(1, Ordering::Relaxed);
    }
}
