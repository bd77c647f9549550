//! Stands in for `comicvine table` in builds without the feature `dynamodb`.

use clap::Args;

use crate::error::Error;
use crate::options::GlobalOptions;

const EXAMPLES: &str = "\
Examples, in a build with the feature `dynamodb`:
  comicvine table setup --table comics --region eu-west-1";

/// Create and verify the DynamoDB table of the stores; not in this build.
///
/// This program was built without the feature `dynamodb`, which is on by default.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Table {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _arguments: Vec<String>,
}

#[expect(clippy::unused_async, reason = "the signature of the real command")]
pub(crate) async fn run(_global: &GlobalOptions, _table: Table) -> Result<(), Error> {
    Err(Error::without_dynamodb("cannot run `comicvine table`"))
}
