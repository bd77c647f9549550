//! The kinds of workers, by which a process knows what it was started for.

use clap::ValueEnum;

/// A soak that has workers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    Window,
    Stores,
    DynamoDb,
    DynamoDbWindow,
    HttpCache,
}

impl Kind {
    /// As written on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
