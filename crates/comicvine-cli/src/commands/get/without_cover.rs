//! Covers in a build without the feature `images`: there are no options for them.

use clap::Args;
use store_core::Priority;

use super::target::Target;
use crate::error::Error;
use crate::options::OutputFormat;
use crate::session::Session;

#[derive(Args, Debug)]
pub(super) struct CoverOptions;

impl CoverOptions {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "with the feature, options can be wrong"
    )]
    pub(super) const fn check(self, _: OutputFormat, _: bool) -> Result<Self, Error> {
        Ok(self)
    }

    #[expect(clippy::unused_async, reason = "with the feature, a cover is fetched")]
    pub(super) async fn show(self, _: &Session, _: &Target, _: Priority) -> Result<(), Error> {
        Ok(())
    }
}
