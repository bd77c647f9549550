//! SDK clients with timeouts and retries that suit a rate limiter.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, IdentityCache, Region, StalledStreamProtectionConfig,
};
use aws_types::SdkConfig;

use super::credentials::{CredentialsLookup, LOOKUP_TIMEOUT};
use super::http::http_client;
#[cfg(feature = "aws-config")]
use super::http::is_loopback;
use super::{DynamoDbTable, TableOptions};

/// Maximum backoff before a retry.
const LONGEST_DELAY: Duration = Duration::from_millis(500);

impl DynamoDbTable {
    /// A handle with the region, credentials and HTTP client of `config` (as loaded by `aws-config`) and the
    /// timeouts and retries of `options`. Region and endpoint of `options`, if set, take precedence.
    #[must_use]
    pub fn from_config(config: &SdkConfig, options: TableOptions) -> Self {
        let mut builder = Builder::from(config);
        if config.http_client().is_none() {
            builder = builder.http_client(http_client());
        }
        let lookup = |provider| CredentialsLookup::new(provider, Arc::clone(&options.clock));
        let credentials = config.credentials_provider().map(lookup);
        if let Some(credentials) = &credentials {
            let caching = IdentityCache::no_cache();
            builder = builder.credentials_provider(credentials.clone());
            builder = builder.identity_cache(caching);
        }
        Self::with_credentials(client(builder, &options), options, credentials)
    }

    /// A handle with region and credentials from the environment, the profile files or the machine's role, as
    /// the AWS CLI finds them; those of `sso`, `login` and `credential_process` profiles need the features of
    /// these names.
    ///
    /// For an endpoint on this machine, where test servers accept any credentials, placeholder credentials are
    /// used if no variable of the environment names others: `AWS_ACCESS_KEY_ID`, `AWS_PROFILE`,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_CONTAINER_CREDENTIALS_…_URI`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use store_dynamodb::{DynamoDbTable, TableOptions};
    ///
    /// let options = TableOptions::default()
    ///     .with_table("comics")
    ///     .with_endpoint_url("http://127.0.0.1:8000");
    /// assert_eq!(DynamoDbTable::from_env(options).await.name(), "comics");
    /// # }
    /// ```
    #[cfg(feature = "aws-config")]
    pub async fn from_env(options: TableOptions) -> Self {
        let mut loader =
            aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http_client());
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if options.endpoint_url.as_deref().is_some_and(is_loopback) && names_no_credentials() {
            loader = loader.credentials_provider(placeholder());
            if options.region.is_none() {
                loader = loader.region(
                    aws_config::meta::region::RegionProviderChain::first_try(
                        aws_config::environment::EnvironmentVariableRegionProvider::new(),
                    )
                    .or_else(Region::from_static("us-east-1")),
                );
            }
        }
        Self::from_config(&loader.load().await, options)
    }
}

/// Whether the environment leaves open where credentials come from.
#[cfg(feature = "aws-config")]
fn names_no_credentials() -> bool {
    let variables = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ];
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !variables.into_iter().any(is_set)
}

/// Credentials for servers that accept any; DynamoDB Local accepts letters and digits only.
#[cfg(feature = "aws-config")]
fn placeholder() -> aws_sdk_dynamodb::config::Credentials {
    aws_sdk_dynamodb::config::Credentials::builder()
        .access_key_id("local")
        .secret_access_key("local")
        .provider_name("placeholder for a local server")
        .build()
}

fn client(mut builder: Builder, options: &TableOptions) -> Client {
    let retries = RetryConfig::standard()
        .with_max_attempts(options.max_retries.saturating_add(1))
        .with_initial_backoff(options.retry_delay)
        .with_max_backoff(LONGEST_DELAY.max(options.retry_delay));
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(options.operation_timeout)
        .operation_attempt_timeout(options.attempt_timeout)
        .connect_timeout(options.attempt_timeout)
        .build();
    if let Some(region) = &options.region {
        builder = builder.region(Region::new(region.clone()));
    }
    if let Some(url) = &options.endpoint_url {
        builder = builder.endpoint_url(url);
    }
    let config = builder
        .behavior_version(BehaviorVersion::v2026_01_12())
        // Answers are small and come at once; watching how fast they stream in only costs.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(retries)
        .timeout_config(timeouts)
        .build();
    Client::from_conf(config)
}

/// The same client, for requests that are paced and sent again here. It leaves the retries alone that all clients
/// of a process share.
pub(super) fn without_retries(client: &Client) -> Client {
    let config = client.config().to_builder();
    Client::from_conf(config.retry_config(RetryConfig::disabled()).build())
}

/// The same client, for requests that wait for credentials themselves: while these are looked up, no timeout of an
/// attempt runs.
pub(crate) fn patient(client: &Client) -> Client {
    let config = client.config();
    let Some(timeouts) = config.timeout_config() else {
        return client.clone();
    };
    let mut patient = timeouts.to_builder();
    patient
        .set_read_timeout(
            timeouts
                .operation_attempt_timeout()
                .or(timeouts.read_timeout()),
        )
        .set_operation_attempt_timeout(None)
        .set_operation_timeout(timeouts.operation_timeout().map(|it| it + LOOKUP_TIMEOUT));
    Client::from_conf(config.to_builder().timeout_config(patient.build()).build())
}
