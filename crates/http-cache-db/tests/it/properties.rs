//! No bytes make a parser panic.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::corpus::inputs;
use crate::parsers::PARSERS;

/// Pieces of what parsers look for.
const PIECES: [&str; 24] = [
    "=",
    ",",
    ";",
    "\"",
    "\\",
    "(",
    ")",
    "%",
    ":",
    "@",
    "/",
    "?",
    "&",
    "-",
    "*",
    " ",
    "\t",
    "[",
    "{",
    "bytes=",
    "max-age",
    "http://",
    "18446744073709551616",
    "key",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        vec(any::<u8>(), 1..4),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// An input of the corpus with some bytes changed.
fn changed() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let parser = 0..PARSERS.len();
    parser.prop_flat_map(|parser| {
        let inputs = inputs(PARSERS[parser].name);
        let input = proptest::sample::select(inputs);
        (
            input,
            vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        )
            .prop_map(move |((_, mut input), changes)| {
                for (at, byte) in changes {
                    if !input.is_empty() {
                        let at = at.index(input.len());
                        input[at] = byte;
                    }
                }
                (parser, input)
            })
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_not(bytes in text()) {
        for parser in PARSERS {
            (parser.parse)(&bytes);
        }
    }

    #[test]
    fn a_changed_input_of_the_corpus_is_read_or_not((parser, input) in changed()) {
        (PARSERS[parser].parse)(&input);
    }
}
