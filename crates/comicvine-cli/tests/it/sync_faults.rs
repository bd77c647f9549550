//! Syncs of what the API sends when it is not well: text that is damaged, totals and dates that are wrong,
//! resources that never come.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use store_conformance::child_process::RunResult;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Home, run};

const OUT: &str = "out.jsonl";

/// A server of powers, each given as the text of its row, which is the resource as well.
#[derive(Clone)]
struct Server {
    base_url: String,
    powers: Arc<Mutex<Powers>>,
}

#[derive(Default)]
struct Powers {
    rows: BTreeMap<u64, String>,
    /// The total that lists tell, if it is not the number of rows.
    total: Option<String>,
    /// What is answered in place of the resource.
    broken: Vec<u64>,
    requests: Vec<String>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/api/", listener.local_addr().unwrap());
        let powers = Arc::new(Mutex::new(Powers::default()));
        let served = Arc::clone(&powers);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer_all(connection, Arc::clone(&served)));
            }
        });
        Self { base_url, powers }
    }

    fn change(&self, change: impl FnOnce(&mut Powers)) {
        change(&mut self.powers.lock().unwrap());
    }

    fn put(&self, id: u64, date: &str, more: &str) {
        let row = format!(r#"{{"id":{id},"date_last_updated":"{date}"{more}}}"#);
        self.change(|powers| drop(powers.rows.insert(id, row)));
    }

    /// The requests for resources since the last call.
    fn details(&self) -> Vec<String> {
        let requests = std::mem::take(&mut self.powers.lock().unwrap().requests);
        let details = requests.into_iter();
        details.filter(|path| path.contains("/power/")).collect()
    }

    async fn sync(&self, home: &Home, more: &[&str]) -> RunResult {
        let sync = ["sync", "powers", "--spacing", "0s", "--out", OUT];
        let mut program = home.program([&sync[..], more].concat());
        program
            .env("COMIC_VINE_BASE_URL", &self.base_url)
            .env("COMIC_VINE_DB_PATH", home.path("comics.db"));
        run(&mut program).await
    }
}

async fn answer_all(mut connection: TcpStream, powers: Arc<Mutex<Powers>>) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match connection.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let body = powers
            .lock()
            .unwrap()
            .answer(head.split(' ').nth(1).unwrap());
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl Powers {
    fn answer(&mut self, target: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.requests.push(path.to_owned());
        if let Some((_, id)) = path.split_once("/power/4035-") {
            let id: u64 = id.trim_end_matches('/').parse().unwrap();
            let row = match self.rows.get(&id) {
                Some(row) if !self.broken.contains(&id) => row.as_str(),
                _ => r#""no object""#,
            };
            return envelope(row, 1, "1");
        }
        let parameter = |name: &str| {
            let all = query.split('&').filter_map(|pair| pair.split_once('='));
            all.filter(|(known, _)| *known == name)
                .map(|(_, value)| value.to_owned())
                .next()
        };
        let offset: usize = parameter("offset").map_or(0, |text| text.parse().unwrap());
        let range = parameter("filter")
            .unwrap_or_default()
            .replace("%3A", ":")
            .replace("%7C", "|");
        let range = range.replace(['+', '%'], " ");
        let mut rows: Vec<_> = self
            .rows
            .values()
            .filter(|row| is_within(row, &range))
            .collect();
        rows.sort_by_key(|row| date_of(row).to_owned());
        let page: Vec<_> = rows
            .iter()
            .skip(offset)
            .take(100)
            .map(|row| row.as_str())
            .collect();
        let total = self.total.clone().unwrap_or_else(|| rows.len().to_string());
        envelope(&format!("[{}]", page.join(",")), page.len(), &total)
    }
}

fn envelope(results: &str, rows: usize, total: &str) -> String {
    format!(
        r#"{{"error":"OK","limit":100,"offset":0,"number_of_page_results":{rows},"number_of_total_results":{total},"status_code":1,"results":{results},"version":"1.0"}}"#
    )
}

fn date_of(row: &str) -> &str {
    let (_, rest) = row.split_once(r#""date_last_updated":""#).unwrap();
    rest.split('"').next().unwrap()
}

/// Whether the row matches a filter by ids, or the day of the row one by dates, if there is one.
fn is_within(row: &str, filter: &str) -> bool {
    if let Some((_, ids)) = filter.split_once("id:") {
        return ids
            .split('|')
            .any(|id| row.starts_with(&format!(r#"{{"id":{id},"#)));
    }
    let Some((_, range)) = filter.split_once("date_last_updated:") else {
        return true;
    };
    let (from, until) = range.split_once('|').unwrap();
    let day = |text: &str| text.chars().take(10).collect::<String>();
    (day(from)..=day(until)).contains(&day(date_of(row)))
}

/// The ids in the file, in the order of their lines.
fn ids(home: &Home) -> Vec<u64> {
    let text = std::fs::read_to_string(home.path(OUT)).unwrap();
    let id = |line: &str| {
        let (_, rest) = line.split_once(r#""id":"#).unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    };
    text.lines().map(id).collect()
}

#[tokio::test]
async fn half_a_character_hides_no_resource() {
    let (home, server) = (Home::new(), Server::start().await);
    server.put(1, "2020-01-01 00:00:00", "");
    server.put(2, "2020-01-02 00:00:00", r#","na\ud83dme":1"#);
    server.put(3, r"2020-01-03\ud83d 00:00:00", "");
    for _ in 0..2 {
        let ran = server.sync(&home, &["--all"]).await;
        ran.printed();
        assert!(ran.stderr.contains("halves of characters"), "{ran:?}");
        assert_eq!(ids(&home), [1, 2, 3]);
    }
    server.put(2, "2020-01-09 00:00:00", r#","na\ud83dme":2"#);
    server
        .sync(&home, &["--ids", "1,2,3"])
        .await
        .assert_failed(2, &["--out"]);
    server.sync(&home, &["--all"]).await.printed();
    assert_eq!(ids(&home), [1, 2, 3, 2]);
}

#[tokio::test]
async fn rows_without_an_id_are_told() {
    let (home, server) = (Home::new(), Server::start().await);
    server.put(1, "2020-01-01 00:00:00", "");
    server.change(|powers| {
        let row = r#"{"id":null,"date_last_updated":"2020-01-02 00:00:00"}"#;
        powers.rows.insert(2, row.to_owned());
    });
    let ran = server.sync(&home, &["--all"]).await;
    ran.printed();
    let said = "rows of powers without an id, which are left out: 1";
    assert!(ran.stderr.contains(said), "{ran:?}");
    assert_eq!(ids(&home), [1]);
}

#[tokio::test]
async fn what_never_comes_keeps_nothing_else_from_being_fetched() {
    for by_ids in [false, true] {
        let (home, server) = (Home::new(), Server::start().await);
        let arguments: &[&str] = if by_ids {
            &["--ids", "1,2,3,4,5,6"]
        } else {
            &["--all"]
        };
        for id in 1..=6 {
            server.put(id, &format!("2020-01-0{id} 00:00:00"), "");
        }
        server.change(|powers| powers.broken = vec![1, 2, 3]);
        let ran = server.sync(&home, arguments).await;
        ran.assert_failed(1, &["give the same command again"]);
        assert_eq!(server.details().len(), 3);
        let ran = server.sync(&home, arguments).await;
        ran.assert_failed(1, &["could not be fetched: 3"]);
        assert_eq!(ids(&home), [4, 5, 6]);
        server.change(|powers| powers.broken.clear());
        server.sync(&home, arguments).await.printed();
        assert_eq!(ids(&home), [4, 5, 6, 1, 2, 3]);
    }
}

#[tokio::test]
async fn wrong_total_ends_no_sync_early() {
    for total in ["0", r#""2\ud83d3""#] {
        let (home, server) = (Home::new(), Server::start().await);
        // Fewer than the budget of an hour.
        for id in 1..=120 {
            let date = format!("2020-01-01 {:02}:{:02}:00", id / 60, id % 60);
            server.put(id, &date, "");
        }
        server.change(|powers| powers.total = Some(total.to_owned()));
        server.sync(&home, &["--all"]).await.printed();
        let mut found = ids(&home);
        found.sort_unstable();
        assert_eq!(found, (1..=120).collect::<Vec<_>>(), "{total}");
    }
}

#[tokio::test]
async fn date_in_the_far_future_hides_no_later_update() {
    let (home, server) = (Home::new(), Server::start().await);
    server.put(1, "2100-01-01 00:00:00", "");
    server.put(2, "2020-01-01 00:00:00", "");
    server.sync(&home, &["--all"]).await.printed();
    server.put(3, "2020-01-02 00:00:00", "");
    server.sync(&home, &["--all"]).await.printed();
    assert_eq!(ids(&home), [2, 1, 3]);
}
