//! The committed inputs: `tests/fixtures/corpus/PARSER/NAME`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::parsers::PARSERS;

/// A unit test of the crate reads these.
const PRIVATE: [&str; 1] = ["header_list"];
/// Small enough to be read by people.
const MOST_BYTES: usize = 8 << 10;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// The inputs of a parser, with their names.
pub(crate) fn inputs(parser: &str) -> Vec<(String, Vec<u8>)> {
    let inputs = entries(&folder().join(parser)).into_iter().map(|path| {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, fs::read(&path).expect("an input"))
    });
    inputs.collect()
}

#[test]
fn no_parser_panics_on_the_corpus() {
    for parser in PARSERS {
        let inputs = inputs(parser.name);
        assert!(inputs.len() >= 5, "{}", parser.name);
        for (name, input) in inputs {
            assert!(input.len() <= MOST_BYTES, "{}/{name}", parser.name);
            (parser.parse)(&input);
            // Also if it is cut off.
            for len in 0..input.len().min(64) {
                (parser.parse)(&input[..len]);
            }
        }
    }
}

#[test]
fn every_folder_of_the_corpus_has_a_parser() {
    for folder in entries(&folder()) {
        let name = folder.file_name().expect("a name").to_string_lossy();
        let is_known = PARSERS.iter().any(|parser| parser.name == name);
        assert!(is_known || PRIVATE.contains(&&*name), "{name}");
    }
}
