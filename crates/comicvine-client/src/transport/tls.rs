//! TLS: rustls with ring and the operating system's root certificates, behind the feature `tls`.

use reqwest::ClientBuilder;
use url::Url;

use crate::error::Error;

/// Configures TLS for requests to `base_url`.
#[cfg(feature = "tls")]
pub(super) fn configure(builder: ClientBuilder, base_url: &Url) -> Result<ClientBuilder, Error> {
    let config = config(base_url).map_err(|error| super::setup_error(&error))?;
    Ok(builder.tls_backend_preconfigured(config))
}

/// The crypto provider is passed explicitly: installing a global one is up to the application.
#[cfg(feature = "tls")]
fn config(base_url: &Url) -> Result<rustls::ClientConfig, rustls::Error> {
    use std::sync::Arc;

    use rustls_platform_verifier::BuilderVerifierExt;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?;
    let config = if base_url.scheme() == "https" {
        config.with_platform_verifier()?
    } else {
        // Plain http must work on a machine without root certificates.
        config.with_root_certificates(rustls::RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}

/// Refuses https, which this build does not have.
#[cfg(not(feature = "tls"))]
pub(super) fn configure(builder: ClientBuilder, base_url: &Url) -> Result<ClientBuilder, Error> {
    if base_url.scheme() == "https" {
        return Err(Error::invalid(
            "the base url is https, but comicvine-client is built without its feature `tls`; \
             enable the feature, or use an http url",
        ));
    }
    Ok(builder)
}
