//! What a child process of our own program does.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::parent::{self, answer};
use crate::rust_peers::trial::{self, Trial};
use crate::scale::growth::{self, Growth};
use crate::scale::watch::{self, Watch};

/// One task; its answer is written by the file that does it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Task {
    /// Call one store or one of its peers.
    Trial(Trial),
    /// Call the SQLite stores over a file of some size.
    Grow(Growth),
    /// Write until the standard input ends, and note what took long.
    Watch(Watch),
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Does the task and writes its answer.
pub(crate) fn run(task: &str) -> Result<(), Error> {
    let runtime = parent::runtime()?;
    match parent::read(task)? {
        Task::Trial(trial) => answer(&runtime.block_on(trial::run(&trial))?),
        Task::Grow(growth) => answer(&runtime.block_on(growth::run(&growth))?),
        Task::Watch(watch) => answer(&runtime.block_on(watch::run(&watch))?),
    }
}
