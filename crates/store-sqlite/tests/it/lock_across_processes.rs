//! One lock, many contenders in real processes that are stopped for longer than the lease, or killed: what the
//! lock guards takes the writes of one holder at a time.

#![expect(clippy::print_stdout, reason = "the runner shows what was tried")]

use std::path::Path;
use std::time::Duration;

use store_core::{AdvisoryLock, Clock, HeldLock, LockError, SECOND, SystemClock};
use store_sqlite::{DatabaseOptions, DedupeOptions, SqliteDatabase, SqliteDedupeStore};

use crate::children::{self, ChildProcess, Signal};
use crate::support::{Folder, key, open};

const PROCESSES: u32 = 4;
const LEASE: Duration = SECOND;
/// What a loaded machine may add to any wait.
const SLACK: Duration = SECOND.saturating_mul(2);
/// How long a holder works between its writes.
const WORK: Duration = Duration::from_millis(15);

/// What the lock guards: it takes no write with a lesser token than it has seen, and keeps a record.
const TARGET: &str = "
    CREATE TABLE target (id INTEGER PRIMARY KEY CHECK (id = 1), token INTEGER NOT NULL) STRICT;
    INSERT INTO target VALUES (1, 0);
    CREATE TABLE write (
      sequence INTEGER PRIMARY KEY,
      token INTEGER NOT NULL,
      process INTEGER NOT NULL,
      contender INTEGER NOT NULL,
      step TEXT NOT NULL,
      is_accepted INTEGER NOT NULL
    ) STRICT;";

/// Contenders of one process.
#[derive(Clone, Copy)]
struct Crew {
    process: u32,
    contenders: u32,
}

impl Crew {
    fn start(self, folder: &Folder) -> ChildProcess {
        let argument = format!("{} {}", self.process, self.contenders);
        let test = "lock_across_processes::child_contends";
        children::start(test, &folder.file(), &argument).with_deadline(SECOND * 600)
    }

    /// In a child: what the parent started it as.
    fn read() -> Self {
        let argument = children::argument();
        let mut numbers = argument
            .split(' ')
            .map(|part| part.parse().expect("a number"));
        let mut next = || numbers.next().expect("two numbers");
        Self {
            process: next(),
            contenders: next(),
        }
    }
}

fn target_of(file: &Path) -> std::path::PathBuf {
    file.with_file_name("target.db")
}

/// A write that the target takes unless it has seen a greater token; whether it did.
async fn fenced_write(
    target: &SqliteDatabase,
    held: &HeldLock,
    (process, contender): (u32, u32),
    step: &'static str,
) -> bool {
    let token = held.token().get();
    let written = target.write(move |tx| {
        let changed = tx.execute("UPDATE target SET token = ?1 WHERE token <= ?1", [token])?;
        let is_accepted = changed == 1;
        tx.execute(
            "INSERT INTO write (token, process, contender, step, is_accepted)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (token, process, contender, step, is_accepted),
        )?;
        Ok(is_accepted)
    });
    written.await.expect("an answer")
}

/// The parent's handles.
struct Files {
    target: SqliteDatabase,
    stores: SqliteDatabase,
}

impl Files {
    async fn open(folder: &Folder) -> Self {
        let options = DatabaseOptions::default().with_busy_timeout(SECOND / 2);
        let open = async |file: &Path| SqliteDatabase::open_with(file, options.clone()).await;
        let stores = open(&folder.file()).await.expect("a file");
        store_sqlite::migrate(&stores).await.expect("a schema");
        let target = open(&target_of(&folder.file())).await.expect("a file");
        let made = target.write(|tx| Ok(tx.execute_batch(TARGET)?)).await;
        made.expect("a target");
        Self { target, stores }
    }

    /// Whether the files can be written: a process that was stopped within a commit keeps SQLite's lock, for
    /// which no lease runs.
    async fn are_free(&self) -> bool {
        let free = async |file: &SqliteDatabase| file.write(|_| Ok(())).await.is_ok();
        free(&self.target).await && free(&self.stores).await
    }
}

async fn number(target: &SqliteDatabase, sql: &'static str, argument: i64) -> u32 {
    let read = target.read(move |db| Ok(db.query_row(sql, [argument], |row| row.get(0))?));
    read.await.expect("a number")
}

fn index(process: u32) -> usize {
    usize::try_from(process).expect("a few processes")
}

/// How many contenders of other processes have not finished.
async fn waiting_elsewhere(target: &SqliteDatabase, process: u32, contenders: u32) -> u32 {
    let sql = "SELECT count(DISTINCT process || ' ' || contender) FROM write
         WHERE step = 'end' AND is_accepted AND process <> ?1";
    (PROCESSES - 1) * contenders - number(target, sql, process.into()).await
}

/// The process and the token of whoever wrote last, if it still holds the lock.
async fn holder(target: &SqliteDatabase) -> Option<(u32, i64)> {
    let sql = "SELECT process, token, step = 'begin' FROM write
         WHERE is_accepted ORDER BY sequence DESC LIMIT 1";
    let read = target.read(move |db| {
        let mut last = db.prepare_cached(sql)?;
        let mut rows = last.query([])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let is_inside: bool = row.get(2)?;
        Ok(is_inside.then_some((row.get(0)?, row.get(1)?)))
    });
    read.await.expect("the last write")
}

/// Stops or kills the holder's process in the middle of its work, and returns once another has taken over:
/// the process, and how long that took. `None` if nobody could be caught any more.
async fn interrupt_holder(
    files: &Files,
    processes: &mut [ChildProcess],
    contenders: u32,
    interruption: Signal,
) -> Option<(u32, Duration)> {
    let (clock, target) = (SystemClock::new(), &files.target);
    loop {
        let Some((process, token)) = holder(target).await else {
            if all_finished(target, contenders).await {
                return None;
            }
            clock.sleep(WORK / 10).await;
            continue;
        };
        if waiting_elsewhere(target, process, contenders).await == 0 {
            return None;
        }
        processes[index(process)].signal(Signal::STOP);
        let stopped_at = clock.monotonic();
        // A stop takes effect after the signal was sent.
        clock.sleep(Duration::from_millis(20)).await;
        let is_caught = holder(target).await == Some((process, token));
        if is_caught && files.are_free().await {
            processes[index(process)].signal(interruption);
            let newer = "SELECT count(*) FROM write WHERE token > ?1 AND is_accepted";
            while number(target, newer, token).await == 0 {
                clock.sleep(Duration::from_millis(1)).await;
            }
            return Some((process, clock.monotonic().saturating_sub(stopped_at)));
        }
        processes[index(process)].signal(Signal::CONT);
    }
}

async fn all_finished(target: &SqliteDatabase, contenders: u32) -> bool {
    let sql = "SELECT count(DISTINCT process || ' ' || contender) FROM write
         WHERE step = 'end' AND is_accepted AND process < ?1";
    number(target, sql, PROCESSES.into()).await == PROCESSES * contenders
}

/// Lets that many contenders of each process hold the lock once, while processes of holders are stopped and
/// killed in turn.
async fn trial(contenders: u32, interruptions: u32) {
    let folder = Folder::new();
    let files = Files::open(&folder).await;
    let crews: Vec<_> = (0..PROCESSES)
        .map(|process| Crew {
            process,
            contenders,
        })
        .collect();
    let mut processes: Vec<_> = crews.iter().map(|crew| crew.start(&folder)).collect();
    let (mut stops, mut kills, mut longest) = (0, 0, Duration::ZERO);
    for turn in 0..interruptions {
        let interruption = [Signal::STOP, Signal::KILL][index(turn % 2)];
        let caught = interrupt_holder(&files, &mut processes, contenders, interruption).await;
        let Some((process, waited)) = caught else {
            break;
        };
        longest = longest.max(waited);
        assert!(waited <= LEASE + SLACK, "free after {waited:?}");
        let process = index(process);
        if interruption == Signal::STOP {
            processes[process].signal(Signal::CONT);
            stops += 1;
        } else {
            processes[process] = crews[process].start(&folder);
            kills += 1;
        }
    }
    processes.into_iter().for_each(ChildProcess::wait);
    assert!(stops >= 1 && kills >= 1, "{stops} stopped, {kills} killed");
    assert!(all_finished(&files.target, contenders).await);
    println!("{stops} stopped, {kills} killed, at most {longest:?} until the next holder");
    check(&files.target, stops).await;
}

/// The writes that were accepted are those of one holder after another.
async fn check(target: &SqliteDatabase, stops: u32) {
    let sql = "SELECT count(*) FROM (
           SELECT token < max(token) OVER (ORDER BY sequence) AS is_late FROM write WHERE is_accepted
         ) WHERE is_late >= ?1";
    assert_eq!(number(target, sql, 1).await, 0, "late writes were accepted");
    let sql = "SELECT count(*) FROM (
           SELECT token FROM write GROUP BY token
           HAVING count(DISTINCT process || ' ' || contender) > ?1
         )";
    assert_eq!(number(target, sql, 1).await, 0, "two holders had one token");
    let sql = "SELECT count(*) FROM write WHERE is_accepted = ?1";
    let refused = number(target, sql, 0).await;
    assert!(
        refused >= stops,
        "{refused} writes refused, {stops} stopped"
    );
}

// covers("D19", "F32", "F33")
#[tokio::test(flavor = "multi_thread")]
async fn one_holder_at_a_time_is_heard_whoever_is_stopped_or_killed() {
    trial(12, 4).await;
}

// covers("D19", "F32", "F33")
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: 1,000 contenders"]
async fn one_holder_of_a_thousand_contenders_is_heard_at_a_time() {
    trial(250, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of tests in this file"]
async fn child_contends() {
    let crew = Crew::read();
    let file = children::file();
    let options = DedupeOptions::default().with_lease(LEASE);
    let jobs = SqliteDedupeStore::with_options(&open(&file).await, options);
    let lock = AdvisoryLock::new(jobs, key("lock:target"));
    let target = open(&target_of(&file)).await;
    let contenders: Vec<_> = (0..crew.contenders)
        .map(|contender| {
            let id = (crew.process, contender);
            tokio::spawn(contend(lock.clone(), target.clone(), id))
        })
        .collect();
    for contender in contenders {
        contender.await.expect("no panic");
    }
}

/// Holds the lock until the last write of its work is accepted.
async fn contend(lock: AdvisoryLock, target: SqliteDatabase, id: (u32, u32)) {
    let sql = "SELECT count(*) FROM write
         WHERE step = 'end' AND is_accepted AND process * 10000 + contender = ?1";
    // One that an earlier process of this number has finished does not contend again.
    while number(&target, sql, (id.0 * 10_000 + id.1).into()).await == 0 {
        let work = async |held: HeldLock| {
            fenced_write(&target, &held, id, "begin").await;
            SystemClock::new().sleep(WORK).await;
            fenced_write(&target, &held, id, "end").await;
        };
        match lock.with_lock(work).await {
            Ok(()) | Err(LockError::Lost | LockError::Held { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
