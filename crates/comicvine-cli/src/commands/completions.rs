//! `comicvine completions`: the script with which a shell completes commands.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::error::Error;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  comicvine completions bash > ~/.local/share/bash-completion/completions/comicvine
  comicvine completions zsh > ~/.zfunc/_comicvine
  comicvine completions fish > ~/.config/fish/completions/comicvine.fish";

/// Print the script with which a shell completes commands, options and kinds.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(completions: &Completions, mut command: Command) -> Result<(), Error> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    generate(completions.shell, &mut command, name, &mut script);
    Ok(output::print_text(&String::from_utf8_lossy(&script))?)
}
