//! `comicvine table`: creates and verifies the DynamoDB table of the stores.

use clap::{Args, Subcommand, ValueEnum};
use store_dynamodb::ops::Dashboard;
use store_dynamodb::setup::{
    Billing, Format, Repair, SetupError, SetupOptions, TableSpec, create_or_verify, plan, render,
};
use store_dynamodb::{DynamoDbTable, ErrorKind, TableOptions};

use crate::error::Error;
use crate::options::GlobalOptions;
use crate::output;
use crate::store::{self, TableAddress};

const EXAMPLES: &str = "\
Examples:
  comicvine table plan --table comics --region eu-west-1     # shows what setup would do
  comicvine table setup --table comics --region eu-west-1    # on demand
  comicvine table setup --store 'dynamodb://comics?region=eu-west-1' --pitr
  comicvine table setup --table comics --billing provisioned --read-units 50 --write-units 50
  comicvine table setup --table comics --repair --pitr       # repairs an existing table
  comicvine table setup --endpoint-url http://127.0.0.1:8000
  comicvine table print cloudformation --table comics > table.json
  comicvine table print iam --table comics > policy.json
  comicvine table print dashboard --table comics --region eu-west-1 > dashboard.json

Credentials and region are found as the AWS command line finds them; a local endpoint needs none.";

/// The namespace of the publisher's default.
const DEFAULT_NAMESPACE: &str = "DynamoDBStore";

/// Create, verify and describe the DynamoDB table that the stores need.
///
/// Any number of programs may set up the same table at the same time. A table that exists is verified;
/// without `--repair` nothing about it is changed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Table {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create the table, or verify the existing one.
    Setup(Setup),
    /// Show what `setup` would do, and change nothing.
    Plan(Spec),
    /// Print the table, or the permissions, for another tool; contacts no service.
    Print(Print),
}

#[derive(Args, Debug)]
struct Setup {
    #[command(flatten)]
    spec: Spec,

    /// Repair in an existing table what can be repaired while it is in use.
    #[arg(long)]
    repair: bool,

    /// The earlier form of `comicvine table plan`.
    #[arg(long, hide = true)]
    dry_run: bool,

    /// The earlier form of `comicvine table print`.
    #[arg(long, value_enum, hide = true, conflicts_with_all = ["dry_run", "repair"])]
    print: Option<PrintFormat>,
}

#[derive(Args, Debug)]
struct Print {
    /// For which tool, or which permissions.
    #[arg(value_enum)]
    format: PrintFormat,

    /// Namespace of the stores' metrics, if the program that publishes them has set another; for `dashboard`.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAMESPACE)]
    namespace: String,

    #[command(flatten)]
    spec: Spec,
}

/// Which table, and what it should be.
#[derive(Args, Debug)]
struct Spec {
    /// The table [default: that of `--store`, else `comic-vine-store`].
    #[arg(long, value_name = "NAME")]
    table: Option<String>,

    /// The region [default: that of `--store`, else the environment's].
    #[arg(long)]
    region: Option<String>,

    /// URL of the service, such as <http://127.0.0.1:8000> [default: that of `--store`, else AWS].
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// The billing mode.
    #[arg(long, value_enum, default_value_t = BillingMode::OnDemand)]
    billing: BillingMode,

    /// Provisioned reads of 4 KB per second.
    #[arg(long, value_name = "N", required_if_eq("billing", "provisioned"))]
    read_units: Option<u32>,

    /// Provisioned writes of 1 KB per second.
    #[arg(long, value_name = "N", required_if_eq("billing", "provisioned"))]
    write_units: Option<u32>,

    /// Turn on point-in-time recovery.
    #[arg(long)]
    pitr: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BillingMode {
    /// Per request.
    OnDemand,
    /// Per hour, for provisioned capacity.
    Provisioned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PrintFormat {
    /// A `CloudFormation` template, as JSON.
    #[value(name = "cloudformation")]
    CloudFormation,
    /// A Terraform resource.
    Terraform,
    /// Commands of the AWS command line.
    Cli,
    /// The policy that an application needs.
    Iam,
    /// The policy that `comicvine table setup` needs.
    IamSetup,
    /// A CloudWatch dashboard, as the input of `aws cloudwatch put-dashboard --cli-input-json`.
    Dashboard,
}

impl Spec {
    /// The options of the table; `address` stands in for options that are not given.
    fn options(&self, address: Option<TableAddress>) -> TableOptions {
        let mut options = TableOptions::default();
        if let Some(address) = address {
            options = options.with_table(address.table);
            options.region = address.region;
            options.endpoint_url = address.endpoint;
        }
        if let Some(table) = &self.table {
            options = options.with_table(table);
        }
        options.region = self.region.clone().or(options.region);
        options.endpoint_url = self.endpoint_url.clone().or(options.endpoint_url);
        options
    }

    fn table_spec(&self, options: &TableOptions) -> TableSpec {
        let billing = match self.billing {
            BillingMode::OnDemand => Billing::OnDemand,
            BillingMode::Provisioned => Billing::Provisioned {
                read_units: self.read_units.unwrap_or(1),
                write_units: self.write_units.unwrap_or(1),
            },
        };
        TableSpec::of(options)
            .with_billing(billing)
            .with_point_in_time_recovery(self.pitr)
    }
}

impl PrintFormat {
    fn print(self, spec: &TableSpec, namespace: &str) -> Result<(), Error> {
        let format = match self {
            Self::CloudFormation => Format::CloudFormation,
            Self::Terraform => Format::Terraform,
            Self::Cli => Format::Cli,
            Self::Iam => Format::Iam,
            Self::IamSetup => Format::IamSetup,
            Self::Dashboard => return print_dashboard(spec, namespace),
        };
        Ok(output::print_text(&render(spec, format)?)?)
    }
}

fn print_dashboard(spec: &TableSpec, namespace: &str) -> Result<(), Error> {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter();
    let mut regions = variables.filter_map(|name| std::env::var(name).ok());
    let region = spec
        .region
        .clone()
        .or_else(|| regions.find(|region| !region.is_empty()));
    let Some(region) = region else {
        return Err(Error::usage(
            "a dashboard names its region; add --region, or set AWS_REGION",
        ));
    };
    let dashboard = Dashboard::new(&spec.table, region).with_namespace(namespace);
    Ok(output::print_text(&format!("{:#}\n", dashboard.input()?))?)
}

pub(crate) async fn run(global: &GlobalOptions, table: Table) -> Result<(), Error> {
    let (Action::Setup(Setup { spec, .. })
    | Action::Plan(spec)
    | Action::Print(Print { spec, .. })) = &table.action;
    // An address in the environment does not apply to a table that is named on the command line.
    let address = if spec.table.is_some() && global.store.is_none() && global.db.is_none() {
        None
    } else {
        store::table_address(global)?
    };
    let options = spec.options(address);
    let spec = spec.table_spec(&options);
    match table.action {
        Action::Setup(Setup {
            print: Some(format),
            ..
        }) => format.print(&spec, DEFAULT_NAMESPACE),
        Action::Print(Print {
            format, namespace, ..
        }) => format.print(&spec, &namespace),
        Action::Plan(_) | Action::Setup(Setup { dry_run: true, .. }) => {
            show_plan(options, &spec).await
        }
        Action::Setup(Setup { repair: true, .. }) => set_up(options, &spec, Repair::InPlace).await,
        Action::Setup(_) => set_up(options, &spec, Repair::Nothing).await,
    }
}

/// An error of the set-up, with the address that its request went to.
fn with_address(error: SetupError, options: &TableOptions) -> Error {
    let was_sent =
        matches!(&error, SetupError::Request(error) if error.kind() != ErrorKind::InvalidInput);
    let error = Error::from(error);
    if !was_sent {
        return error;
    }
    let address = match (&options.endpoint_url, &options.region) {
        (Some(url), _) => url.clone(),
        (None, Some(region)) => format!("AWS in {region}"),
        (None, None) => "AWS in the region of the environment or the profile".to_owned(),
    };
    error.with_help(format!(
        "the request was sent to {address}; --region and --endpoint-url name another address"
    ))
}

async fn show_plan(options: TableOptions, spec: &TableSpec) -> Result<(), Error> {
    let table = DynamoDbTable::from_env(options).await;
    let plan = plan(table.client(), spec).await;
    let plan = plan.map_err(|error| with_address(error, table.options()))?;
    Ok(output::print_line(&plan.to_string())?)
}

async fn set_up(options: TableOptions, spec: &TableSpec, repair: Repair) -> Result<(), Error> {
    let table = DynamoDbTable::from_env(options).await;
    let options = SetupOptions::default()
        .with_repair(repair)
        .with_progress(|progress| {
            // The set-up continues without a reader.
            let _ = output::print_line(&progress.to_string());
        });
    let report = create_or_verify(table.client(), spec, &options).await;
    let report = report.map_err(|error| with_address(error, table.options()))?;
    Ok(output::print_line(&report.to_string())?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        spec: Spec,
    }

    fn parsed(arguments: &[&str]) -> Result<Spec, clap::Error> {
        let arguments = ["table"].iter().chain(arguments);
        Cli::try_parse_from(arguments).map(|cli| cli.spec)
    }

    #[test]
    fn arguments_become_the_spec() {
        let spec = |arguments: &[&str]| {
            let parsed = parsed(arguments).unwrap();
            parsed.table_spec(&parsed.options(None))
        };
        let provisioned = ["--billing", "provisioned", "--read-units", "3"];
        assert!(parsed(&provisioned).is_err(), "write units are missing");
        let all = [
            &provisioned[..],
            &["--write-units", "4", "--pitr", "--table", "t-1"],
        ]
        .concat();
        let all = spec(&all);
        let billing = Billing::Provisioned {
            read_units: 3,
            write_units: 4,
        };
        assert_eq!(all.billing, billing);
        assert!(all.point_in_time_recovery);
        assert_eq!(all.table, "t-1");
        assert_eq!(spec(&[]), TableSpec::default());
    }

    #[test]
    fn store_address_stands_in_for_missing_options() {
        let address = || {
            Some(TableAddress {
                table: "stored".to_owned(),
                region: Some("eu-west-1".to_owned()),
                endpoint: Some("http://127.0.0.1:8000".to_owned()),
            })
        };
        let options = parsed(&[]).unwrap().options(address());
        assert_eq!(options.table, "stored");
        assert_eq!(options.region.as_deref(), Some("eu-west-1"));
        let given = ["--table", "given", "--region", "us-east-1"];
        let options = parsed(&given).unwrap().options(address());
        assert_eq!(options.table, "given");
        assert_eq!(options.region.as_deref(), Some("us-east-1"));
        assert_eq!(
            options.endpoint_url.as_deref(),
            Some("http://127.0.0.1:8000")
        );
    }
}
