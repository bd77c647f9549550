//! `comicvine-fake`: a fake of the Comic Vine API on loopback, until SIGINT or SIGTERM.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use comicvine_fake::{FakeServer, Limits};

/// Serves a fake of the Comic Vine API on loopback: same paths, formats, envelope and limits.
///
/// Prints one line with its base URL once it is ready, then serves until SIGINT or SIGTERM. Any
/// API key is accepted.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLE)]
struct Arguments {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    #[arg(env = "COMICVINE_FAKE_LISTEN")]
    listen: SocketAddr,

    /// Folder of recorded responses to serve, instead of a generated catalogue
    #[arg(long, value_name = "DIR", conflicts_with = "seed")]
    #[arg(env = "COMICVINE_FAKE_RESPONSES")]
    responses: Option<PathBuf>,

    /// Requests per path and key in one window; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: u32,

    /// Length of the window, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds)]
    window: Duration,

    /// Minimum time between two requests of one key, in seconds; 0 for none
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    spacing: Duration,

    /// Delay of every response, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    latency: Duration,

    /// Seed of the generated catalogue; the same seed gives the same catalogue
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Serve images too: their URLs in responses lead to this server
    #[arg(long)]
    images: bool,
}

const EXAMPLE: &str = "\
Example:
  comicvine-fake --listen 127.0.0.1:8080 --limit 20 --window 60 --spacing 0.1
  curl 'http://127.0.0.1:8080/api/issues/?api_key=any&format=json&limit=2'

Inject a fault, and see the requests so far:
  curl -d '{\"fault\":\"rate_limited\",\"times\":3}' http://127.0.0.1:8080/control/inject
  curl http://127.0.0.1:8080/control/counts

Faults: rate_limited, rate_limited_body, forbidden, address_banned,
address_limited, abnormal_traffic, maintenance, not_found, unavailable,
internal_error, slow (with delay_ms), large (with bytes), cut_off, reset,
empty_body, half_body, half_gzip, empty_page, repeated_page; optional: times,
path, retry_after_s.";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds, such as 0.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl Arguments {
    fn limits(&self) -> Limits {
        let mut limits = Limits::default()
            .with_window(self.window)
            .with_spacing(self.spacing);
        limits.requests = NonZeroU32::new(self.limit);
        limits
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = report(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    // Before the ready line, because a reader of that may send a signal at once.
    let stop = Stop::new()?;
    let mut builder = FakeServer::builder()
        .listen(arguments.listen)
        .seed(arguments.seed)
        .limits(arguments.limits())
        .latency(arguments.latency);
    if let Some(dir) = arguments.responses {
        builder = builder.recordings(dir);
    }
    if arguments.images {
        builder = builder.serve_images();
    }
    let server = builder.start().await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", server.base_url())?;
    stdout.flush()?;
    stop.wait().await;
    server.stop().await;
    Ok(())
}

/// Writes an error and its causes, one line each.
fn report(error: &dyn Error) -> std::io::Result<()> {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "comicvine-fake: {error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        writeln!(stderr, "  caused by: {error}")?;
        cause = error.source();
    }
    Ok(())
}

/// The signals that end the program.
#[cfg(unix)]
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The signal that ends the program.
#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
impl Stop {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
