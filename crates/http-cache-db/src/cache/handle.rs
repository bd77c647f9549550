//! One request: what the engine decides, done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response, StatusCode};
use http_body::Body as _;
use store_core::{Priority, Registration};

use super::HttpCache;
use super::ask::Ask;
use super::body::Body;
use super::collapse::{Ending, Lead, Turn};
use super::exchange::{Exchange, sentence};
use super::find::Found;
use super::jobs::Job;
use super::keep::drain;
use super::origin::Origin;

use crate::engine::{Decision, Forward, ForwardReason, decide};
use crate::events::Event;
use crate::fields::RangeField;
use crate::keys::TargetKey;
use crate::policy::is_safe;

impl HttpCache {
    /// The answer to a request, from the store or from the origin.
    ///
    /// A request whose target is not absolute is answered with 400: without scheme and host, responses of two
    /// origins could not be told apart. What may not be asked of the origin (`only-if-cached`) and is not stored
    /// is answered with 504. The response has its [`CacheStatus`](crate::engine::CacheStatus) among its
    /// extensions, and those of the origin's response if that was used.
    ///
    /// Failures of the store are [events](Self::events); the origin answers then. If the returned future is
    /// dropped, an unsafe request goes on in a task of its own, so that what it changes becomes invalid. Needs a
    /// Tokio runtime.
    ///
    /// # Errors
    /// If the origin was asked and gave no answer, and no stored response may stand in for it.
    pub async fn handle<O: Origin>(
        &self,
        request: Request<Body>,
        origin: &O,
    ) -> Result<Response<Body>, O::Error> {
        let (parts, body) = request.into_parts();
        let Some(exchange) = Exchange::new(self, parts, !body.is_end_stream()) else {
            let refusal = "The target is no absolute URL.\n";
            return Ok(sentence(StatusCode::BAD_REQUEST, refusal));
        };
        if is_safe(&exchange.request.method) {
            return exchange.run(body, origin).await;
        }
        let origin = origin.clone();
        let answer = tokio::spawn(async move { exchange.run(body, &origin).await }).await;
        match answer.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(answer) => answer,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime ends.
            Err(Err(_)) => std::future::pending().await,
        }
    }
}

impl Exchange {
    async fn run<O: Origin>(self, body: Body, origin: &O) -> Result<Response<Body>, O::Error> {
        let (mut lead, mut waited) = (None, None);
        let mut seen = self.cache().shared.flights.seen();
        let mut found = self.find().await;
        loop {
            let decision = self.decide(&found);
            if found.is_equivalent && !matches!(decision, Decision::Serve(_)) {
                // A validation would be of another target.
                found.entries.clear();
                found.is_equivalent = false;
                continue;
            }
            let forward = match decision {
                Decision::Serve(at) => {
                    if let Some(response) = self.serve(&mut found, at, &mut lead, waited).await {
                        return Ok(response);
                    }
                    continue;
                }
                Decision::ServeAndRevalidate(at, forward) => {
                    let ask = ask(&found, forward, None, waited);
                    if let Some(response) = self.serve(&mut found, at, &mut lead, waited).await {
                        self.revalidate(origin, ask);
                        return Ok(response);
                    }
                    continue;
                }
                Decision::GatewayTimeout => {
                    let refusal = "Nothing stored answers, and the origin may not be asked.\n";
                    let response = sentence(StatusCode::GATEWAY_TIMEOUT, refusal);
                    let status = self.cache_status().detail("only-if-cached");
                    return Ok(self.finished(response, status));
                }
                Decision::Forward(forward) => forward,
            };
            let may_wait = found.is_usable && self.may_wait(forward.reason);
            if may_wait && lead.is_none() && waited.is_none() {
                match self.turn().await {
                    Turn::Alone => {}
                    Turn::Lead(taken) => lead = Some(taken),
                    Turn::Waited => waited = Some(forward.reason),
                }
                // Since this request has looked, the answer to another may have been stored, of this process or, before
                // this one led them, of others.
                let stored = self.cache().shared.flights.seen();
                let leads_all = lead.as_ref().is_some_and(Lead::is_shared);
                if waited.is_some() || leads_all || stored != seen {
                    seen = stored;
                    found = self.find().await;
                    continue;
                }
            }
            let ask = ask(&found, forward, lead, waited);
            // Boxed: a hit does not need the room.
            return Box::pin(self.ask(origin, body, ask)).await;
        }
    }

    fn decide(&self, found: &Found) -> Decision {
        let stored: Vec<_> = found.entries.iter().map(|entry| &entry.stored).collect();
        decide(&self.request, &stored, self.now(), &self.policy)
    }

    /// The answer of the stored response at this index, which is left out from now on if its body cannot be read.
    async fn serve(
        &self,
        found: &mut Found,
        at: usize,
        lead: &mut Option<Lead>,
        waited: Option<ForwardReason>,
    ) -> Option<Response<Body>> {
        let entry = found.entries.get(at)?;
        let response = self.hit(entry, waited).await;
        if response.is_none() {
            found.entries.remove(at);
        } else if let Some(lead) = lead.take() {
            lead.end(Ending::LookAgain);
        }
        response
    }

    /// Whether the answer to an equal request may serve this one.
    fn may_wait(&self, reason: ForwardReason) -> bool {
        let fields = &self.request.fields;
        let control = &fields.control;
        let is_miss = match reason {
            ForwardReason::UriMiss | ForwardReason::VaryMiss | ForwardReason::Stale => true,
            ForwardReason::Bypass
            | ForwardReason::Method
            | ForwardReason::Partial
            | ForwardReason::Request => false,
        };
        let asks_for_itself = fields.has_authorization
            || control.no_store
            || control.no_cache
            || control.only_if_cached
            || fields.range != RangeField::Whole;
        self.is_get() && is_miss && !asks_for_itself
    }

    /// Waits for an equal request, if there is one and the cache is to do so.
    async fn turn(&self) -> Turn {
        let settings = &self.cache().settings;
        let Some(longest) = settings.longest_wait else {
            return Turn::Alone;
        };
        let until = settings.clock.monotonic().saturating_add(longest);
        let waiting = || self.target.emit(|url| Event::Collapsed { url });
        let flights = &self.cache().shared.flights;
        let turn = flights.turn(self.target.key, &settings.clock, longest, waiting);
        match (turn.await, &settings.jobs) {
            (Turn::Lead(lead), Some(jobs)) => {
                // Boxed: a hit does not need the room.
                Box::pin(self.turn_among_processes(jobs, lead, until)).await
            }
            (turn, _) => turn,
        }
    }

    /// Validates a stored response in the background, unless that is being done.
    fn revalidate<O: Origin>(&self, origin: &O, ask: Ask) {
        let validations = &self.cache().shared.validations;
        let Some(validation) = Validation::new(validations, self.target.key) else {
            return;
        };
        let (exchange, origin) = (self.detached(), origin.detached());
        tokio::spawn(async move {
            exchange.validate(&origin, ask).await;
            drop(validation);
        });
    }

    /// Validates a stored response, unless another process does.
    async fn validate<O: Origin>(&self, origin: &O, ask: Ask) {
        let Some((ask, job)) = self.job_of_validation(ask).await else {
            return;
        };
        let max_bytes = self.target.store().max_body_bytes();
        if let Ok(response) = self.ask(origin, Body::empty(), ask).await {
            drain(response.into_body(), max_bytes).await;
        }
        if let Some(job) = job {
            job.end(Ending::LookAgain, true);
        }
    }

    /// How to validate, and the job of it that other processes wait for; `None` if another process does that, or has
    /// just done it.
    async fn job_of_validation(&self, asked: Ask) -> Option<(Ask, Option<Job>)> {
        let Some(jobs) = &self.cache().settings.jobs else {
            return Some((asked, None));
        };
        let job = match jobs.register(&self.target, Priority::Background).await {
            None => return Some((asked, None)),
            Some(Registration::Joined(_)) => return None,
            Some(Registration::Owner(owner)) => jobs.start(&self.target, owner),
        };
        let found = self.find().await;
        match self.decide(&found) {
            Decision::ServeAndRevalidate(_, forward) | Decision::Forward(forward) => {
                Some((ask(&found, forward, None, None), Some(job)))
            }
            Decision::Serve(_) | Decision::GatewayTimeout => {
                job.end(Ending::LookAgain, true);
                None
            }
        }
    }
}

fn ask(found: &Found, forward: Forward, lead: Option<Lead>, waited: Option<ForwardReason>) -> Ask {
    let entry = forward.stored_index.and_then(|at| found.entries.get(at));
    Ask {
        forward,
        entry: entry.cloned(),
        is_usable: found.is_usable,
        lead,
        has_waited: waited.is_some(),
    }
}

/// The targets that are validated in the background.
pub(super) type Validations = Mutex<HashSet<TargetKey>>;

/// The validation of a target in the background; there is one at a time.
struct Validation {
    all: Arc<Validations>,
    target: TargetKey,
}

impl Validation {
    /// `None` if there is one already.
    fn new(all: &Arc<Validations>, target: TargetKey) -> Option<Self> {
        let mut targets = all.lock().unwrap_or_else(PoisonError::into_inner);
        targets.insert(target).then(|| Self {
            all: Arc::clone(all),
            target,
        })
    }
}

impl Drop for Validation {
    fn drop(&mut self) {
        let mut targets = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        targets.remove(&self.target);
    }
}
