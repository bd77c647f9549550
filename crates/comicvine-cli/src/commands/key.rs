//! `comicvine key`: the API key in the platform's keyring.

use std::io::{self, BufRead, Read};

use clap::{Args, Subcommand};
use tokio::task::spawn_blocking;

use crate::error::Error;
use crate::output;
use crate::platform_keyring::Keyring;

const EXAMPLES: &str = "\
Examples:
  comicvine key set < key.txt
  comicvine key delete";

/// No key is longer, in bytes.
const MAX_BYTES: u64 = 1024;

/// Keep the API key in the platform's keyring, which commands use if neither the environment nor a file has one.
///
/// The keyring is Keychain, Credential Manager or the Secret Service. Needs a build with the feature `keyring`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Key {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Action {
    /// Keep the key that standard input has on its first line: arguments show in the list of processes.
    Set,
    /// Remove the key.
    Delete,
}

pub(crate) async fn run(key: &Key) -> Result<(), Error> {
    let action = key.action;
    // A keyring may ask the user for a password, and blocks until then.
    let done = spawn_blocking(move || act(action)).await;
    done.map_err(Error::failed)?
}

fn act(action: Action) -> Result<(), Error> {
    let keyring = Keyring::open()?;
    let done = match action {
        Action::Set => {
            keyring.set(&read_line()?)?;
            "the key is in the keyring"
        }
        Action::Delete if keyring.delete()? => "the key is removed from the keyring",
        Action::Delete => "there was no key in the keyring",
    };
    Ok(output::print_line(done)?)
}

/// The first line of standard input; typed in a terminal, it is not shown.
fn read_line() -> Result<String, Error> {
    let input = io::stdin().lock();
    #[cfg(feature = "keyring")]
    if io::IsTerminal::is_terminal(&input) {
        drop(input);
        return Ok(rpassword::prompt_password(
            "Paste the key and press Enter: ",
        )?);
    }
    let mut line = String::new();
    input.take(MAX_BYTES).read_line(&mut line)?;
    Ok(line)
}
