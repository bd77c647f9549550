//! Every action on real files.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

struct TestFile {
    folder: TempDir,
}

impl TestFile {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("comics.db")
    }

    /// Runs one action as `run` does, and returns its text and result.
    async fn migrate(&self, action: Action) -> (String, Result<(), Error>) {
        self.migrate_some(&COMPONENTS, action).await
    }

    async fn migrate_some(
        &self,
        components: &[&'static Component],
        action: Action,
    ) -> (String, Result<(), Error>) {
        let database = match open(&self.path(), action).await {
            Ok(database) => database,
            Err(error) => return (String::new(), Err(error)),
        };
        let (report, result) = super::execute(&database, components, action).await.unwrap();
        database.close().await.unwrap();
        (report.text(), result)
    }

    async fn execute(&self, sql: &'static str) {
        let database = SqliteDatabase::open(self.path()).await.unwrap();
        let write = database.write(move |tx| Ok(tx.execute_batch(sql)?));
        write.await.unwrap();
        database.close().await.unwrap();
    }

    /// The states in the first table of a page, one per migration.
    async fn states(&self) -> Vec<String> {
        let (page, outcome) = self.migrate(Action::Status).await;
        outcome.unwrap();
        states(&page)
    }
}

fn states(page: &str) -> Vec<String> {
    let versions = |line: &&str| {
        cells(line)
            .get(1)
            .is_some_and(|cell| cell.parse::<i64>().is_ok())
    };
    let rows = page.lines().take_while(|line| !line.starts_with("--"));
    rows.filter(versions)
        .filter_map(|row| cells(row).get(3).map(|&state| state.to_owned()))
        .collect()
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<&str> {
    let cells = line.split(['│', '┆']).map(str::trim);
    cells.filter(|cell| !cell.is_empty()).collect()
}

const UP: Action = Action::Up { create: false };
const CREATE: Action = Action::Up { create: true };

fn down(steps: usize, yes: bool) -> Action {
    let steps = NonZeroUsize::new(steps).unwrap();
    Action::Down { steps, yes }
}

const ENTRY: &str = "INSERT INTO cache (hash, value, expires_at, created_at, fill_began_at) \
                     VALUES ('comics:1', x'00', 0, 0, 0)";

/// How many migrations there are, over all components.
fn migrations() -> usize {
    COMPONENTS.iter().map(|it| it.migrations.len()).sum()
}

#[tokio::test]
async fn a_file_is_created_only_with_the_flag() {
    let file = TestFile::new();
    for action in [UP, down(1, true), Action::Status, Action::Plan] {
        let error = file.migrate(action).await.1;
        let error = message(error);
        assert!(error.contains("up --create"), "{error}");
        assert!(!file.path().exists(), "{action:?}");
    }
    file.migrate(CREATE).await.1.unwrap();
    assert!(file.path().exists());
}

#[tokio::test]
async fn up_shows_what_it_applied_and_then_that_nothing_is_pending() {
    let file = TestFile::new();
    let (page, outcome) = file.migrate(CREATE).await;
    outcome.unwrap();
    assert_eq!(states(&page), vec!["applied now"; migrations()], "{page}");
    assert!(page.contains("cache"), "{page}");
    let (page, outcome) = file.migrate(UP).await;
    outcome.unwrap();
    assert_eq!(states(&page), vec!["applied"; migrations()]);
}

#[tokio::test]
async fn down_reverts_by_steps_and_stops_at_an_empty_schema() {
    let file = TestFile::new();
    file.migrate(CREATE).await.1.unwrap();
    let (page, outcome) = file.migrate(down(1, false)).await;
    outcome.unwrap();
    let reverted = states(&page)
        .iter()
        .filter(|it| *it == "reverted now")
        .count();
    assert_eq!(reverted, COMPONENTS.len(), "{page}");
    file.migrate(down(99, false)).await.1.unwrap();
    assert_eq!(file.states().await, vec!["pending"; migrations()]);
    file.migrate(UP).await.1.unwrap();
    assert_eq!(file.states().await, vec!["applied"; migrations()]);
}

#[tokio::test]
async fn rows_are_lost_only_with_consent() {
    let file = TestFile::new();
    file.migrate(CREATE).await.1.unwrap();
    file.execute(ENTRY).await;

    let (page, outcome) = file.migrate(down(1, false)).await;
    let error = message(outcome);
    assert!(
        error.contains("may lose 1 row(s)") && error.contains("--yes"),
        "{error}"
    );
    assert!(
        page.lines().any(|line| cells(line) == ["cache", "1"]),
        "{page}"
    );
    assert_eq!(file.states().await, vec!["applied"; migrations()]);

    file.migrate(down(1, true)).await.1.unwrap();
    assert!(file.states().await.contains(&"pending".to_owned()));
}

#[tokio::test]
async fn one_component_leaves_the_others_alone() {
    let file = TestFile::new();
    file.migrate(CREATE).await.1.unwrap();
    file.execute(ENTRY).await;
    let limits = [COMPONENTS[2]];
    // The row is the cache's, so no consent is needed for this one.
    let (page, outcome) = file.migrate_some(&limits, down(99, false)).await;
    outcome.unwrap();
    assert_eq!(states(&page).len(), limits[0].migrations.len());
    let pending = file.states().await.into_iter().filter(|it| it == "pending");
    assert_eq!(pending.count(), limits[0].migrations.len());
}

#[tokio::test]
async fn a_plan_has_the_sql_and_changes_nothing() {
    let file = TestFile::new();
    file.execute("CREATE TABLE mine (a)").await;
    let before = std::fs::read(file.path()).unwrap();
    let (page, outcome) = file.migrate(Action::Plan).await;
    outcome.unwrap();
    for component in COMPONENTS {
        for migration in component.migrations {
            assert!(page.contains(migration.up.trim_end()), "{page}");
        }
    }
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
    file.migrate(UP).await.1.unwrap();
    let (page, _) = file.migrate(Action::Plan).await;
    assert!(!page.contains("--"), "nothing is left to do: {page}");
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_shown_and_left_alone() {
    let file = TestFile::new();
    file.migrate(CREATE).await.1.unwrap();
    let newer = "INSERT INTO _migrations_cache \
                 SELECT 99, 'later', installed_on, success, checksum, execution_time \
                 FROM _migrations_cache LIMIT 1";
    file.execute(newer).await;
    for action in [down(1, true), Action::Status, Action::Plan] {
        let (page, outcome) = file.migrate(action).await;
        let error = message(outcome);
        assert!(error.contains("migration 99 of cache"), "{error}");
        assert!(page.contains("later") && page.contains("UNKNOWN"), "{page}");
    }
    let (_, outcome) = file.migrate(UP).await;
    let error = message(outcome);
    assert!(
        error.contains("newer version") && error.contains("99"),
        "{error}"
    );
}

#[tokio::test]
async fn json_has_the_states_and_the_pending_sql() {
    let file = TestFile::new();
    file.migrate(CREATE).await.1.unwrap();
    file.migrate(down(1, false)).await.1.unwrap();
    let database = open(&file.path(), Action::Plan).await.unwrap();
    let (report, result) = super::execute(&database, &COMPONENTS, Action::Plan)
        .await
        .unwrap();
    database.close().await.unwrap();
    result.unwrap();
    let json = report.json();
    let all = json["migrations"].as_array().unwrap();
    assert_eq!(all.len(), migrations());
    let pending = all.iter().filter(|it| it["state"] == "pending");
    assert_eq!(pending.count(), COMPONENTS.len());
    assert_eq!(json["pending"].as_array().unwrap().len(), COMPONENTS.len());
    assert!(json["pending"][0]["sql"].is_string());
}

fn message(result: Result<(), Error>) -> String {
    result.unwrap_err().message().unwrap()
}
