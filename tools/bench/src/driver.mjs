// The peer's side of `cargo xtask bench peers`: one job in, one line of JSON out.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import {
  SQLiteCacheStore,
  SQLiteDedupeStore,
  SQLiteRateLimitStore,
  SqliteAdaptiveRateLimitStore,
} from '@comic-vine/sqlite-store';

const HOUR_MS = 3_600_000;
const HOUR_S = 3_600;

const job = JSON.parse(process.argv[2]);
const text = readFileSync(`${job.folder}/value.txt`, 'utf8');
const database = new Database(job.database);
if (job.settings === 'equal') {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
}

/** Runs `op(0)` to `op(ops - 1)`, a tenth of them first as a warm-up; microseconds per call. */
async function timed(op) {
  const run = async (from, to) => {
    let next = from;
    const task = async () => {
      while (next < to) await op(next++);
    };
    await Promise.all(Array.from({ length: job.tasks }, task));
  };
  await run(0, job.warm_up);
  const started = performance.now();
  await run(job.warm_up, job.warm_up + job.ops);
  return { micros: ((performance.now() - started) * 1000) / job.ops };
}

const spread = (n) => Math.imul(n, 0x9e3779b1) >>> 0;

async function get(value, keys) {
  const cache = new SQLiteCacheStore({ database });
  for (let n = 0; n < keys; n++) await cache.set(`bench:${n}`, value, HOUR_S);
  return timed(async (n) => {
    if ((await cache.get(`bench:${spread(n) % keys}`)) === undefined) throw new Error('a miss');
  });
}

async function set(value, keys) {
  const cache = new SQLiteCacheStore({ database });
  return timed((n) => cache.set(`bench:${n % keys}`, value, HOUR_S));
}

async function acquire(Store) {
  const limits = new Store({ database, defaultConfig: { limit: job.limit, windowMs: HOUR_MS } });
  // Up to its limit each resource is used; one that is to be nearly full is filled first.
  if (job.filled > 0) {
    const insert = database.prepare('INSERT INTO rate_limits (resource, timestamp) VALUES (?, ?)');
    database.transaction(() => {
      for (let n = 0; n < job.filled; n++) insert.run('bench-0', Date.now());
    })();
  }
  return timed(async (n) => {
    const resource = `bench-${Math.floor(n / (job.limit - job.filled))}`;
    if (!(await limits.canProceed(resource, 'user'))) return;
    await limits.record(resource, 'user');
  });
}

async function complete() {
  const jobs = new SQLiteDedupeStore({ database });
  return timed(async (n) => {
    await jobs.register(`bench:${n}`);
    await jobs.complete(`bench:${n}`, text);
  });
}

/** Waits for a job of another process: is it ever woken? */
async function wait() {
  const jobs = new SQLiteDedupeStore({ database });
  while (!(await jobs.isInProgress('bench:wake'))) await sleep(1);
  const outcome = await Promise.race([jobs.waitFor('bench:wake'), sleep(job.millis, 'unheard')]);
  return { woken: outcome !== 'unheard' };
}

async function own() {
  const jobs = new SQLiteDedupeStore({ database });
  await jobs.register('bench:wake');
  await sleep(job.millis);
  await jobs.complete('bench:wake', text);
  return { woken: true };
}

/** Writes from many tasks until the time is over, beside another process that does the same. */
async function contend() {
  const cache = new SQLiteCacheStore({ database });
  const report = { writes: 0, locked: 0, longest_millis: 0 };
  await sleep(Math.max(0, job.begins_at - Date.now()));
  const ends = performance.now() + job.millis;
  const task = async (_, number) => {
    while (performance.now() < ends) {
      const asked = performance.now();
      try {
        await cache.set(`bench:${process.pid}-${number}-${report.writes}`, text, HOUR_S);
        report.writes++;
      } catch (error) {
        if (!String(error.code).startsWith('SQLITE_BUSY')) throw error;
        report.locked++;
      }
      report.longest_millis = Math.max(report.longest_millis, performance.now() - asked);
      // Lets the event loop turn, as any request would.
      await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: job.tasks }, task));
  return report;
}

/** Writes a file as an application of the package leaves it. */
async function seed() {
  const cache = new SQLiteCacheStore({ database });
  for (let n = 0; n < job.ops; n++) await cache.set(`seed:${n}`, text, HOUR_S);
  return { micros: 0 };
}

const page = () => JSON.parse(readFileSync(`${job.folder}/page.json`, 'utf8'));
const works = {
  get: () => get(text, 1_000),
  'get-tiered': () => get(text, 1_000),
  set: () => set(text, Infinity),
  'set-taken-over': () => set(text, Infinity),
  'get-page-value': () => get(page(), 20),
  'get-page-record': () => get(page(), 20),
  'get-page-bytes': () => get(page(), 20),
  'set-page-value': () => set(page(), 20),
  'set-page-record': () => set(page(), 20),
  'set-page-bytes': () => set(page(), 20),
  acquire: () => acquire(SQLiteRateLimitStore),
  'acquire-adaptive': () => acquire(SqliteAdaptiveRateLimitStore),
  complete,
  wait,
  own,
  contend,
  seed,
  versions: () => ({
    node: process.versions.node,
    sqlite: database.prepare('SELECT sqlite_version()').pluck().get(),
  }),
};

console.log(JSON.stringify(await works[job.work]()));
database.close();
// Timers of the stores would keep the process for minutes.
process.exit(0);
