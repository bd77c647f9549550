//! SDK clients with timeouts and retries that suit a rate limiter.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_types::SdkConfig;

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
            builder = builder.http_client(http_client(options.endpoint_url.as_deref()));
        }
        Self::new(client(builder, &options), options)
    }

    /// A handle with region and credentials from the environment, the profile files or the machine's role, as
    /// the AWS CLI finds them.
    ///
    /// For an endpoint on this machine, where test servers accept any credentials, placeholder credentials are
    /// used if neither `AWS_ACCESS_KEY_ID` nor `AWS_PROFILE` is set.
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
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client(options.endpoint_url.as_deref()));
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

/// Whether a server at this address is one on this machine.
#[cfg(feature = "aws-config")]
fn is_loopback(url: &str) -> bool {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let host = address.split('/').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    let host = host.trim_matches(['[', ']']);
    let is_local = |ip: std::net::IpAddr| ip.is_loopback();
    host == "localhost" || host.parse().is_ok_and(is_local)
}

/// Whether the environment leaves open where credentials come from.
#[cfg(feature = "aws-config")]
fn names_no_credentials() -> bool {
    let variables = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"];
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

/// A client of our own making: the SDK's brings a second TLS library, which has to be compiled in C.
fn http_client(endpoint: Option<&str>) -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    #[cfg(feature = "rustls")]
    if !endpoint.is_some_and(|url| url.starts_with("http://")) {
        use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
        return builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
    }
    let _ = endpoint;
    builder.build_http()
}

#[cfg(all(test, feature = "aws-config"))]
mod tests {
    use super::*;

    #[test]
    fn servers_on_this_machine_are_told_from_others() {
        for local in [
            "http://127.0.0.1:8000",
            "http://localhost:8000/",
            "http://[::1]:8000",
            "http://localhost",
        ] {
            assert!(is_loopback(local), "{local}");
        }
        for other in [
            "https://dynamodb.us-east-1.amazonaws.com",
            "http://localhost.example.com:8000",
            "http://10.0.0.1:8000",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
