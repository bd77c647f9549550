//! The HTTP client of the table and of whatever its credentials come from.
//!
//! It goes the way that the environment says, as the AWS command line does: `HTTPS_PROXY`, `HTTP_PROXY`,
//! `NO_PROXY`, `AWS_CA_BUNDLE`. Each address gets what it needs: this machine and the addresses at which clouds
//! hand out credentials no proxy, plain HTTP no TLS, so that neither certificates nor a proxy are looked for.

use std::net::IpAddr;

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;

/// Environment variable with the file of the certificates to trust instead of the system's.
#[cfg(feature = "rustls")]
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

pub(super) fn http_client() -> SharedHttpClient {
    SharedHttpClient::new(Routes {
        near: plain(ProxyConfig::disabled()),
        plain: plain(ProxyConfig::from_env()),
        secure: secure(),
    })
}

/// A client for each kind of address; each loads what it needs on its first request.
#[derive(Clone, Debug)]
struct Routes {
    near: SharedHttpClient,
    plain: SharedHttpClient,
    /// Or why there is none.
    secure: Result<SharedHttpClient, String>,
}

/// The routes of one client, with its timeouts.
#[derive(Debug)]
struct Routed {
    routes: Routes,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpClient for Routes {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Routed {
            routes: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

impl HttpConnector for Routed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = request.uri();
        let client = match (&self.routes.secure, url.starts_with("http://")) {
            (_, true) if is_near(url) => &self.routes.near,
            (_, true) => &self.routes.plain,
            (Ok(secure), false) => secure,
            (Err(why), false) => {
                let error = ConnectorError::user(why.clone().into());
                return HttpConnectorFuture::ready(Err(error));
            }
        };
        let connector = client.http_connector(&self.settings, &self.components);
        connector.call(request)
    }
}

fn plain(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().proxy_config(proxy.clone());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.build_http()
    })
}

#[cfg(not(feature = "rustls"))]
fn secure() -> Result<SharedHttpClient, String> {
    Err("this program was built without the feature `rustls`, which HTTPS needs".to_owned())
}

/// Our own TLS: the SDK's brings a second library, which has to be compiled in C.
#[cfg(feature = "rustls")]
fn secure() -> Result<SharedHttpClient, String> {
    use aws_smithy_http_client::tls::{Provider, TlsContext, rustls_provider::CryptoMode};

    let mut context = TlsContext::builder();
    if let Some(path) = std::env::var_os(CA_BUNDLE).filter(|path| !path.is_empty()) {
        context = context.with_trust_store(trusted(path.as_ref())?);
    }
    let context = context.build().map_err(|error| error.to_string())?;
    Ok(
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
            builder.set_connector_settings(settings.cloned());
            builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            builder
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(context.clone())
                .build()
        }),
    )
}

/// The certificates of a file; checked, because the client panics over one that it cannot read.
#[cfg(feature = "rustls")]
fn trusted(path: &std::path::Path) -> Result<aws_smithy_http_client::tls::TrustStore, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let unusable = |why: &dyn std::fmt::Display| {
        format!(
            "{CA_BUNDLE} names {}, which cannot be used: {why}",
            path.display()
        )
    };
    let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"it has no certificate"));
    }
    Ok(aws_smithy_http_client::tls::TrustStore::empty().with_pem_certificate(pem))
}

/// Whether the address is this machine, or one at which a cloud hands out credentials to its machines.
fn is_near(url: &str) -> bool {
    const METADATA_V6: &str = "fd00:ec2::254";
    match host(url).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || METADATA_V6.parse() == Ok(ip),
        Err(_) => host(url) == "localhost",
    }
}

/// Whether a server at this address is one on this machine.
#[cfg(feature = "aws-config")]
pub(super) fn is_loopback(url: &str) -> bool {
    let host = host(url);
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn host(url: &str) -> &str {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let host = address.split(['/', '?']).next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    host.trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "aws-config")]
    #[test]
    fn servers_on_this_machine_are_told_from_others() {
        for local in [
            "http://127.0.0.1:8000",
            "http://localhost:8000/",
            "http://[::1]:8000",
            "http://localhost",
        ] {
            assert!(is_loopback(local) && is_near(local), "{local}");
        }
        for other in [
            "https://dynamodb.us-east-1.amazonaws.com",
            "http://localhost.example.com:8000",
            "http://10.0.0.1:8000",
        ] {
            assert!(!is_loopback(other) && !is_near(other), "{other}");
        }
    }

    #[test]
    fn credentials_of_a_machine_are_near() {
        for near in [
            "http://169.254.169.254/latest/api/token",
            "http://169.254.170.2/credentials?id=1",
            "http://[fd00:ec2::254]/latest",
        ] {
            assert!(is_near(near), "{near}");
        }
    }
}
