//! The test command, as the README tells it to its readers.
//!
//! Reading it there keeps the promise true: the day it stops working, CI stops too.

use std::fs;

use crate::error::Error;
use crate::repository::Repository;

const README: &str = "README.md";

/// The arguments for cargo, with `--locked` added.
pub(crate) fn read(repository: &Repository) -> Result<Vec<String>, Error> {
    let readme =
        fs::read_to_string(repository.root().join(README)).map_err(Error::file("read", README))?;
    parse(&readme).ok_or(Error::NoTestCommand { path: README })
}

/// The first line of a code block that runs `cargo test`, split into words.
fn parse(readme: &str) -> Option<Vec<String>> {
    let mut in_block = false;
    for line in readme.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let command = line.trim().trim_start_matches("$ ");
        // A comment after the command is for the reader.
        let words = command.split_whitespace().take_while(|word| *word != "#");
        let mut words = words.map(str::to_owned);
        if in_block && command.starts_with("cargo test") && words.next().is_some() {
            let mut arguments: Vec<String> = words.collect();
            arguments.insert(1, "--locked".to_owned());
            return Some(arguments);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_taken_from_a_code_block() {
        let readme = "Use `cargo test`.\n\n```console\n$ cargo test --workspace  # minutes\n```\n";
        assert_eq!(parse(readme).unwrap(), ["test", "--locked", "--workspace"]);
    }

    #[test]
    fn prose_alone_is_no_command() {
        assert_eq!(parse("Run\ncargo test --workspace\nto test.\n"), None);
        assert_eq!(parse("```\ncargo build\n```\ncargo test\n"), None);
    }
}
