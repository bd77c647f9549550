//! The programs that are compared, started on loopback addresses and ended with this one.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use store_core::{Clock as _, SystemClock};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::origin::Origin;
use crate::error::Error;

/// A running program; killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    _child: Child,
}

impl Program {
    pub(crate) async fn proxy(
        path: &Path,
        arguments: &str,
        origin: &Origin,
    ) -> Result<Self, Error> {
        let address = free_address().await?;
        let mut command = Command::new(path);
        command
            .args(["--origin", &format!("http://{}", origin.address)])
            .args(["--listen", &address.to_string()])
            .args(arguments.split_whitespace());
        Self::start("http-cache-proxy", address, &mut command).await
    }

    pub(crate) async fn nginx(path: &Path, folder: &Path, origin: &Origin) -> Result<Self, Error> {
        let address = free_address().await?;
        let configuration = folder.join("nginx.conf");
        let text = nginx_configuration(folder, address, origin.address);
        fs::write(&configuration, text).map_err(Error::file("write", &configuration))?;
        let mut command = Command::new(path);
        command.arg("-p").arg(folder).arg("-c").arg(&configuration);
        Self::start("nginx", address, &mut command).await
    }

    async fn start(
        name: &'static str,
        address: SocketAddr,
        command: &mut Command,
    ) -> Result<Self, Error> {
        let child = command.kill_on_drop(true).spawn();
        let program = Self {
            name,
            address,
            _child: child.map_err(|source| Error::Process {
                program: name.to_owned(),
                source,
            })?,
        };
        let clock = SystemClock::new();
        while TcpStream::connect(address).await.is_err() {
            if clock.monotonic() > Duration::from_secs(10) {
                return Err(Error::NotListening {
                    program: name.to_owned(),
                });
            }
            clock
                .sleep_until(clock.now() + Duration::from_millis(20))
                .await;
        }
        Ok(program)
    }
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

/// A single process, so that ending it ends all, and without a log of accesses, which the proxy does not write
/// either. The corpus fits.
fn nginx_configuration(folder: &Path, listen: SocketAddr, origin: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/client;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_temp_path {folder}/temporary;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=bench:32m max_size=4g inactive=1d use_temp_path=off;
    server {{
        listen {listen};
        location / {{
            proxy_pass http://{origin};
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_cache bench;
        }}
    }}
}}
"
    )
}
