//! The pipeline around plain HTTP requests: cache, single flight and limit for any client.
//!
//! ```sh
//! cargo run -p store-memory --example memory_pipeline
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its output")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use store_memory::{
    BoxError, Failure, Fetched, HOUR, Key, Limit, MINUTE, MemoryRateLimitStore, Pipeline, Request,
    Resource, stores,
};

#[tokio::main]
pub(crate) async fn main() -> Result<(), BoxError> {
    let server = serve()?;
    let limits = MemoryRateLimitStore::new(Limit::new(2, MINUTE));
    let pipeline = Pipeline::new(stores().with_rate_limit(limits));
    let issues = Resource::new("issues")?;
    for id in [1, 1, 2] {
        let request = Request::new(Key::new(format!("comics:issue/{id}"))?, &issues);
        let answer = pipeline
            .run(request, async |_attempt| {
                let body = tokio::task::spawn_blocking(move || get(server, id)).await??;
                Ok::<_, Failure>(Fetched::new(body).fresh_for(HOUR))
            })
            .await?;
        let body = String::from_utf8_lossy(&answer.body);
        println!("{id}: {} ({})", body, answer.outcome.as_str());
    }
    Ok(())
}

/// One HTTP request; a program of yours uses reqwest here, whose errors `?` turns into failures too.
fn get(server: SocketAddr, id: u32) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(server)?;
    connection.write_all(format!("GET /issue/{id} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut response = String::new();
    connection.read_to_string(&mut response)?;
    let body = response.split_once("\r\n\r\n").map(|(_, body)| body);
    body.map(str::to_owned)
        .ok_or_else(|| std::io::Error::other("no body"))
}

/// A server on loopback that answers two requests.
fn serve() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for connection in listener.incoming().take(2) {
            let mut connection = connection?;
            let read = connection.read(&mut [0; 1024])?;
            let body = format!("HTTP/1.0 200 OK\r\n\r\n{{\"bytes\": {read}}}");
            connection.write_all(body.as_bytes())?;
        }
        Ok::<_, std::io::Error>(())
    });
    Ok(address)
}
