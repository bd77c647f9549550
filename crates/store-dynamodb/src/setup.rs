//! The table itself: made, verified, mended, and written down for other tools.
//!
//! The stores never create a table: that costs money, takes a while and wants permissions that an
//! application at work should not have. `cargo xtask setup-dynamo` does it by hand, and an
//! application that wants to do it itself calls [`create_or_verify`].
//!
//! Nothing here ever deletes, or changes what a table holds. What differs from the [`TableSpec`] is
//! told; what can be mended while the table serves is mended only if [`SetupOptions::mend`] says so.

mod difference;
mod error;
mod found;
mod options;
mod permissions;
mod print;
mod run;
mod spec;
mod wait;
mod work;

use aws_sdk_dynamodb::Client;

pub use difference::Difference;
pub(crate) use difference::keys;
pub use error::SetupError;
pub(crate) use found::keys_of;
pub use options::{Mend, Progress, SetupOptions};
pub use permissions::{SETUP_CALLS, STORE_CALLS};
pub use print::{Format, print};
pub use spec::{Billing, IndexSpec, TableSpec};
pub use work::{Plan, Report, Step};

/// What [`create_or_verify`] would do to the table, without doing it.
///
/// # Errors
/// If the service cannot be asked.
///
/// # Examples
///
/// ```no_run
/// # async fn example(client: aws_sdk_dynamodb::Client) -> Result<(), store_dynamodb::setup::SetupError> {
/// use store_dynamodb::setup::{TableSpec, plan};
///
/// println!("{}", plan(&client, &TableSpec::default()).await?);
/// # Ok(())
/// # }
/// ```
pub async fn plan(client: &Client, spec: &TableSpec) -> Result<Plan, SetupError> {
    let found = found::find(client, spec).await?;
    Ok(Plan::new(spec, found.as_ref()))
}

/// Creates the table if it does not exist, and verifies it if it does; run again, it does nothing.
///
/// A table of its own making it waits for, and turns on its time to live and, if wanted, its
/// point-in-time recovery. Several processes may do this at once: one that looks in between the steps
/// of another, at a table that was created minutes ago at most, gives it some seconds to finish, and
/// reports what is missing only then.
///
/// # Errors
/// [`SetupError::Mismatch`] if there is a table that differs and may not or cannot be mended;
/// [`SetupError::NotActive`] if it was not ready in time; [`SetupError::Request`] if the service could
/// not be asked or refused.
///
/// # Examples
///
/// ```no_run
/// # async fn example(client: aws_sdk_dynamodb::Client) -> Result<(), store_dynamodb::setup::SetupError> {
/// use store_dynamodb::TableOptions;
/// use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
///
/// let spec = TableSpec::of(&TableOptions::default()).with_point_in_time_recovery(true);
/// let report = create_or_verify(&client, &spec, &SetupOptions::default()).await?;
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
pub async fn create_or_verify(
    client: &Client,
    spec: &TableSpec,
    options: &SetupOptions,
) -> Result<Report, SetupError> {
    run::run(client, spec, options).await
}
