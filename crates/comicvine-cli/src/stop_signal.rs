//! The signals that ask the program to end: Ctrl-C, and on Unix SIGTERM, which `kill`, `timeout` and service managers
//! send.

/// Waits for one of them; returns the exit status of a program that it has ended, by convention of shells.
pub(crate) async fn stop_signal() -> u8 {
    const INTERRUPTED: u8 = 130;
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPTED
    };
    tokio::select! {
        status = interrupted => status,
        status = terminated() => status,
    }
}

#[cfg(unix)]
async fn terminated() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    const TERMINATED: u8 = 143;
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        terminate.recv().await;
        return TERMINATED;
    }
    std::future::pending().await
}

#[cfg(not(unix))]
async fn terminated() -> u8 {
    std::future::pending().await
}
