//! `comicvine man`: manual pages.

use clap::{Args, Command};
use clap_mangen::Man as Page;

use crate::error::Error;
use crate::names::{did_you_mean, nearest};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  comicvine man > ~/.local/share/man/man1/comicvine.1
  comicvine man get > ~/.local/share/man/man1/comicvine-get.1
  comicvine man cache list | man -l -";

/// Print a manual page, of the program or of one of its commands.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// The command, such as `get` or `cache list`.
    command: Vec<String>,
}

pub(crate) fn run(man: &Man, mut command: Command) -> Result<(), Error> {
    command.build();
    let mut found = &command;
    for name in &man.command {
        found = found
            .find_subcommand(name)
            .ok_or_else(|| unknown(found, name))?;
    }
    let mut page = Vec::new();
    let source = concat!("comicvine ", env!("CARGO_PKG_VERSION"));
    Page::new(found.clone()).source(source).render(&mut page)?;
    Ok(output::print_text(&String::from_utf8_lossy(&page))?)
}

fn unknown(command: &Command, name: &str) -> Error {
    let names = || command.get_subcommands().map(Command::get_name);
    let remedy = match nearest(name, names()) {
        Some(name) => did_you_mean(name),
        None => format!(
            "`{} --help` lists the commands",
            command.get_bin_name().unwrap_or("comicvine")
        ),
    };
    Error::usage(format!("there is no command `{name}`; {remedy}"))
}
