//! `cargo xtask setup-dynamo`: the table of store-dynamodb, made or verified.

use std::io::{self, Write as _};

use clap::ValueEnum;
use store_dynamodb::setup::{
    Billing, Format, Mend, SetupOptions, TableSpec, create_or_verify, plan, print,
};
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::error::Error;
use crate::runtime;

/// Which table, and what it should be.
///
/// Credentials and region are found as the AWS command line finds them; for an endpoint on this
/// machine made-up ones do.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The table.
    #[arg(long, value_name = "NAME", default_value = "comic-vine-store")]
    table: String,

    /// The region [default: the environment's].
    #[arg(long)]
    region: Option<String>,

    /// Where the service listens, such as <http://127.0.0.1:8000> [default: AWS].
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// How capacity is paid for.
    #[arg(long, value_enum, default_value_t = BillingMode::OnDemand)]
    billing: BillingMode,

    /// Reads per second of 4 KB, if provisioned.
    #[arg(long, value_name = "N", required_if_eq("billing", "provisioned"))]
    read_units: Option<u32>,

    /// Writes per second of 1 KB, if provisioned.
    #[arg(long, value_name = "N", required_if_eq("billing", "provisioned"))]
    write_units: Option<u32>,

    /// Turn point-in-time recovery on.
    #[arg(long)]
    pitr: bool,

    /// Mend in an existing table what can be mended while it serves.
    #[arg(long)]
    mend: bool,

    /// Tell what would be done, and do none of it.
    #[arg(long)]
    dry_run: bool,

    /// Write the table, or the permissions, in another tool's words; nothing is asked of any service.
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["dry_run", "mend"])]
    print: Option<PrintFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BillingMode {
    /// By request.
    OnDemand,
    /// By the hour, for capacity that is kept ready.
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
    /// The policy that this command needs.
    IamSetup,
}

impl Args {
    fn options(&self) -> TableOptions {
        let mut options = TableOptions::default().with_table(&self.table);
        options.region.clone_from(&self.region);
        options.endpoint_url.clone_from(&self.endpoint_url);
        options
    }

    fn spec(&self) -> TableSpec {
        let billing = match self.billing {
            BillingMode::OnDemand => Billing::OnDemand,
            BillingMode::Provisioned => Billing::Provisioned {
                read_units: self.read_units.unwrap_or(1),
                write_units: self.write_units.unwrap_or(1),
            },
        };
        TableSpec::of(&self.options())
            .with_billing(billing)
            .with_point_in_time_recovery(self.pitr)
    }
}

impl From<PrintFormat> for Format {
    fn from(format: PrintFormat) -> Self {
        match format {
            PrintFormat::CloudFormation => Self::CloudFormation,
            PrintFormat::Terraform => Self::Terraform,
            PrintFormat::Cli => Self::Cli,
            PrintFormat::Iam => Self::Iam,
            PrintFormat::IamSetup => Self::IamSetup,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let spec = args.spec();
    if let Some(format) = args.print {
        // Whoever reads this may have read enough.
        io::stdout()
            .write_all(print(&spec, format.into()).as_bytes())
            .ok();
        return Ok(());
    }
    runtime::block_on(set_up(args, &spec))
}

async fn set_up(args: &Args, spec: &TableSpec) -> Result<(), Error> {
    let table = DynamoDbTable::from_env(args.options()).await;
    if args.dry_run {
        println!("{}", plan(table.client(), spec).await?);
        return Ok(());
    }
    let mend = if args.mend {
        Mend::InPlace
    } else {
        Mend::Nothing
    };
    let options = SetupOptions::default()
        .with_mend(mend)
        .with_progress(|progress| println!("{progress}"));
    let report = create_or_verify(table.client(), spec, &options).await?;
    println!("{report}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(arguments: &[&str]) -> Result<TableSpec, clap::Error> {
        let arguments = ["setup-dynamo"].iter().chain(arguments);
        Cli::try_parse_from(arguments).map(|cli| cli.args.spec())
    }

    #[test]
    fn arguments_become_the_spec() {
        let provisioned = ["--billing", "provisioned", "--read-units", "3"];
        assert!(parsed(&provisioned).is_err(), "write units are missing");
        let all = [
            &provisioned[..],
            &["--write-units", "4", "--pitr", "--table", "t-1"],
        ]
        .concat();
        let spec = parsed(&all).unwrap();
        let billing = Billing::Provisioned {
            read_units: 3,
            write_units: 4,
        };
        assert_eq!(spec.billing, billing);
        assert!(spec.point_in_time_recovery);
        assert_eq!(spec.table, "t-1");
        assert_eq!(parsed(&[]).unwrap(), TableSpec::default());
    }
}
