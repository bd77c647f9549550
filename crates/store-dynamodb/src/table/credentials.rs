//! Credentials that are looked up outside the timeouts of requests.
//!
//! A lookup may take longer than an attempt: a program asks its user, a token is renewed over the network. It runs
//! in a task of its own, which no timeout of a request cancels; requests wait for it before they are sent, and then
//! find the credentials here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as Provided, SharedCredentialsProvider, future,
};
use aws_sdk_dynamodb::config::Credentials;
use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use store_core::{Clock, MINUTE, Timestamp};

/// The longest that a request waits for credentials.
pub(crate) const LOOKUP_TIMEOUT: Duration = MINUTE;

/// How long before they expire credentials are not used any more, and how long before that others are looked up.
const MARGIN: Duration = Duration::from_secs(10);
const AHEAD: Duration = Duration::from_mins(5);
/// The lifetime of credentials that name none: their source may change, as a profile's file does.
const LIFETIME: Duration = Duration::from_mins(15);
/// How long after a failed lookup the next one begins, while the former credentials are still good.
const RETRY_AFTER: Duration = Duration::from_secs(5);

type Outcome = Result<Credentials, Arc<CredentialsError>>;

/// A lookup that is under way.
pub(super) type Lookup = Shared<BoxFuture<'static, Outcome>>;

/// A provider that caches what another provides, and looks it up once for all who wait.
#[derive(Clone, Debug)]
pub(crate) struct CredentialsLookup {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    provider: SharedCredentialsProvider,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    found: Option<Found>,
    running: Option<Lookup>,
}

#[derive(Debug)]
struct Found {
    credentials: Credentials,
    expires_at: Option<Timestamp>,
    /// When others are to be looked up.
    renew_at: Timestamp,
}

impl CredentialsLookup {
    pub(super) fn new(provider: SharedCredentialsProvider, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::new(Inner {
                provider,
                clock,
                state: Mutex::default(),
            }),
        }
    }

    /// The credentials, if there are any that have not expired, or the lookup to wait for. Before they expire a
    /// lookup begins that nobody waits for.
    pub(super) fn find(&self) -> Result<Credentials, Lookup> {
        let now = self.inner.clock.now();
        let mut state = self.inner.lock();
        // A lookup that ended with its runtime has left nothing.
        state.running.take_if(|running| running.peek().is_some());
        let is_good = |it: &Found| it.expires_at.is_none_or(|at| now + MARGIN < at);
        let found = state.found.as_ref().filter(|it| is_good(it));
        let (found, is_due) = match found {
            Some(found) => (Some(found.credentials.clone()), found.renew_at <= now),
            None => (None, true),
        };
        if is_due && state.running.is_none() {
            state.running = Some(self.look_up());
        }
        match (found, &state.running) {
            (None, Some(lookup)) => Err(lookup.clone()),
            (None, None) => Err(self.look_up()),
            (Some(found), _) => Ok(found),
        }
    }

    fn look_up(&self) -> Lookup {
        let inner = Arc::clone(&self.inner);
        let task = tokio::spawn(async move {
            let provided = inner.provider.provide_credentials().await;
            inner.finish(provided)
        });
        let outcome = async { task.await.unwrap_or_else(|error| Err(ended_early(error))) };
        outcome.boxed().shared()
    }
}

fn ended_early(error: tokio::task::JoinError) -> Arc<CredentialsError> {
    Arc::new(CredentialsError::provider_error(error))
}

impl Inner {
    fn finish(&self, provided: Provided) -> Outcome {
        let now = self.clock.now();
        let mut state = self.lock();
        state.running = None;
        match provided {
            Ok(credentials) => {
                let expires_at = credentials.expiry().map(Timestamp::from);
                let lifetime = expires_at.map_or(LIFETIME, |at| at.since(now));
                // Half of it, if it is short.
                let renew_at = now + (lifetime / 2).max(lifetime.saturating_sub(AHEAD));
                state.found = Some(Found {
                    credentials: credentials.clone(),
                    expires_at,
                    renew_at,
                });
                Ok(credentials)
            }
            Err(error) => {
                if let Some(found) = &mut state.found {
                    found.renew_at = now + RETRY_AFTER;
                }
                Err(Arc::new(error))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProvideCredentials for CredentialsLookup {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        match self.find() {
            Ok(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            Err(lookup) => future::ProvideCredentials::new(async {
                lookup.await.map_err(CredentialsError::provider_error)
            }),
        }
    }
}
