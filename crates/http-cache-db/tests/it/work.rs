//! The work of a parser grows with its input, and not with the square of it.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::corpus::inputs;
use crate::parsers::{PARSERS, Parser};

/// What memory for an input of another length may take. Quadratic work on such inputs takes much longer.
const SLACK: Duration = Duration::from_millis(1);
/// A busy machine slows some rounds down, and hardly all of them.
const ROUNDS: usize = 8;

/// The time that this thread had a processor so far: others that wait for one do not count.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("a time that has passed")
}

/// The least time of several calls.
fn least(parser: Parser, input: &[u8], calls: usize) -> Duration {
    let times = (0..calls).map(|_| {
        let before = worked();
        (parser.parse)(input);
        worked().saturating_sub(before)
    });
    times.min().unwrap_or_default()
}

fn repeated(unit: &[u8], len: usize) -> Vec<u8> {
    unit.iter().copied().cycle().take(len).collect()
}

/// Twice the input takes at most three times as long, and four times the input eight times.
fn is_linear(parser: Parser, unit: &[u8], rounds: usize) -> bool {
    let sizes = [1, 2, 4].map(|times| repeated(unit, parser.base_bytes * times));
    (1..=rounds).any(|calls| {
        let [one, two, four] = [0, 1, 2].map(|size: usize| least(parser, &sizes[size], calls));
        two <= one * 3 + SLACK && four <= one * 8 + SLACK
    })
}

#[test]
fn the_work_of_every_parser_is_linear() {
    let mut slow = Vec::new();
    for parser in PARSERS {
        let units = inputs(parser.name);
        for (name, unit) in units.iter().filter(|(_, unit)| !unit.is_empty()) {
            if !is_linear(parser, unit, ROUNDS) {
                slow.push(format!("{}/{name}", parser.name));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}

#[test]
fn work_that_is_not_linear_is_noticed() {
    // So much more that no noise hides it.
    let cubic = Parser {
        name: "cubic",
        parse: |bytes| {
            let steps = bytes.len() >> 10;
            for first in 0..steps {
                for second in 0..steps {
                    for third in 0..steps {
                        black_box((first, second, third));
                    }
                }
            }
        },
        base_bytes: 64 << 10,
    };
    assert!(!is_linear(cubic, b"a", 3));
}
