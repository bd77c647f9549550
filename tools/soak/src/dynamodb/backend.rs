//! A server with a table of the run's own, and a proxy before it that injects faults.

use std::path::PathBuf;
use std::time::Duration;

use dynamodb_local::{Emulator, FaultCounts, FaultProxy, Faults};
use store_core::{Random as _, SystemRandom};
use store_dynamodb::ops::CircuitBreakerOptions;
use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
use store_dynamodb::{DynamoDbTable, TableOptions};
use tokio::runtime::Runtime;

use crate::error::Error;

/// The longest that a request may take with all its tries.
pub(crate) const OPERATION: Duration = Duration::from_secs(2);
/// By how much a slow answer is late.
const LATE: Duration = Duration::from_millis(200);
/// For how long an open circuit stays open.
const RECOVERY: Duration = Duration::from_secs(1);

/// Where the emulator keeps its tables.
pub(crate) enum Storage {
    Memory,
    File(PathBuf),
}

pub(crate) struct Backend {
    runtime: Runtime,
    emulator: Option<Emulator>,
    proxy: FaultProxy,
    direct: String,
    table: String,
}

impl Backend {
    pub(crate) fn open(endpoint: Option<&str>, storage: Storage, seed: u64) -> Result<Self, Error> {
        let runtime = Runtime::new().map_err(|source| Error::Runtime { source })?;
        let emulator = match (endpoint, storage) {
            (Some(_), _) => None,
            (None, Storage::Memory) => Some(Emulator::start()?),
            (None, Storage::File(file)) => Some(Emulator::start_on_file(&file)?),
        };
        let started = emulator.as_ref().map(|emulator| emulator.url().to_owned());
        let direct = started.or_else(|| endpoint.map(str::to_owned));
        let direct = direct.unwrap_or_default();
        let proxy = runtime.block_on(FaultProxy::start(&direct, seed, Faults::default()));
        let proxy = proxy.map_err(|source| Error::Start {
            what: "a proxy",
            source,
        })?;
        let table = format!("soak-{:016x}", SystemRandom.next_u64());
        let backend = Self {
            runtime,
            emulator,
            proxy,
            direct,
            table,
        };
        backend.runtime.block_on(async {
            let handle = backend.handle().await;
            let spec = TableSpec::of(handle.options());
            create_or_verify(handle.client(), &spec, &SetupOptions::default()).await
        })?;
        Ok(backend)
    }

    /// The address of the proxy, which the workers use.
    pub(crate) fn url(&self) -> String {
        self.proxy.url().to_owned()
    }

    /// The address of the server itself.
    pub(crate) fn direct_url(&self) -> &str {
        &self.direct
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// The table, past the proxy.
    pub(crate) async fn handle(&self) -> DynamoDbTable {
        handle(&self.direct, &self.table).await
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The share of requests, in percent, that meet each kind of fault from now on.
    pub(crate) fn inject_faults(&self, percent: u8) {
        let faults = Faults::each(f64::from(percent) / 100.0);
        self.proxy.set_faults(faults.with_delay(LATE));
    }

    /// Throttles every request for a while.
    pub(crate) fn throttle_for(&self, duration: Duration) {
        let faults = Faults::default().with_throttling(1.0);
        self.proxy.set_faults_for(faults, duration);
    }

    /// Gives no answer for a while, as a server that was stopped.
    pub(crate) fn stall_for(&self, duration: Duration) {
        let faults = Faults::default().with_slow(1.0).with_delay(duration);
        self.proxy.set_faults_for(faults, duration);
    }

    /// From now on the table has so many write units a second.
    pub(crate) fn limit_write_units(&self, units: u32) {
        self.proxy
            .set_faults(Faults::default().with_write_units(units));
    }

    pub(crate) fn kill(&mut self) {
        if let Some(emulator) = &mut self.emulator {
            emulator.kill();
        }
    }

    pub(crate) fn restart(&mut self) -> Result<(), Error> {
        match &mut self.emulator {
            Some(emulator) => Ok(emulator.restart()?),
            None => Ok(()),
        }
    }

    pub(crate) fn fault_counts(&self) -> FaultCounts {
        self.proxy.fault_counts()
    }

    /// Removes the table from a server that goes on without this process.
    pub(crate) fn close(self) -> Result<(), Error> {
        if self.emulator.is_none() {
            self.runtime.block_on(async {
                let handle = self.handle().await;
                let delete = handle.client().delete_table().table_name(&self.table);
                delete.send().await.map_err(|error| Error::DeleteTable {
                    table: self.table.clone(),
                    source: std::io::Error::other(error),
                })
            })?;
        }
        Ok(())
    }
}

/// A table as the processes of a soak open it.
pub(crate) async fn handle(endpoint: &str, table: &str) -> DynamoDbTable {
    let breaker = CircuitBreakerOptions::default().with_recovery_timeout(RECOVERY);
    let options = TableOptions::default()
        .with_endpoint_url(endpoint)
        .with_table(table)
        .with_operation_timeout(OPERATION)
        .with_attempt_timeout(OPERATION / 2)
        .with_circuit_breaker(breaker);
    DynamoDbTable::from_env(options).await
}
