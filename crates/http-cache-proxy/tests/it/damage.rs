//! A file that is damaged, removed or replaced while the proxy runs on it: the origin answers until there is a new one.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::origin::{Origin, response};
use crate::running::Proxy;

/// As many targets as fill a few hundred pages.
const TARGETS: u64 = 100;

/// What is done to the file at this path.
type Damage = fn(&Path);

fn cut_off(path: &Path) {
    cut(path, |_| 0);
}

fn cut(path: &Path, len: impl FnOnce(u64) -> u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(len(file.metadata().unwrap().len())).unwrap();
}

fn garble(path: &Path) {
    let bytes = fs::read(path).unwrap();
    let garbage = bytes.iter().map(|byte| byte.wrapping_mul(31) ^ 7);
    fs::write(path, garbage.collect::<Vec<_>>()).unwrap();
}

/// A body that is another for each target.
fn body(number: u64) -> String {
    let mut state = number;
    let letter = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + (state >> 60) as u8)
    };
    (0..10_000).map(letter).collect()
}

struct Fixture {
    folder: TempDir,
    origin: Origin,
    proxy: Proxy,
}

impl Fixture {
    /// A proxy on a file that has a response of each target: in the file itself if the proxy was started again.
    fn filled(is_started_again: bool) -> Self {
        let origin = Origin::start(|head| {
            let number = head.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
            let fields = ["Cache-Control: max-age=3600", "Content-Type: text/plain"];
            response("200 OK", &fields, &body(number))
        });
        let folder = tempfile::tempdir().unwrap();
        let start = || Proxy::on_file(&origin.url(), &folder.path().join("cache.db"), &[]);
        let mut proxy = start();
        hits(&proxy);
        if is_started_again {
            proxy.stop();
            proxy = start();
        }
        assert_eq!(hits(&proxy), TARGETS);
        Self {
            folder,
            origin,
            proxy,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The files that were set aside.
    fn aside(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.contains("damaged")).collect();
        names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
        names
    }
}

/// Asks for every target, and compares its body. Yields how many were hits.
fn hits(proxy: &Proxy) -> u64 {
    let is_hit = |number: &u64| {
        let answer = proxy.get(&format!("/{number}"));
        assert_eq!(answer.status(), 200, "{}", answer.head);
        assert!(answer.body == body(*number), "{}", answer.head);
        answer.cache_status().starts_with("hit")
    };
    (0..TARGETS).filter(is_hit).count() as u64
}

/// Asks until this is so.
fn until(is_so: impl Fn() -> bool) {
    assert!((0..200).any(|_| is_so()), "not within 200 rounds");
}

/// Damages a file of a running proxy: it is set aside once, and all targets are stored again.
fn is_set_aside(name: &str, damage: Damage, is_started_again: bool) {
    let it = Fixture::filled(is_started_again);
    damage(&it.file(name));
    until(|| hits(&it.proxy) == TARGETS && !it.aside().is_empty());
    assert_eq!(it.aside(), ["cache.db.damaged-1"]);
    let (status, _, errors) = it.proxy.stop();
    assert_eq!(status, Some(0), "{errors}");
    assert_eq!(errors.matches("a new one is begun").count(), 1, "{errors}");
}

#[test]
fn a_file_that_is_cut_off_makes_way_for_a_new_one() {
    for is_started_again in [false, true] {
        is_set_aside("cache.db", cut_off, is_started_again);
        is_set_aside("cache.db", |path| cut(path, |_| 4_096), is_started_again);
        is_set_aside(
            "cache.db",
            |path| cut(path, |len| len / 2),
            is_started_again,
        );
    }
}

#[test]
fn a_file_that_is_overwritten_makes_way_for_a_new_one() {
    for is_started_again in [false, true] {
        is_set_aside("cache.db", garble, is_started_again);
        let shorten: Damage = |path| fs::write(path, "garbage").unwrap();
        is_set_aside("cache.db", shorten, is_started_again);
    }
}

#[test]
fn a_log_that_is_damaged_makes_way_with_its_file() {
    is_set_aside("cache.db-wal", cut_off, false);
    is_set_aside("cache.db-wal", garble, false);
}

#[test]
fn of_two_proxies_one_sets_the_file_aside() {
    let it = Fixture::filled(true);
    let other = Proxy::on_file(&it.origin.url(), &it.file("cache.db"), &[]);
    assert_eq!(hits(&other), TARGETS);
    cut_off(&it.file("cache.db"));
    until(|| [&it.proxy, &other].map(hits) == [TARGETS; 2] && !it.aside().is_empty());
    assert_eq!(it.aside(), ["cache.db.damaged-1"]);
    let asked = it.origin.requests().len();
    it.proxy.send("POST", "/0", &["Content-Length: 0"]);
    it.proxy.get("/0");
    assert!(other.get("/0").cache_status().starts_with("hit"));
    assert_eq!(it.origin.requests().len(), asked + 2);
}

#[test]
fn a_file_that_is_removed_is_begun_anew() {
    for is_started_again in [false, true] {
        let it = Fixture::filled(is_started_again);
        fs::remove_file(it.file("cache.db")).unwrap();
        until(|| hits(&it.proxy) == TARGETS && it.file("cache.db").exists());
        assert!(it.aside().is_empty());
        assert_eq!(it.proxy.stop().0, Some(0));
    }
}

#[test]
fn a_file_of_somebody_in_its_place_is_left_as_it_is() {
    let it = Fixture::filled(false);
    let notes = "notes\n".repeat(10_000);
    fs::write(it.file("notes"), &notes).unwrap();
    fs::rename(it.file("notes"), it.file("cache.db")).unwrap();
    until(|| hits(&it.proxy) == 0);
    for _ in 0..3 {
        hits(&it.proxy);
    }
    let file = it.file("cache.db");
    let (_, _, errors) = it.proxy.stop();
    assert!(errors.contains("the origin answers instead"), "{errors}");
    assert!(fs::read_to_string(file).unwrap() == notes);
}
