//! The columns of a table and of CSV.

/// The columns of a table and of CSV, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns(Vec<Column>);

/// A column: a field under one name, which responses may spell in several ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    name: String,
    other_spellings: Vec<String>,
}

impl Columns {
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self(columns.into_iter().collect())
    }

    /// The columns of fields that have one spelling.
    pub(crate) fn named<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter();
        Self::new(names.map(|name| Column::new(name.as_ref(), [])))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Column> {
        self.0.iter()
    }
}

impl Column {
    pub(crate) fn new<'a>(name: &str, other_spellings: impl IntoIterator<Item = &'a str>) -> Self {
        let others = other_spellings.into_iter();
        Self {
            name: name.to_owned(),
            other_spellings: others.map(str::to_owned).collect(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Every spelling of the field, its name first.
    pub(crate) fn spellings(&self) -> impl Iterator<Item = &str> {
        let others = self.other_spellings.iter().map(String::as_str);
        std::iter::once(self.name()).chain(others)
    }

    /// The first value that `get` finds under one of the spellings.
    pub(super) fn find<T>(&self, get: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.spellings().find_map(get)
    }
}
