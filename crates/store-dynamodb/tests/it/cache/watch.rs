//! A client that writes down what it sends, and that can die at a chosen request.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::support;

/// What a client did; shared by clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// `> PutItem` for what was sent, `<` for an answer.
    events: Vec<String>,
    /// The bodies of what was sent.
    bodies: Vec<serde_json::Value>,
    /// The operation, and what its body mentions.
    dies_at: Option<(&'static str, &'static str)>,
    is_dead: bool,
}

impl Watch {
    /// The same table as `table`, by a client that is watched.
    pub(crate) fn table(&self, table: &DynamoDbTable) -> DynamoDbTable {
        let endpoint = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
        let config = support::config_of(&endpoint)
            .retry_config(RetryConfig::disabled())
            .interceptor(self.clone());
        let client = Client::from_conf(config.build());
        DynamoDbTable::new(client, TableOptions::default().with_table(table.name()))
    }

    /// From the first such request on nothing is sent any more, as if the process had been killed.
    pub(crate) fn die_at(&self, operation: &'static str, mention: &'static str) {
        self.with(|seen| seen.dies_at = Some((operation, mention)));
    }

    /// What happened since it was asked last.
    pub(crate) fn take(&self) -> Vec<String> {
        self.with(|seen| std::mem::take(&mut seen.events))
    }

    /// Only what was sent.
    pub(crate) fn sent(&self) -> Vec<String> {
        let events = self.take().into_iter();
        let sent = events.filter_map(|event| Some(event.strip_prefix("> ")?.to_owned()));
        sent.collect()
    }

    /// The bodies of all that was sent.
    pub(crate) fn bodies(&self) -> Vec<serde_json::Value> {
        self.with(|seen| seen.bodies.clone())
    }

    fn with<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "watch"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
        self.with(|seen| {
            seen.is_dead |= seen
                .dies_at
                .is_some_and(|(name, mention)| name == operation && body.contains(mention));
            if seen.is_dead {
                return Err("the process is gone".into());
            }
            seen.events.push(format!("> {operation}"));
            seen.bodies.push(serde_json::from_str(&body)?);
            Ok(())
        })
    }

    fn read_before_deserialization(
        &self,
        _context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.with(|seen| seen.events.push("<".to_owned()));
        Ok(())
    }
}
