//! A database file. It logs every admission, so that each window can be counted exactly.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use comicvine_client::ApiKey;
use comicvine_fake::Counts;
use store_core::Timestamp;
use store_sqlite::SqliteDatabase;

use super::Ground;
use crate::demo::audit::{Audit, Worst};
use crate::demo::{KEY, PATH_LIMIT, SPACING, WINDOW};
use crate::failure::Failure;
use crate::store::sqlite::open_database;

pub(super) struct File {
    path: PathBuf,
    db: SqliteDatabase,
    audit: Audit,
}

impl File {
    pub(super) async fn make(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("comics.db");
        let db = open_database(&path).await?;
        let key = ApiKey::new(KEY)?.fingerprint();
        let audit = Audit::new(db.clone(), &key, PATH_LIMIT, WINDOW, SPACING);
        Ok(Self { path, db, audit })
    }
}

#[async_trait]
impl Ground for File {
    fn arguments(&self) -> Vec<OsString> {
        vec!["--db".into(), self.path.clone().into()]
    }

    async fn look(&mut self, now: Timestamp) -> Result<(), Failure> {
        self.audit.look(now).await
    }

    fn worst(&mut self, _counts: &Counts) -> Worst {
        self.audit.finish()
    }

    /// The folder of the demo goes with it.
    async fn clear(self: Box<Self>) -> Result<(), Failure> {
        self.db.close().await.map_err(Failure::failed)
    }
}
