//! Creates, verifies and repairs the table, and renders its definition for other tools.
//!
//! The stores never create a table: that costs money, takes a while and needs permissions that an
//! application should not have while it serves. An operator runs `comicvine table setup` (in a checkout of
//! this repository also `cargo xtask setup-dynamo`); a program calls [`create_or_verify`].
//!
//! | item | purpose |
//! |---|---|
//! | [`TableSpec`] | the wanted table: keys, time to live, index, billing, backups |
//! | [`plan`] | a dry run: the [`Step`]s and [`Difference`]s |
//! | [`create_or_verify`] | idempotent set-up; safe to run from several processes at once |
//! | [`render()`] | the same table as `CloudFormation`, Terraform, AWS CLI commands or an IAM policy |
//!
//! Nothing here deletes a table or changes its items. Differences from the [`TableSpec`] are reported; those
//! that can be fixed while the table serves are fixed only with [`Repair::InPlace`].

mod difference;
mod error;
mod existing;
mod options;
mod permissions;
mod render;
mod run;
mod spec;
mod steps;
mod wait;

use aws_sdk_dynamodb::Client;
#[cfg(doc)]
use store_core::ErrorKind;

pub(crate) use difference::keys;
pub use difference::{Difference, Property};
pub use error::SetupError;
pub(crate) use existing::{keys_of, time_to_live_of};
pub use options::{Progress, Repair, SetupOptions};
pub use permissions::{SETUP_OPERATIONS, STORE_OPERATIONS};
pub use render::{Format, render};
pub use spec::{Billing, IndexSpec, TableSpec};
pub use steps::{Plan, Report, Step};

use crate::table::client::patient;

/// The steps that [`create_or_verify`] would take; nothing is changed.
///
/// # Errors
/// [`SetupError::Request`] if the table cannot be described: [`ErrorKind::Unavailable`] without access or
/// connection, [`ErrorKind::Timeout`], [`ErrorKind::Throttled`], [`ErrorKind::InvalidInput`] for a name that
/// DynamoDB does not allow.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doctest_table.rs.inc"));
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { on_emulator(async |table| {
/// use store_dynamodb::setup::{TableSpec, plan};
///
/// let plan = plan(table.client(), &TableSpec::of(table.options())).await?;
/// assert!(plan.steps.is_empty(), "{plan}");
/// # Ok(())
/// # }) }
/// ```
pub async fn plan(client: &Client, spec: &TableSpec) -> Result<Plan, SetupError> {
    spec.check()?;
    let found = existing::find(&patient(client), spec).await;
    let found = found.map_err(|error| error.with_key(&spec.table))?;
    Ok(Plan::new(spec, found.as_ref()))
}

/// Creates the table if it does not exist, and verifies it if it does; run again, it does nothing.
///
/// After creating a table it waits until the table is active and enables time to live and, if the spec asks
/// for it, point-in-time recovery. Several processes may call this at once: one that finds a table created a
/// few minutes ago in which only those two are missing waits up to 15 s for the creator before it reports
/// a difference.
///
/// # Errors
/// - [`SetupError::Mismatch`]: the existing table differs, and the difference cannot be fixed in place or
///   [`SetupOptions::repair`] does not allow it.
/// - [`SetupError::NotActive`]: the table was not ready within [`SetupOptions::ready_timeout`].
/// - [`SetupError::Request`]: a request failed; kinds as for [`plan`], and [`ErrorKind::Busy`] while another
///   change of the table is in progress.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doctest_table.rs.inc"));
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { on_emulator(async |table| {
/// use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
///
/// // Here the table exists, so it is verified.
/// let spec = TableSpec::of(table.options());
/// let report = create_or_verify(table.client(), &spec, &SetupOptions::default()).await?;
/// assert!(report.done.is_empty(), "{report}");
/// # Ok(())
/// # }) }
/// ```
pub async fn create_or_verify(
    client: &Client,
    spec: &TableSpec,
    options: &SetupOptions,
) -> Result<Report, SetupError> {
    spec.check()?;
    let report = run::run(&patient(client), spec, options).await;
    report.map_err(|error| error.named(&spec.table))
}
