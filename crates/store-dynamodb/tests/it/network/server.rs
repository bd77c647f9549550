//! Servers on loopback in threads of their own: HTTP with and without TLS, and a proxy for CONNECT.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// A media type and a body.
type Answer = (&'static str, String);

/// A server that answers every request, one per connection. Its thread ends with the test's process.
pub(super) struct Server {
    port: u16,
    folder: TempDir,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn plain(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(tempfile::tempdir().expect("a folder"), answer, |stream| {
            stream
        })
    }

    /// Over TLS, with a certificate for `name` that [`roots`](Self::roots) has.
    pub(super) fn over_tls(
        name: &str,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("roots.pem"), made.cert.pem()).expect("written");
        let certificate = CertificateDer::from(made.cert.der().to_vec());
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key))
            .expect("a configuration");
        let config = Arc::new(config);
        Self::start(folder, answer, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            StreamOwned::new(connection, stream)
        })
    }

    fn start<S: Read + Write>(
        folder: TempDir,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
        accept: impl Fn(TcpStream) -> S + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that does not trust the certificate hangs up.
                if serve(accept(stream), &answer).is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self {
            port,
            folder,
            requests,
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file with the certificate to trust.
    pub(super) fn roots(&self) -> String {
        let path = self.folder.path().join("roots.pem");
        path.to_str().expect("text").to_owned()
    }

    /// Number of requests that were answered.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn serve(stream: impl Read + Write, answer: &impl Fn(&str) -> Answer) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let head = read_head(&mut stream)?;
    let length = head.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let (media_type, body) = answer(&head);
    let stream = stream.get_mut();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

/// The lines up to an empty one.
fn read_head(stream: &mut impl BufRead) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

/// A proxy that connects everybody to one port of this machine, whatever they ask for.
pub(super) struct ConnectProxy {
    port: u16,
    targets: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    pub(super) fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let targets = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&targets);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&seen);
                thread::spawn(move || tunnel(&stream, target, &seen).ok());
            }
        });
        Self { port, targets }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked for, without repetition.
    pub(super) fn targets(&self) -> Vec<String> {
        let mut targets = self.targets.lock().expect("no panic").clone();
        targets.dedup();
        targets
    }
}

fn tunnel(client: &TcpStream, target: u16, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    let head = read_head(&mut BufReader::new(client.try_clone()?))?;
    let mut words = head.split(' ');
    if words.next() != Some("CONNECT") {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let asked = words.next().unwrap_or_default().to_owned();
    seen.lock().expect("no panic").push(asked);
    let server = TcpStream::connect(("127.0.0.1", target))?;
    (&mut &*client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let forth = thread::spawn(move || io::copy(&mut from, &mut to).ok());
    io::copy(&mut &server, &mut &*client)?;
    forth.join().ok();
    Ok(())
}
