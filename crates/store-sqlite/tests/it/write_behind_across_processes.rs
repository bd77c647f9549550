//! Writes that several processes accept and deliver, while they are killed at any moment: none is lost, each key gets its
//! writes in order, and no lookup sees an older value.

#![expect(clippy::print_stdout, reason = "the runner shows what was tried")]

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::OptionalExtension;
use store_core::backend::SeededRandom;
use store_core::layer::{WriteBehind, WriteBehindOptions};
use store_core::{
    BoxError, CacheStore, Clock, Delivery, Key, Lookup, MINUTE, NewEntry, Random, SECOND,
    SystemClock, WriteQueueOptions, WriteSequence,
};
use store_sqlite::{SqliteCacheStore, SqliteDatabase, SqliteWriteQueue};
use tokio::task::JoinSet;

use crate::children::{self, ChildProcess, Signal, send_to_parent};
use crate::support::{Folder, key, open};

const LEASE: Duration = SECOND;
/// Each process writes to keys of its own and delivers those of both.
const PROCESSES: usize = 2;
const TASKS: usize = 3;

type Store = WriteBehind<SqliteCacheStore>;

/// The source of the values, in a file of its own. It keeps every write that it took, and takes none whose number is not
/// greater than the last of its key.
#[derive(Clone)]
struct Source(SqliteDatabase);

impl Source {
    async fn open(file: &Path) -> Self {
        let database = open(&file.with_file_name("source.db")).await;
        let made = database.write(|tx| {
            Ok(tx.execute_batch(
                "CREATE TABLE IF NOT EXISTS taken (key TEXT, sequence INTEGER, value TEXT, PRIMARY KEY (key, sequence)) STRICT;
                 CREATE TABLE IF NOT EXISTS duplicates (key TEXT) STRICT",
            )?)
        });
        made.await.expect("a table");
        Self(database)
    }

    async fn take(self, delivery: Delivery) -> Result<(), BoxError> {
        let write = delivery.write;
        let value = String::from_utf8(write.value.to_vec())?;
        let taken = self.0.write(move |tx| {
            let taken = tx.execute(
                "INSERT INTO taken SELECT ?1, ?2, ?3
                 WHERE NOT EXISTS (SELECT 1 FROM taken WHERE key = ?1 AND sequence >= ?2)",
                (
                    write.key.as_str(),
                    write.sequence.get().cast_signed(),
                    value,
                ),
            )?;
            if taken == 0 {
                tx.execute("INSERT INTO duplicates VALUES (?1)", [write.key.as_str()])?;
            }
            Ok(())
        });
        Ok(taken.await?)
    }

    async fn newest(&self, key: &Key) -> Option<String> {
        let key = key.clone();
        let read = self.0.read(move |db| {
            let sql = "SELECT value FROM taken WHERE key = ?1 ORDER BY sequence DESC LIMIT 1";
            Ok(db
                .query_row(sql, [key.as_str()], |row| row.get(0))
                .optional()?)
        });
        read.await.expect("an answer")
    }

    async fn taken(&self) -> HashMap<String, Vec<(u64, String)>> {
        let read = self.0.read(|db| {
            let mut statement =
                db.prepare("SELECT key, sequence, value FROM taken ORDER BY sequence")?;
            let rows = statement.query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get::<_, i64>(1)?.unsigned_abs(),
                    row.get(2)?,
                ))
            })?;
            Ok(rows.collect::<Result<Vec<(String, u64, String)>, _>>()?)
        });
        let mut taken: HashMap<_, Vec<_>> = HashMap::new();
        for (key, sequence, value) in read.await.expect("rows") {
            taken.entry(key).or_default().push((sequence, value));
        }
        taken
    }

    async fn duplicates(&self) -> i64 {
        let sql = "SELECT count(*) FROM duplicates";
        let read = self
            .0
            .read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?));
        read.await.expect("a number")
    }
}

async fn start(file: &Path, source: &Source) -> Store {
    let database = open(file).await;
    let options = WriteQueueOptions::default().with_lease(LEASE);
    let queue = SqliteWriteQueue::with_options(&database, "books", options);
    let source = source.clone();
    let target = move |delivery| source.clone().take(delivery);
    let options = WriteBehindOptions::default().with_poll_interval(Duration::from_millis(50));
    let cache = SqliteCacheStore::new(&database);
    WriteBehind::start_with(cache, queue, options, target).expect("a runtime")
}

/// The writes that were accepted, a line each; a file of each process.
fn journal(file: &Path, process: &str) -> PathBuf {
    file.with_file_name(format!("accepted-{process}"))
}

fn accepted(file: &Path) -> Vec<(String, u64, String)> {
    let mut accepted = Vec::new();
    for process in 0..PROCESSES {
        let text = fs::read_to_string(journal(file, &process.to_string())).unwrap_or_default();
        // The last line may be torn.
        let whole = text
            .split_inclusive('\n')
            .filter_map(|line| line.strip_suffix('\n'));
        for line in whole {
            let mut parts = line.split(' ');
            let mut next = || parts.next().expect("a part").to_owned();
            let (key, sequence) = (next(), next().parse().expect("a number"));
            accepted.push((key, sequence, next()));
        }
    }
    accepted
}

struct Trials {
    folder: Folder,
    random: SeededRandom,
    writers: Vec<ChildProcess>,
    round: usize,
}

impl Trials {
    fn start() -> Self {
        let mut trials = Self {
            folder: Folder::new(),
            random: SeededRandom::new(64),
            writers: Vec::new(),
            round: 0,
        };
        trials.writers = (0..PROCESSES)
            .map(|process| trials.writer(process))
            .collect();
        trials
    }

    fn writer(&self, process: usize) -> ChildProcess {
        let argument = format!("{process} {}", self.round);
        let child = "write_behind_across_processes::child_writes";
        let mut writer = children::start(child, &self.folder.file(), &argument);
        assert_eq!(writer.receive(), "ready");
        writer
    }

    fn up_to(&self, most: u64) -> u64 {
        self.random.next_u64() % (most + 1)
    }

    /// Lets a process accept some writes, and kills it among the next ones.
    fn kill_one(&mut self, most: u64) {
        self.round += 1;
        let process = self.round % PROCESSES;
        for _ in 0..=self.up_to(most) {
            assert_eq!(self.writers[process].receive(), "accepted");
        }
        self.writers[process].kill();
        self.writers[process] = self.writer(process);
    }

    /// Stops a process for longer than its leases, so that the other one takes its deliveries over.
    async fn stop_one(&mut self) {
        let clock = SystemClock::new();
        let process = self.round % PROCESSES;
        self.writers[process].signal(Signal::STOP);
        clock.sleep(LEASE + LEASE / 5).await;
        self.writers[process].signal(Signal::CONT);
    }

    async fn finish(mut self) {
        for writer in &mut self.writers {
            writer.kill();
        }
        let file = self.folder.file();
        let source = Source::open(&file).await;
        let store = start(&file, &source).await;
        // As long as it gets on: how much is queued, and how fast the machine is, are not known.
        let mut left = u64::MAX;
        while left > 0 {
            let now_left = store.flush(MINUTE).await.expect("counts");
            assert!(now_left < left, "{now_left} writes are not delivered");
            left = now_left;
        }

        let accepted = accepted(&file);
        let taken = source.taken().await;
        let all: HashSet<_> = taken
            .iter()
            .flat_map(|(key, writes)| {
                writes
                    .iter()
                    .map(move |(sequence, value)| (key, *sequence, value))
            })
            .collect();
        for (key, sequence, value) in &accepted {
            assert!(
                all.contains(&(key, *sequence, value)),
                "{key} {sequence} {value} is lost"
            );
        }
        for name in taken.keys() {
            let key = key(name);
            let cached = store.get(&key).await.expect("an answer").hit();
            let newest = source.newest(&key).await;
            if let Some(entry) = cached {
                assert_eq!(
                    Some(&entry.value[..]),
                    newest.as_deref().map(str::as_bytes),
                    "{key}"
                );
            }
        }
        let duplicates = source.duplicates().await;
        println!(
            "{} writes accepted, {} delivered, {duplicates} duplicates, {} kills",
            accepted.len(),
            all.len(),
            self.round
        );
        store.close().await.expect("a close");
    }
}

// covers("D8", "F64")
#[tokio::test(flavor = "multi_thread")]
async fn no_accepted_write_is_lost_when_processes_are_killed() {
    let mut trials = Trials::start();
    for _ in 0..6 {
        trials.kill_one(40);
    }
    trials.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn none_of_ten_thousand_accepted_writes_is_lost_when_processes_are_killed_or_stopped() {
    let mut trials = Trials::start();
    while accepted(&trials.folder.file()).len() < 10_000 {
        trials.kill_one(300);
        if trials.round.is_multiple_of(4) {
            trials.stop_one().await;
        }
    }
    trials.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of no_accepted_write_is_lost_when_processes_are_killed"]
async fn child_writes() {
    let (file, argument) = (children::file(), children::argument());
    let (process, round) = argument.split_once(' ').expect("two numbers");
    let journal = journal(&file, process);
    let journal = OpenOptions::new().create(true).append(true).open(journal);
    let journal = Arc::new(Mutex::new(journal.expect("a journal")));
    let source = Source::open(&file).await;
    let store = start(&file, &source).await;
    send_to_parent("ready");
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let writer = Writer {
            store: store.clone(),
            source: source.clone(),
            journal: Arc::clone(&journal),
            key: key(&format!("books:{process}-{task}")),
            round: round.to_owned(),
            returned: Arc::default(),
        };
        tasks.spawn(writer.clone().look());
        tasks.spawn(writer.write_on());
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("it is killed before it ends");
    }
}

/// The only writer of a key.
#[derive(Clone)]
struct Writer {
    store: Store,
    source: Source,
    journal: Arc<Mutex<File>>,
    key: Key,
    round: String,
    /// How many writes have returned.
    returned: Arc<AtomicU64>,
}

impl Writer {
    async fn write_on(self) {
        for n in 1_u64.. {
            let value = format!("{}-{n}", self.round);
            let sequence = self.write(&value).await;
            self.returned.store(n, Ordering::SeqCst);
            self.note(sequence, &value);
            send_to_parent("accepted");
            assert_eq!(self.read().await, Some(value), "{} is older", self.key);
        }
    }

    /// Looks the key up all the time, so that it is cached again and again.
    async fn look(self) {
        loop {
            let least = self.returned.load(Ordering::SeqCst);
            let value = self.read().await.unwrap_or_default();
            let of_round = value
                .split_once('-')
                .filter(|(round, _)| *round == self.round);
            let found = of_round.map_or(0, |(_, n)| n.parse().expect("a number"));
            assert!(
                found >= least,
                "{} is older: {value}, not {least}",
                self.key
            );
            tokio::task::yield_now().await;
        }
    }

    async fn write(&self, value: &str) -> WriteSequence {
        loop {
            match self.store.write(&self.key, value.to_owned()).await {
                Ok(sequence) => return sequence,
                Err(error) if error.is_retryable() => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn note(&self, sequence: WriteSequence, value: &str) {
        let line = format!("{} {sequence} {value}\n", self.key);
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.write_all(line.as_bytes()).expect("space");
    }

    /// The value of the key, as a cached read: what is not there is loaded and stored.
    async fn read(&self) -> Option<String> {
        let lookup = self.store.get(&self.key).await.expect("an answer");
        match lookup {
            Lookup::Hit(entry) => Some(String::from_utf8_lossy(&entry.value).into_owned()),
            Lookup::Miss(token) => {
                let value = self.source.newest(&self.key).await?;
                let fill = NewEntry::fill(self.key.clone(), value.clone(), token);
                self.store.set(fill).await.expect("an answer");
                Some(value)
            }
        }
    }
}
