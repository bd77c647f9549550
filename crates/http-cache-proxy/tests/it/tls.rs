//! An origin over TLS.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::origin::{Origin, response};
use crate::running::{Proxy, command};

type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// A certificate for `localhost`, and a folder with it as `roots.pem` and its key as `key.pem`.
pub(crate) struct Certificate {
    made: CertifiedKey<KeyPair>,
    pub(crate) folder: TempDir,
}

pub(crate) fn certificate() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate { made, folder };
    certificate.write_to(certificate.folder.path());
    certificate
}

impl Certificate {
    pub(crate) fn write_to(&self, folder: &Path) {
        fs::write(folder.join("roots.pem"), self.made.cert.pem()).unwrap();
        let key = self.made.signing_key.serialize_pem();
        fs::write(folder.join("key.pem"), key).unwrap();
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from(self.made.cert.der().to_vec())
    }

    /// A server with this certificate.
    pub(crate) fn server(&self) -> ServerConfig {
        let key = PrivatePkcs8KeyDer::from(self.made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der()], PrivateKeyDer::Pkcs8(key))
            .unwrap()
    }
}

/// An origin over TLS, and the folder of its certificate.
fn origin() -> (Origin, TempDir) {
    let certificate = certificate();
    let config = Arc::new(certificate.server());
    let accept = move |stream| -> Option<TlsStream> {
        let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
        Some(StreamOwned::new(connection, stream))
    };
    let answer = response("200 OK", &["Cache-Control: max-age=60"], "secret");
    let origin = Origin::start_over(accept, move |_| answer.clone());
    (origin, certificate.folder)
}

fn proxy(origin: &Origin, roots: &str) -> Proxy {
    let url = format!("https://localhost:{}", origin.port());
    let mut command = command(&["--origin", &url, "--memory", "--listen", "127.0.0.1:0"]);
    command.env("SSL_CERT_FILE", roots);
    Proxy::start_command(command)
}

#[test]
fn origin_with_a_trusted_certificate_is_cached() {
    let (origin, folder) = origin();
    let proxy = proxy(&origin, folder.path().join("roots.pem").to_str().unwrap());
    assert_eq!(proxy.get("/").body, "secret");
    assert!(proxy.get("/").cache_status().starts_with("hit"));
}

#[test]
fn origin_with_an_unknown_certificate_is_refused() {
    let (origin, _) = origin();
    let (_, other) = self::origin();
    let proxy = proxy(&origin, other.path().join("roots.pem").to_str().unwrap());
    assert_eq!(proxy.get("/").status(), 502);
    assert!(origin.requests().is_empty());
}
