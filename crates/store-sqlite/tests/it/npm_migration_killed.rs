//! Processes that are killed while they migrate a file of the npm package.

use std::fs;
use std::path::{Path, PathBuf};

use crate::children;
use crate::npm_file::{ADAPTIVE_LIMITS, PLAIN_LIMITS, contents, enlarge, write_npm_file};
use crate::npm_migration::{backup_of, with_suffix};
use crate::support::{Folder, open};

/// When to kill a migrating process.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// While the backup is being written.
    Backup,
    /// Once the backup is complete, at the start of the migration.
    Start,
    /// While the migration is being written.
    Migration,
}

impl Moment {
    fn has_come(self, file: &Path) -> bool {
        let length = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        match self {
            Self::Backup => length(with_suffix(&backup_of(file), ".partial")) > 0,
            Self::Start => backup_of(file).exists(),
            // The rewritten table exceeds the page cache, so that part of it is in the log.
            Self::Migration => length(with_suffix(file, "-wal")) > 1024 * 1024,
        }
    }
}

/// The schema of a file that was migrated without interruption.
async fn new_schema() -> Vec<String> {
    let folder = Folder::new();
    write_npm_file(&folder.file(), PLAIN_LIMITS);
    let database = folder.open().await;
    store_sqlite::migrate(&database).await.expect("a schema");
    database.close().await.expect("a close");
    contents(&folder.file()).0
}

/// A file whose migration was killed at that moment, and its contents before.
fn killed_at(moment: Moment, new: &[String]) -> (Folder, (Vec<String>, Vec<String>)) {
    const ATTEMPTS: u32 = 10;
    for _ in 0..ATTEMPTS {
        let folder = Folder::new();
        let file = folder.file();
        write_npm_file(&file, ADAPTIVE_LIMITS);
        enlarge(&file, 5_000);
        let before = contents(&file);
        let mut child = children::start("npm_migration::child_migrates", &file, "");
        assert_eq!(child.receive(), "ready");
        child.send("go");
        while !moment.has_come(&file) {
            std::hint::spin_loop();
        }
        child.kill();
        // On a loaded machine the child gets further before the signal arrives: try again.
        let is_late = contents(&file).0 == new
            || matches!(moment, Moment::Backup) && backup_of(&file).exists();
        if !is_late {
            return (folder, before);
        }
    }
    panic!("{moment:?}: {ATTEMPTS} processes were past it before they could be killed");
}

// covers("A6")
#[tokio::test]
async fn a_process_killed_while_migrating_leaves_the_old_file() {
    let new = new_schema().await;
    for moment in [Moment::Backup, Moment::Start, Moment::Migration] {
        let (folder, before) = killed_at(moment, &new);
        let file = folder.file();
        assert_eq!(contents(&file), before, "{moment:?}");
        let is_backed_up = backup_of(&file).exists();
        assert_eq!(is_backed_up, !matches!(moment, Moment::Backup));

        let database = open(&file).await;
        store_sqlite::migrate(&database).await.expect("a schema");
        database.close().await.expect("a close");
        assert_eq!(contents(&file).1, before.1, "{moment:?}: rows are lost");
        assert_eq!(contents(&backup_of(&file)), before, "{moment:?}");
        assert!(!with_suffix(&backup_of(&file), ".partial").exists());
    }
}

#[tokio::test]
async fn a_process_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let new = new_schema().await;
    // Checks of the file pass the time; ever more, until the kill comes too late.
    let mut checks = 100;
    loop {
        let folder = Folder::new();
        let file = folder.file();
        write_npm_file(&file, PLAIN_LIMITS);
        enlarge(&file, 200);
        let before = contents(&file);
        let mut child = children::start("npm_migration::child_migrates", &file, "");
        assert_eq!(child.receive(), "ready");
        child.send("go");
        for _ in 0..checks {
            let _exists = file.exists();
        }
        child.kill();
        let (schema, rows) = contents(&file);
        assert!(schema == before.0 || schema == new, "{schema:?}");
        assert_eq!(rows, before.1);
        let database = open(&file).await;
        store_sqlite::migrate(&database).await.expect("a schema");
        database.close().await.expect("a close");
        assert_eq!(contents(&file), (new.clone(), before.1.clone()));
        assert_eq!(contents(&backup_of(&file)), before);
        if schema == new {
            break;
        }
        checks += checks / 2;
    }
}
