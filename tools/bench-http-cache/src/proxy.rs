//! `proxy`: cached hits per second of http-cache-proxy beside nginx, and how long they take.

mod load;
mod origin;
mod programs;

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use crate::corpus::{self, Entry};
use crate::error::Error;
use crate::proxy::load::{Load, Turn};
use crate::proxy::programs::{Program, Setting};
use crate::run::folder;
use crate::statistics::{Figures, Samples, median};

/// Count cached hits per second of http-cache-proxy and of nginx, in turns.
///
/// An origin on this machine serves bodies of each size; each program is asked for all of them once, and then for
/// random ones, all of which it has stored. Client, origin and programs share the cores. The configurations are
/// beside the source: proxy/nginx.conf and proxy/http-cache-proxy.toml.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The program http-cache-proxy, built for release.
    #[arg(long, value_name = "FILE")]
    proxy: PathBuf,

    /// Arguments of the proxy that say where responses are kept, separated by blanks.
    #[arg(
        long = "proxy-args",
        value_name = "ARGS",
        default_value = "--memory 1GiB",
        allow_hyphen_values = true
    )]
    arguments: String,

    /// The program nginx; without it, the proxy alone is measured.
    #[arg(long, value_name = "FILE")]
    nginx: Option<PathBuf>,

    /// Lengths of bodies in KiB; 0 stands for the corpus, with lengths as those of an API.
    #[arg(long, value_name = "KIB", value_delimiter = ',', default_values_t = [1, 10, 100])]
    bodies: Vec<u64>,

    /// Connections that are kept alive.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values = ["8", "1000"])]
    connections: Vec<NonZeroUsize>,

    /// How many entries of each size are stored.
    #[arg(long, value_name = "N", default_value = "200")]
    entries: NonZeroU64,

    /// How often each program has two turns, in the order A B B A.
    #[arg(long, value_name = "N", default_value = "3")]
    rounds: NonZeroUsize,

    /// The length of a turn.
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    seconds: NonZeroU64,

    /// Threads of the proxy, and workers of nginx.
    #[arg(long, value_name = "N", default_value = "2")]
    workers: NonZeroUsize,

    /// Have both write a log with a line for each request.
    #[arg(long)]
    access_log: bool,
}

/// What one program did.
#[derive(Debug, Default)]
struct Side {
    rates: Vec<f64>,
    answers: Samples,
}

impl Side {
    fn add(&mut self, turn: Turn) {
        self.rates.push(turn.hits_per_second);
        self.answers.extend(turn.answers);
    }
}

/// What both did with bodies of a size, on so many connections.
struct Line {
    body: String,
    connections: NonZeroUsize,
    sides: Vec<(&'static str, f64, Figures)>,
    /// That of the first program to the second.
    ratio: Option<f64>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, rate, Figures { p50, p99, .. }) in &self.sides {
            let ratio = match self.ratio {
                Some(ratio) if *name != "nginx" => format!("{ratio:.2}"),
                _ => String::new(),
            };
            writeln!(
                f,
                "| {} | {} | {name} | {rate:.0} | {ratio} | {p50:.0} | {p99:.0} |",
                self.body, self.connections
            )?;
        }
        Ok(())
    }
}

pub(crate) async fn run(args: &Args) -> Result<(), Error> {
    let mut sizes = Vec::new();
    for kib in &args.bodies {
        let body = if *kib == 0 {
            "the corpus".to_owned()
        } else {
            format!("{kib} KiB")
        };
        sizes.push((body, entries(args, *kib)?));
    }
    let folder = folder()?;
    let all: Vec<_> = sizes.iter().flat_map(|(_, entries)| entries).collect();
    let origin = origin::start(&all).await?;
    let setting = Setting {
        folder: folder.path(),
        origin: &origin,
        workers: args.workers,
        has_access_log: args.access_log,
    };
    let mut programs = vec![setting.proxy(&args.proxy, &args.arguments).await?];
    if let Some(nginx) = &args.nginx {
        programs.push(setting.nginx(nginx).await?);
    }
    let mut lines = Vec::new();
    let mut missed = 0;
    for (body, entries) in &sizes {
        let load = Load::new(entries);
        for program in &programs {
            load.fill(program).await?;
        }
        let fetched = origin.requests();
        for connections in &args.connections {
            eprintln!("bodies of {body}, {connections} connections");
            let body = body.clone();
            lines.push(line(args, &load, &programs, body, *connections).await?);
        }
        missed += origin.requests() - fetched;
    }
    println!("| body | connections | program | hits per second | ratio | p50, µs | p99, µs |");
    println!("|---|---|---|---|---|---|---|");
    for line in lines {
        print!("{line}");
    }
    if missed > 0 {
        println!("\n{missed} requests were not answered from what was stored.");
    }
    Ok(())
}

fn entries(args: &Args, kib: u64) -> Result<Vec<Entry>, Error> {
    let entries = corpus::entries(args.entries.get())?;
    let len = usize::try_from(kib << 10).unwrap_or(usize::MAX);
    if len == 0 {
        return Ok(entries);
    }
    let resized = entries.into_iter().map(|entry| entry.with_body_of(len));
    resized.collect()
}

async fn line(
    args: &Args,
    load: &Load,
    programs: &[Program],
    body: String,
    connections: NonZeroUsize,
) -> Result<Line, Error> {
    let duration = Duration::from_secs(args.seconds.get());
    let mut sides: Vec<_> = programs.iter().map(|_| Side::default()).collect();
    for _ in 0..args.rounds.get() {
        // What drifts, such as the heat of the machine, is the same for both.
        let forth = 0..programs.len();
        for place in forth.clone().chain(forth.rev()) {
            if let (Some(program), Some(side)) = (programs.get(place), sides.get_mut(place)) {
                side.add(load.turn(program, connections.get(), duration).await?);
            }
        }
    }
    let ratio = match &sides[..] {
        [ours, nginx] => {
            let pairs = ours.rates.iter().zip(&nginx.rates);
            Some(median(pairs.map(|(ours, nginx)| ours / nginx)))
        }
        _ => None,
    };
    let sides = programs.iter().zip(sides).map(|(program, side)| {
        let rate = median(side.rates.into_iter());
        (program.name, rate, side.answers.figures())
    });
    Ok(Line {
        body,
        connections,
        sides: sides.collect(),
        ratio,
    })
}
