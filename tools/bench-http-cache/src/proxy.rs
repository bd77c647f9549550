//! `proxy`: cached hits per second of http-cache-proxy beside nginx.

mod load;
mod origin;
mod programs;

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::corpus;
use crate::error::Error;
use crate::proxy::load::Load;
use crate::proxy::programs::Program;
use crate::run::folder;
use crate::statistics::median;

/// Count cached hits per second of http-cache-proxy and of nginx, in turns.
///
/// An origin on this machine serves the corpus; each program is asked for all of it once, and then for entries at
/// random, all of which it has stored. Client, origin and programs share the cores.
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

    /// Connections that are kept alive.
    #[arg(long, value_name = "N", default_value = "8")]
    connections: NonZeroUsize,

    /// How many entries are stored.
    #[arg(long, value_name = "N", default_value = "1000")]
    entries: NonZeroU64,

    /// Turns of each program.
    #[arg(long, value_name = "N", default_value = "5")]
    rounds: NonZeroUsize,

    /// The length of a turn.
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    seconds: NonZeroU64,
}

pub(crate) async fn run(args: &Args) -> Result<(), Error> {
    let entries = Arc::new(corpus::entries(args.entries.get())?);
    let folder = folder()?;
    let origin = origin::start(Arc::clone(&entries)).await?;
    let mut programs = vec![Program::proxy(&args.proxy, &args.arguments, &origin).await?];
    if let Some(nginx) = &args.nginx {
        programs.push(Program::nginx(nginx, folder.path(), &origin).await?);
    }
    let load = Load {
        entries,
        connections: args.connections.get(),
    };
    for program in &programs {
        load.fill(program).await?;
    }
    let fetched = origin.requests();
    let mut rates = vec![Vec::new(); programs.len()];
    for _ in 0..args.rounds.get() {
        for (program, rates) in programs.iter().zip(&mut rates) {
            let duration = Duration::from_secs(args.seconds.get());
            rates.push(load.hits_per_second(program, duration).await?);
        }
    }
    let missed = origin.requests() - fetched;
    println!(
        "{} connections, {} entries:\n",
        args.connections, args.entries
    );
    println!("| program | hits per second |\n|---|---|");
    for (program, rates) in programs.iter().zip(&rates) {
        println!(
            "| {} | {:.0} |",
            program.name,
            median(rates.iter().copied())
        );
    }
    if let [ours, nginx] = &rates[..] {
        let ratios = ours.iter().zip(nginx).map(|(ours, nginx)| ours / nginx);
        println!("\nThe ratio is {:.2}.", median(ratios));
    }
    if missed > 0 {
        println!("\n{missed} requests were not answered from what was stored.");
    }
    Ok(())
}
