//! The table definition and its IAM policies in the formats of other tools.

mod cloudformation;
mod commands;
mod iam;
mod terraform;

use super::TableSpec;

/// Output format of [`render`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A `CloudFormation` template, as JSON.
    CloudFormation,
    /// A Terraform resource.
    Terraform,
    /// Commands of the AWS command line.
    Cli,
    /// The least-privilege IAM policy of an application that uses the stores.
    Iam,
    /// The IAM policy of whoever sets the table up.
    IamSetup,
}

/// The table definition or policy as text for another tool. Sends no request.
///
/// ```
/// use store_dynamodb::setup::{Format, TableSpec, render};
///
/// let template = render(&TableSpec::default(), Format::CloudFormation);
/// assert!(template.contains("comic-vine-store"));
/// ```
#[must_use]
pub fn render(spec: &TableSpec, format: Format) -> String {
    match format {
        Format::CloudFormation => cloudformation::template(spec),
        Format::Terraform => terraform::resource(spec),
        Format::Cli => commands::commands(spec),
        Format::Iam => iam::policy(spec, super::STORE_OPERATIONS),
        Format::IamSetup => iam::policy(spec, super::SETUP_OPERATIONS),
    }
}

/// Indented JSON.
fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// A text in double quotes, as JSON and Terraform read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
