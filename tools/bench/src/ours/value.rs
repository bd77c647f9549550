//! The value of 2 KB that both sides store.

use std::fs;

use crate::error::Error;
use crate::job::Job;

pub(super) fn value(job: &Job) -> Result<Vec<u8>, Error> {
    let path = job.folder.join("value.txt");
    fs::read(&path).map_err(Error::file("read", &path))
}
