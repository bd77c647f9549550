//! The listener, its connections, their settings and their end.

mod connection;

use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_cache_db::events::Events;
use http_cache_db::{Clock, ErrorChain};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::admin;
use crate::args::Arguments;
use crate::descriptors;
use crate::error::Error;
use crate::exchange::Proxy;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::reload::Reload;
use crate::storage;
use crate::warnings;

/// How long open exchanges may go on after a signal.
const GRACE: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Error> {
    let config = arguments.config()?;
    descriptors::raise();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let (listener, address) = listen(config.listen, "--listen").await?;
    let events = Events::default();
    let _listener = warnings::listen(&events);
    let metrics = config.admin.map(|_| Metrics::new()).transpose()?;
    let _counted = metrics.as_ref().map(|metrics| metrics.listen(&events));
    let store = storage::open(&config, events).await?;
    let jobs = Jobs::open(&config.place).await;
    let shared = jobs.as_ref().map(Jobs::store);
    let proxy = Arc::new(Proxy::new(&config, store, shared, metrics)?);
    let endpoints = match config.admin {
        Some(address) => Some(listen(address, "--admin").await?),
        None => None,
    };
    let summary = config.summary();
    let reload = Reload::new(arguments, config);
    // Without a file, the signal ends the program, as the loss of a terminal should.
    let hangup = reload.is_possible().then(|| signal(SignalKind::hangup()));
    let mut hangup = hangup.transpose().map_err(Error::Signals)?;
    let scheme = match proxy.routing().tls {
        Some(_) => "https",
        None => "http",
    };
    announce(scheme, address, &summary);
    let endpoints = endpoints.map(|listening| admin::start(listening, Arc::clone(&proxy)));

    let (graceful, builder) = (GracefulShutdown::new(), connection::builder());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => connection::serve(&graceful, &builder, &proxy, stream, client),
                Err(_) => pause(&proxy, ACCEPT_PAUSE).await,
            },
            () = received(&mut hangup) => change(&proxy, &reload),
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    // From now on it is not ready either.
    drop((listener, endpoints));
    tokio::select! {
        () = graceful.shutdown() => {}
        () = pause(&proxy, GRACE) => report(&"open exchanges were broken off"),
    }
    let closed = proxy.close().await;
    if let Some(jobs) = jobs {
        jobs.close().await;
    }
    closed
}

/// A listener, and the address that it has. `option` is the one that names another.
async fn listen(
    address: SocketAddr,
    option: &'static str,
) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen {
        address,
        option,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Waits for the signal, indefinitely if there is none to wait for.
async fn received(signal: &mut Option<Signal>) {
    let received = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Serves by the settings as they are now, or by the old ones if those are not valid.
fn change(proxy: &Proxy, reload: &Reload) {
    let changed = reload.read().and_then(|(config, fixed)| {
        proxy.change(&config)?;
        Ok((config, fixed))
    });
    match changed {
        Ok((config, fixed)) => {
            if !fixed.is_empty() {
                report(&format_args!(
                    "warning: a change of {} needs a restart; the old setting stays",
                    fixed.join(", ")
                ));
            }
            report(&format_args!(
                "the settings were read again, {}",
                config.summary()
            ));
        }
        Err(error) => report(&format_args!(
            "warning: the settings stay as they were: {}",
            ErrorChain(&error)
        )),
    }
}

async fn pause(proxy: &Proxy, duration: Duration) {
    proxy.clock().sleep(duration).await;
}

fn announce(scheme: &str, address: SocketAddr, summary: &str) {
    // Whoever closed standard output needs no address.
    let _closed = writeln!(
        std::io::stdout(),
        "listening on {scheme}://{address} {summary}"
    );
    if !address.ip().is_loopback() {
        report(&format_args!(
            "warning: {address} can be reached from other hosts; anyone there can use this cache"
        ));
    }
}

/// A line on standard error.
pub(crate) fn report(message: &dyn fmt::Display) {
    let _closed = writeln!(std::io::stderr(), "http-cache-proxy: {message}");
}
