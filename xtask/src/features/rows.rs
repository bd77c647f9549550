//! The feature rows: what the project is to do, as data.

use serde::Deserialize;

use crate::error::Error;

const PATH: &str = "xtask/src/features/rows.toml";
const ROWS: &str = include_str!("rows.toml");

/// Rows that belong together, in the order of the page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) heading: String,
    pub(crate) rows: Vec<Row>,
}

/// One thing to do, or one mistake not to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// A letter for the group and a number: `F4`.
    pub(crate) id: String,
    /// A title of a few words.
    pub(crate) what: String,
    /// Why this project does it another way; absent if it does not.
    pub(crate) different: Option<String>,
}

#[derive(Deserialize)]
struct File {
    group: Vec<Group>,
}

impl Group {
    pub(crate) fn has(&self, id: &str) -> bool {
        self.rows.iter().any(|row| row.id == id)
    }
}

pub(crate) fn read() -> Result<Vec<Group>, Error> {
    let file: File = toml::from_str(ROWS).map_err(|source| Error::Toml { path: PATH, source })?;
    Ok(file.group)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every letter with the number of its rows.
    const COUNTS: [(char, usize); 8] = [
        ('A', 27),
        ('B', 25),
        ('C', 24),
        ('D', 20),
        ('E', 11),
        ('F', 65),
        ('M', 4),
        ('T', 23),
    ];

    #[test]
    fn every_row_is_there_once() {
        let groups = read().unwrap();
        let mut ids: Vec<&str> = groups
            .iter()
            .flat_map(|group| group.rows.iter().map(|row| row.id.as_str()))
            .collect();
        let mut expected: Vec<String> = COUNTS
            .iter()
            .flat_map(|(letter, count)| (1..=*count).map(move |n| format!("{letter}{n}")))
            .collect();
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected);
    }

    #[test]
    fn every_row_has_a_short_title_and_a_reason_if_it_is_different() {
        for row in read().unwrap().iter().flat_map(|group| &group.rows) {
            assert!((5..=110).contains(&row.what.len()), "{row:?}");
            assert!(
                row.different.as_ref().is_none_or(|why| why.len() >= 10),
                "{row:?}"
            );
        }
    }
}
