//! The commands that the README gives to its readers.
//!
//! Running these very commands keeps the promise true: the day one stops working, CI stops too.

use std::fs;

use crate::error::Error;
use crate::markdown;
use crate::repository::Repository;

const README: &str = "README.md";

/// The arguments for cargo of the first command in a code block that begins like this, with
/// `--locked` added.
pub(crate) fn command(repository: &Repository, begin: &'static str) -> Result<Vec<String>, Error> {
    let readme =
        fs::read_to_string(repository.root().join(README)).map_err(Error::file("read", README))?;
    parse(&readme, begin).ok_or(Error::NoCommand {
        path: README,
        begin,
    })
}

/// The first line of a code block that begins like this, split into words.
fn parse(readme: &str, begin: &str) -> Option<Vec<String>> {
    let mut code = markdown::lines(readme).filter(|line| line.fence.is_some());
    let command = code.find_map(|line| {
        let command = line.text.trim().trim_start_matches("$ ");
        command.starts_with(begin).then_some(command)
    })?;
    // A comment after the command is for the reader.
    let words = command.split_whitespace().take_while(|word| *word != "#");
    let mut arguments: Vec<String> = words.skip(1).map(str::to_owned).collect();
    arguments.insert(1.min(arguments.len()), "--locked".to_owned());
    Some(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: &str = "cargo test";

    #[test]
    fn the_command_is_taken_from_a_code_block() {
        let readme = "Use `cargo test`.\n\n```console\n$ cargo test --workspace  # minutes\n```\n";
        let expected = ["test", "--locked", "--workspace"];
        assert_eq!(parse(readme, TEST).unwrap(), expected);
    }

    #[test]
    fn the_first_command_of_its_kind_is_taken() {
        let readme = "```sh\ncargo test\ncargo run -p a\ncargo run -p b\n```\n";
        let expected = ["run", "--locked", "-p", "a"];
        assert_eq!(parse(readme, "cargo run").unwrap(), expected);
    }

    #[test]
    fn prose_alone_is_no_command() {
        assert_eq!(parse("Run\ncargo test --workspace\nto test.\n", TEST), None);
        assert_eq!(parse("```\ncargo build\n```\ncargo test\n", TEST), None);
    }
}
