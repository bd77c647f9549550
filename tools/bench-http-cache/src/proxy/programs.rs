//! The programs that are compared, started on loopback addresses and ended with this one.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use store_core::{Clock as _, SystemClock};
use tokio::net::{TcpListener, TcpStream};

use super::origin::Origin;
use crate::error::Error;

/// How both programs run.
#[derive(Clone, Debug)]
pub(crate) struct Setting<'a> {
    /// Where their files are.
    pub(crate) folder: &'a Path,
    pub(crate) origin: &'a Origin,
    /// Threads of the one, workers of the other.
    pub(crate) workers: NonZeroUsize,
    /// Whether both write a line for each request.
    pub(crate) has_access_log: bool,
}

/// A running program; ended when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
    /// Asks it to end, if it has processes of its own.
    stop: Option<Command>,
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(stop) = &mut self.stop {
            let _failed = stop.status();
            for _ in 0..100 {
                if matches!(self.child.try_wait(), Ok(Some(_))) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Setting<'_> {
    pub(crate) async fn proxy(&self, path: &Path, arguments: &str) -> Result<Program, Error> {
        let address = free_address().await?;
        let log = self.has_access_log.to_string();
        let template = include_str!("http-cache-proxy.toml");
        let configuration = self.write("http-cache-proxy.toml", template, address, &log)?;
        let output = self.folder.join("http-cache-proxy.log");
        let output = File::create(&output).map_err(Error::file("create", &output))?;
        let mut command = Command::new(path);
        command
            .arg("--config")
            .arg(configuration)
            .args(arguments.split_whitespace())
            .env("TOKIO_WORKER_THREADS", self.workers.to_string())
            .stdout(Stdio::from(output));
        start("http-cache-proxy", address, command, None).await
    }

    pub(crate) async fn nginx(&self, path: &Path) -> Result<Program, Error> {
        let address = free_address().await?;
        let log = if self.has_access_log {
            format!("{}/nginx.log combined", self.folder.display())
        } else {
            "off".to_owned()
        };
        let template = include_str!("nginx.conf");
        let configuration = self.write("nginx.conf", template, address, &log)?;
        let nginx = || {
            let mut command = Command::new(path);
            command
                .arg("-p")
                .arg(self.folder)
                .arg("-c")
                .arg(&configuration);
            command
        };
        let mut stop = nginx();
        stop.args(["-s", "stop"]);
        start("nginx", address, nginx(), Some(stop)).await
    }

    /// Fills in a configuration, and writes it to a file.
    fn write(
        &self,
        name: &str,
        template: &str,
        listen: SocketAddr,
        log: &str,
    ) -> Result<PathBuf, Error> {
        let values = [
            ("{folder}", self.folder.display().to_string()),
            ("{listen}", listen.to_string()),
            ("{origin}", self.origin.address.to_string()),
            ("{workers}", self.workers.to_string()),
            ("{log}", log.to_owned()),
        ];
        let mut text = template.to_owned();
        for (place, value) in values {
            text = text.replace(place, &value);
        }
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(Error::file("write", &path))?;
        Ok(path)
    }
}

async fn start(
    name: &'static str,
    address: SocketAddr,
    mut command: Command,
    stop: Option<Command>,
) -> Result<Program, Error> {
    let child = command.spawn().map_err(|source| Error::Process {
        program: name.to_owned(),
        source,
    })?;
    let program = Program {
        name,
        address,
        child,
        stop,
    };
    let clock = SystemClock::new();
    while TcpStream::connect(address).await.is_err() {
        if clock.monotonic() > Duration::from_secs(10) {
            return Err(Error::NotListening {
                program: name.to_owned(),
            });
        }
        clock.sleep(Duration::from_millis(20)).await;
    }
    Ok(program)
}

/// An address on which nobody listens.
async fn free_address() -> Result<SocketAddr, Error> {
    let failed = |source| Error::Connection {
        program: "this machine".to_owned(),
        source,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    listener.map_err(failed)?.local_addr().map_err(failed)
}
