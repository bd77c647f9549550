//! The table, and what it needs, in the words of other tools.

mod cloudformation;
mod commands;
mod iam;
mod terraform;

use super::TableSpec;

/// For whom a table is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A `CloudFormation` template, as JSON.
    CloudFormation,
    /// A Terraform resource.
    Terraform,
    /// Commands of the AWS command line.
    Cli,
    /// The policy that an application with the stores needs, and nothing else.
    Iam,
    /// The policy that whoever sets the table up needs.
    IamSetup,
}

/// The table in the words of another tool; nothing is asked of the service.
///
/// ```
/// use store_dynamodb::setup::{Format, TableSpec, print};
///
/// let template = print(&TableSpec::default(), Format::CloudFormation);
/// assert!(template.contains("comic-vine-store"));
/// ```
#[must_use]
pub fn print(spec: &TableSpec, format: Format) -> String {
    match format {
        Format::CloudFormation => cloudformation::template(spec),
        Format::Terraform => terraform::resource(spec),
        Format::Cli => commands::commands(spec),
        Format::Iam => iam::policy(spec, super::STORE_CALLS),
        Format::IamSetup => iam::policy(spec, super::SETUP_CALLS),
    }
}

/// JSON over several lines.
fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// A text in double quotes, as JSON and Terraform read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
