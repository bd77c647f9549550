//! Up, down and looking, on real files.

use store_core::ErrorKind;
use tempfile::TempDir;

use super::*;

struct Shelf {
    folder: TempDir,
}

impl Shelf {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("comics.db")
    }

    /// Runs one action as `run` does; what it shows, and how it ends.
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
        let mut page = String::new();
        let outcome = act(&database, components, action, &mut page).await;
        database.close().await.unwrap();
        (page, outcome)
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
    let rows = page.lines().skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| {
        let words: Vec<&str> = row.split_whitespace().skip(3).collect();
        words.join(" ")
    })
    .collect()
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
async fn a_file_is_made_only_when_asked_for() {
    let shelf = Shelf::new();
    for action in [UP, down(1, true), Action::Status, Action::Plan] {
        let error = shelf.migrate(action).await.1.unwrap_err().to_string();
        assert!(error.contains("up --create"), "{error}");
        assert!(!shelf.path().exists(), "{action:?}");
    }
    shelf.migrate(CREATE).await.1.unwrap();
    assert!(shelf.path().exists());
}

#[tokio::test]
async fn up_tells_what_it_applied_and_then_that_nothing_is_left() {
    let shelf = Shelf::new();
    let (page, outcome) = shelf.migrate(CREATE).await;
    outcome.unwrap();
    assert_eq!(states(&page), vec!["applied now"; migrations()], "{page}");
    assert!(page.contains("cache"), "{page}");
    let (page, outcome) = shelf.migrate(UP).await;
    outcome.unwrap();
    assert_eq!(states(&page), vec!["applied"; migrations()]);
}

#[tokio::test]
async fn down_goes_back_by_steps_and_no_further_than_nothing() {
    let shelf = Shelf::new();
    shelf.migrate(CREATE).await.1.unwrap();
    let (page, outcome) = shelf.migrate(down(1, false)).await;
    outcome.unwrap();
    let undone = states(&page)
        .iter()
        .filter(|it| *it == "undone now")
        .count();
    assert_eq!(undone, COMPONENTS.len(), "{page}");
    shelf.migrate(down(99, false)).await.1.unwrap();
    assert_eq!(shelf.states().await, vec!["pending"; migrations()]);
    shelf.migrate(UP).await.1.unwrap();
    assert_eq!(shelf.states().await, vec!["applied"; migrations()]);
}

#[tokio::test]
async fn rows_are_given_up_only_with_consent() {
    let shelf = Shelf::new();
    shelf.migrate(CREATE).await.1.unwrap();
    shelf.execute(ENTRY).await;

    let (page, outcome) = shelf.migrate(down(1, false)).await;
    assert!(
        matches!(outcome, Err(Error::WouldLose { rows: 1 })),
        "{outcome:?}"
    );
    assert!(page.ends_with("\ntable  rows\ncache     1\n"), "{page}");
    assert_eq!(shelf.states().await, vec!["applied"; migrations()]);

    shelf.migrate(down(1, true)).await.1.unwrap();
    assert!(shelf.states().await.contains(&"pending".to_owned()));
}

#[tokio::test]
async fn one_component_leaves_the_others_alone() {
    let shelf = Shelf::new();
    shelf.migrate(CREATE).await.1.unwrap();
    shelf.execute(ENTRY).await;
    let limits = [COMPONENTS[2]];
    // The row is the cache's, so no consent is needed for this one.
    let (page, outcome) = shelf.migrate_some(&limits, down(99, false)).await;
    outcome.unwrap();
    assert_eq!(states(&page).len(), limits[0].migrations.len());
    let pending = shelf
        .states()
        .await
        .into_iter()
        .filter(|it| it == "pending");
    assert_eq!(pending.count(), limits[0].migrations.len());
}

#[tokio::test]
async fn a_plan_has_the_sql_and_changes_nothing() {
    let shelf = Shelf::new();
    shelf.execute("CREATE TABLE mine (a)").await;
    let before = std::fs::read(shelf.path()).unwrap();
    let (page, outcome) = shelf.migrate(Action::Plan).await;
    outcome.unwrap();
    for component in COMPONENTS {
        for migration in component.migrations {
            assert!(page.contains(migration.up.trim_end()), "{page}");
        }
    }
    assert_eq!(std::fs::read(shelf.path()).unwrap(), before);
    shelf.migrate(UP).await.1.unwrap();
    let (page, _) = shelf.migrate(Action::Plan).await;
    assert!(!page.contains("--"), "nothing is left to do: {page}");
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_shown_and_left_alone() {
    let shelf = Shelf::new();
    shelf.migrate(CREATE).await.1.unwrap();
    let newer = "INSERT INTO _migrations_cache \
                 SELECT 99, 'later', installed_on, success, checksum, execution_time \
                 FROM _migrations_cache LIMIT 1";
    shelf.execute(newer).await;
    for action in [down(1, true), Action::Status, Action::Plan] {
        let (page, outcome) = shelf.migrate(action).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("migration 99 of cache"), "{error}");
        assert!(page.contains("later") && page.contains("UNKNOWN"), "{page}");
    }
    let (_, outcome) = shelf.migrate(UP).await;
    let Err(Error::Store(error)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(error.kind(), ErrorKind::SchemaNewer);
}
