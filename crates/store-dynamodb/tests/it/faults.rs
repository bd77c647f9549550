//! Answers that do not arrive: the server has done what it was asked to, and the client hears that it
//! is out of order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::support;

/// How many answers are still to be lost; shared by clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    left: Arc<AtomicU32>,
}

impl Faults {
    /// The same table as `table`, by a client that loses answers and sends a request at most `tries`
    /// times.
    pub(crate) fn table(&self, table: &DynamoDbTable, tries: u32) -> DynamoDbTable {
        let endpoint = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
        let retries = RetryConfig::standard()
            .with_max_attempts(tries)
            .with_initial_backoff(Duration::from_millis(1));
        let config = support::config_of(&endpoint)
            .retry_config(retries)
            .interceptor(self.clone());
        let client = Client::from_conf(config.build());
        DynamoDbTable::new(client, TableOptions::default().with_table(table.name()))
    }

    /// Loses the next answers.
    pub(crate) fn lose(&self, answers: u32) {
        self.left.store(answers, Ordering::SeqCst);
    }
}

impl Intercept for Faults {
    fn name(&self) -> &'static str {
        "faults"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let one_less = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        if self.left.fetch_update(order, order, one_less).is_ok() {
            *context.response_mut().status_mut() = 503_u16.try_into()?;
        }
        Ok(())
    }
}
