//! Clients over TLS, which agrees on the version of HTTP.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use http::Version;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio_rustls::TlsConnector;

use super::{address, client, get, run, text};
use crate::origin::{Origin, response};
use crate::routing::origin_named;
use crate::running::{Proxy, TIMEOUT, command};
use crate::tls::{Certificate, certificate};

/// A proxy with this certificate.
fn start(origin: &Origin, certificate: &Certificate) -> Proxy {
    let path = |name: &str| certificate.folder.path().join(name);
    let url = origin.url();
    let (cert, key) = (path("roots.pem"), path("key.pem"));
    let fixed = ["--memory", "--listen", "127.0.0.1:0", "--origin", &url];
    let mut command = command(&fixed);
    command
        .arg("--tls-cert")
        .arg(cert)
        .arg("--tls-key")
        .arg(key);
    Proxy::start_command(command)
}

/// A client that trusts this certificate.
fn trusting(certificate: CertificateDer<'static>, protocols: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Arc::new(config)
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// All that comes back for a request over HTTP/1.1, if the certificate is trusted.
fn ask(address: SocketAddr, config: Arc<ClientConfig>) -> Option<String> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let connection = ClientConnection::new(config, localhost()).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn client_and_proxy_agree_on_a_version() {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    let origin = Origin::answering(format!("{early}{}", response("200 OK", &[], "one")));
    let certificate = certificate();
    let proxy = start(&origin, &certificate);
    let address = address(&proxy);
    run(async {
        let config = trusting(certificate.der(), &["h2", "http/1.1"]);
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let connecting = TlsConnector::from(config).connect(localhost(), stream);
        let stream = connecting.await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut client = client(stream).await;
        let answer = client.send_request(get("https://a/")).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        assert_eq!(text(answer).await, "one");
    });
    // Those of HTTP/1.1 also get interim responses.
    for protocols in [&["http/1.1"][..], &[]] {
        let answer = ask(address, trusting(certificate.der(), protocols)).unwrap();
        let expected = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 OK";
        assert!(answer.starts_with(expected), "{answer}");
        assert!(answer.ends_with("one"), "{answer}");
    }
}

#[test]
fn certificate_is_read_again() {
    let (old, new) = (certificate(), certificate());
    let origin = origin_named("one");
    let mut proxy = start(&origin, &old);
    let address = address(&proxy);
    let is_served =
        |certificate: &Certificate| ask(address, trusting(certificate.der(), &[])).is_some();
    assert!(is_served(&old) && !is_served(&new));
    new.write_to(old.folder.path());
    assert!(is_served(&old));
    proxy.signal("HUP");
    proxy.errors_up_to("read again");
    assert!(is_served(&new) && !is_served(&old));
    fs::write(old.folder.path().join("key.pem"), "no key").unwrap();
    proxy.signal("HUP");
    let said = proxy.errors_up_to("stay as they were");
    assert!(said.contains("key.pem"), "{said}");
    assert!(is_served(&new));
}

#[test]
fn wrong_certificate_is_named() {
    let (one, other) = (certificate(), certificate());
    let path = |certificate: &Certificate, name: &str| {
        let path = certificate.folder.path().join(name);
        path.to_str().unwrap().to_owned()
    };
    let (cert, key) = (path(&one, "roots.pem"), path(&other, "key.pem"));
    for (arguments, words) in [
        (
            &["--tls-cert", &cert, "--tls-key", &key][..],
            "name its key",
        ),
        (
            &["--tls-cert", &cert, "--tls-key", "/missing.pem"],
            "/missing.pem",
        ),
        (&["--tls-cert", &cert], "--tls-key"),
    ] {
        let fixed = ["--memory", "--check", "--origin", "http://a"];
        let output = command(&[&fixed[..], arguments].concat()).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
}
