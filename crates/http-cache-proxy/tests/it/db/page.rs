//! The examples of docs/http-cache.md, run.

use std::fs;
use std::path::Path;

use super::{Filled, attempt, json};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/http-cache.md");
    fs::read_to_string(path).unwrap()
}

/// The contents of the fences of a language.
fn fences(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let fences = page.split(&opening).skip(1);
    fences
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// The words of a line up to a comment or redirection; a word in single quotes may have spaces.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    let words = quoted.flat_map(|(index, part)| {
        if index % 2 == 1 {
            return vec![part.to_owned()];
        }
        part.split_whitespace().map(str::to_owned).collect()
    });
    words
        .take_while(|word| word != "#" && word != ">")
        .collect()
}

// covers("C19")
#[test]
fn the_queries_of_the_page_have_answers() {
    let filled = Filled::at_rest();
    let page = page();
    let queries = fences(&page, "sql");
    attempt(&filled.file, &["gc"]);
    assert!(queries.len() >= 7, "{queries:?}");
    for query in queries {
        let rows = json(&filled.file, &["query", &query]);
        assert!(!rows.as_array().unwrap().is_empty(), "{query}");
    }
}

#[test]
fn the_commands_of_the_page_work() {
    let filled = Filled::at_rest();
    let page = page();
    let lines = fences(&page, "sh").concat();
    let commands = lines
        .lines()
        .filter_map(|line| line.strip_prefix("http-cache-proxy db "));
    let mut run = 0;
    for command in commands {
        let words = words(command);
        let words = words
            .iter()
            .map(|word| match word.strip_prefix("https://example.org") {
                Some(path) => filled.url(path),
                None => word.clone(),
            });
        let words: Vec<_> = words
            .filter(|word| word != "--db" && word != "cache.db")
            .collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let printed = attempt(&filled.file, &words);
        assert_eq!(printed.status, Some(0), "{command}: {}", printed.errors);
        run += 1;
    }
    assert!(run >= 15, "{run}");
}
