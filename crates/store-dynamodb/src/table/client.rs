//! Clients with the patience that suits a limiter.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_types::SdkConfig;

use super::{DynamoDbTable, TableOptions};

/// The longest wait before a request is sent again.
const LONGEST_DELAY: Duration = Duration::from_millis(500);

impl DynamoDbTable {
    /// A table reached with the region, credentials and HTTP client of `config`, as `aws-config` loads
    /// it, and with the timeouts and retries of `options`.
    #[must_use]
    pub fn from_config(config: &SdkConfig, options: TableOptions) -> Self {
        let mut builder = Builder::from(config);
        if config.http_client().is_none() {
            builder = builder.http_client(http_client(options.endpoint_url.as_deref()));
        }
        Self::new(client(builder, &options), options)
    }

    /// A table reached with the region and credentials that the environment, the profile files or the
    /// machine's role give, as the AWS command line finds them.
    ///
    /// At an endpoint on this machine, where servers for tests take any credentials, made-up ones are
    /// used if the environment names none.
    #[cfg(feature = "aws-config")]
    pub async fn from_env(options: TableOptions) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client(options.endpoint_url.as_deref()));
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if options.endpoint_url.as_deref().is_some_and(is_loopback) && names_no_credentials() {
            loader = loader.credentials_provider(made_up());
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

/// Credentials for servers that take any; AWS' own takes letters and digits only.
#[cfg(feature = "aws-config")]
fn made_up() -> aws_sdk_dynamodb::config::Credentials {
    aws_sdk_dynamodb::config::Credentials::builder()
        .access_key_id("local")
        .secret_access_key("local")
        .provider_name("made up for a local server")
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
