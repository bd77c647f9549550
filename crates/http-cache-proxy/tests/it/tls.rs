//! An origin over TLS.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::origin::{Origin, response};
use crate::running::{Proxy, command};

type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// An origin over TLS, and a folder with its certificate as `roots.pem`.
fn origin() -> (Origin, TempDir) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("roots.pem"), made.cert.pem()).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    let config = Arc::new(config);
    let accept = move |stream| -> Option<TlsStream> {
        let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
        Some(StreamOwned::new(connection, stream))
    };
    let answer = response("200 OK", &["Cache-Control: max-age=60"], "secret");
    (Origin::start_over(accept, move |_| answer.clone()), folder)
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
