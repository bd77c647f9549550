//! A database file. It logs every admission, so that each window can be counted exactly.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use comicvine_client::ApiKey;
use comicvine_fake::Counts;
use store_core::Timestamp;
use store_sqlite::SqliteDatabase;

use crate::admissions::{AdmissionLog, FullestWindows};
use crate::error::Error;
use crate::settings::{KEY, PATH_LIMIT, SPACING, WINDOW};

use super::shared_store::SharedStore;

pub(super) struct File {
    path: PathBuf,
    db: SqliteDatabase,
    admissions: AdmissionLog,
}

impl File {
    pub(super) async fn create(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("comics.db");
        let db = SqliteDatabase::open(&path).await?;
        store_sqlite::migrate(&db).await?;
        let key = ApiKey::new(KEY)?.fingerprint();
        let admissions = AdmissionLog::new(db.clone(), &key, PATH_LIMIT, WINDOW, SPACING);
        Ok(Self {
            path,
            db,
            admissions,
        })
    }
}

#[async_trait]
impl SharedStore for File {
    fn worker_arguments(&self) -> Vec<OsString> {
        vec!["--db".into(), self.path.clone().into()]
    }

    async fn observe(&mut self, now: Timestamp) -> Result<(), Error> {
        self.admissions.observe(now).await
    }

    fn fullest_windows(&mut self, _counts: &Counts) -> FullestWindows {
        self.admissions.fullest_windows()
    }

    /// The file is deleted with the temporary folder of the demo.
    async fn delete(self: Box<Self>) -> Result<(), Error> {
        Ok(self.db.close().await?)
    }
}
