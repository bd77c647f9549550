//! `top`: what the cache is most and least of use for.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::{Args, ValueEnum};
use http_cache_db::sqlite::{PathMisses, PathSavings, Top, TopOrder, UrlValidations};
use http_cache_db::{Clock, SqliteStore, SystemClock};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;
use crate::output::{
    Entry, Reader, count, duration, entries, offer, paragraphs, percent, size, time,
};

use super::file::File;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// Moves to the upper left corner of a terminal, and clears it.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

#[derive(Args, Debug)]
pub(super) struct Options {
    /// By what the savings are sorted
    #[arg(long, value_name = "ORDER", default_value = "bytes")]
    by: By,
    /// At most so many rows of each kind
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: u32,
    /// Look again every two seconds, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// By the bytes that came from the cache
    Bytes,
    /// By the time that the origin would have taken
    Time,
    /// By the number of hits
    Hits,
}

impl From<By> for TopOrder {
    fn from(by: By) -> Self {
        match by {
            By::Bytes => Self::Bytes,
            By::Time => Self::Time,
            By::Hits => Self::Hits,
        }
    }
}

pub(super) async fn run(file: &File, options: &Options) -> Result<(), Error> {
    let store = file.look().await?;
    if options.watch {
        watch(file, &store, options).await?;
    } else {
        let top = look(file, &store, options).await?;
        file.print(|| text(&top), || json(&top))?;
    }
    file.close(store).await
}

/// Prints what is found again and again, until Ctrl-C, or until nobody reads it any more.
async fn watch(file: &File, store: &SqliteStore, options: &Options) -> Result<(), Error> {
    let clock = SystemClock::new();
    // Once, so that none is lost between two looks.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let before = if std::io::stdout().is_terminal() {
        CLEAR
    } else {
        ""
    };
    loop {
        let top = look(file, store, options).await?;
        let shown = file.rendered(|| text(&top), || json(&top));
        if offer(format!("{before}{shown}\n").as_bytes())? == Reader::Gone {
            return Ok(());
        }
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            () = clock.sleep(PAUSE) => {}
        }
    }
}

async fn look(file: &File, store: &SqliteStore, options: &Options) -> Result<Top, Error> {
    let top = store.top(options.by.into(), options.limit).await;
    top.map_err(|source| file.failed(source))
}

fn text(top: &Top) -> String {
    if top.savings.is_empty() && top.misses.is_empty() && top.validations.is_empty() {
        return "No requests were counted yet; a proxy writes its counts every five seconds."
            .to_owned();
    }
    let savings: Vec<_> = top.savings.iter().map(saving).collect();
    let misses: Vec<_> = top.misses.iter().map(miss).collect();
    let validations: Vec<_> = top.validations.iter().map(validation).collect();
    paragraphs([
        section(
            "What the cache saves most for",
            &["from the cache", "time saved", "hits", "hit rate", "path"],
            &savings,
            &[0, 1, 2, 3],
        ),
        section(
            "What never comes from the cache",
            &["requests", "path"],
            &misses,
            &[0],
        ),
        section(
            "What the origin confirms most often",
            &["confirmed", "last", "lifetime", "hits", "URL"],
            &validations,
            &[0, 2, 3],
        ),
    ])
}

/// A list under a title; nothing if it is empty.
fn section(title: &str, header: &[&str], found: &[Entry], numbers: &[usize]) -> String {
    if found.is_empty() {
        return String::new();
    }
    format!("{title}\n{}", entries(header, found, numbers))
}

fn saving(of: &PathSavings) -> Entry {
    let path = format!("{}{}", of.host, of.path);
    let (bytes, saved) = (size(of.uses.hit_bytes), duration(of.saved_time));
    let (hits, rate) = (count(of.uses.hits), percent(of.uses.hit_rate()));
    Entry {
        title: path.clone(),
        facts: vec![
            format!("{bytes} from the cache"),
            format!("{saved} saved"),
            format!("{hits} hits"),
            format!("hit rate {rate}"),
        ],
        cells: vec![bytes, saved, hits, rate, path],
    }
}

fn miss(of: &PathMisses) -> Entry {
    let path = format!("{}{}", of.host, of.path);
    let misses = count(of.misses);
    Entry {
        title: path.clone(),
        facts: vec![format!("{misses} requests")],
        cells: vec![misses, path],
    }
}

fn validation(of: &UrlValidations) -> Entry {
    let (times, last) = (count(of.validations), time(of.validated_at));
    let (lifetime, hits) = (duration(of.lifetime), count(of.hits));
    Entry {
        title: of.url.clone(),
        facts: vec![
            format!("confirmed {times} times"),
            format!("last {last}"),
            format!("fresh for {lifetime}"),
            format!("{hits} hits"),
        ],
        cells: vec![times, last, lifetime, hits, of.url.clone()],
    }
}

fn json(top: &Top) -> Value {
    let savings = top.savings.iter().map(|of| {
        json!({
            "host": of.host, "path": of.path, "hits": of.uses.hits, "misses": of.uses.misses,
            "hit_rate": of.uses.hit_rate(), "hit_bytes": of.uses.hit_bytes,
            "saved_seconds": of.saved_time.as_secs_f64(),
        })
    });
    let misses = top.misses.iter();
    let misses = misses.map(|of| json!({"host": of.host, "path": of.path, "misses": of.misses}));
    let validations = top.validations.iter().map(|of| {
        json!({
            "url": of.url, "validations": of.validations, "hits": of.hits,
            "lifetime_seconds": of.lifetime.as_secs(),
            "validated_at": of.validated_at.to_string(),
        })
    });
    json!({
        "savings": savings.collect::<Value>(),
        "misses": misses.collect::<Value>(),
        "validations": validations.collect::<Value>(),
    })
}
