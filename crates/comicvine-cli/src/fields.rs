//! `--fields`: a selection of fields, checked against the kinds that may be in the answer.

use comicvine_client::{Field, Fields, ResourceKind};

use crate::error::Error;
use crate::names::{did_you_mean, nearest};
use crate::output::{Column, Columns};

/// Where the fields of a selection have to occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In resources of one kind.
    Kind(ResourceKind),
    /// In results of a search.
    Search,
}

/// A selection of fields. A field is selected under every name it is known by: documentation and responses
/// differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) fields: Fields,
    pub(crate) columns: Columns,
}

impl Selection {
    /// The fields that `text` names, separated by commas.
    pub(crate) fn parse(text: &str, source: Source) -> Result<Self, Error> {
        // Checks the form of each name.
        let _: Fields = text.parse()?;
        let names = text.split(',').map(str::trim);
        let columns: Result<Vec<_>, _> = names.map(|name| source.column(name)).collect();
        let columns = columns?;
        let spellings = columns.iter().flat_map(Column::spellings);
        Ok(Self {
            fields: Fields::new(spellings)?,
            columns: Columns::new(columns),
        })
    }
}

impl Source {
    fn kinds(self) -> Vec<ResourceKind> {
        match self {
            Self::Kind(kind) => vec![kind],
            Self::Search => ResourceKind::SEARCHABLE.to_vec(),
        }
    }

    fn column(self, name: &str) -> Result<Column, Error> {
        let kinds = self.kinds();
        let found: Vec<&Field> = kinds.iter().filter_map(|kind| kind.field(name)).collect();
        if found.is_empty() {
            return Err(self.unknown(name));
        }
        let spellings = found.iter().flat_map(|field| spellings(field));
        let mut others: Vec<_> = spellings.filter(|spelling| *spelling != name).collect();
        others.sort_unstable();
        others.dedup();
        Ok(Column::new(name, others))
    }

    fn unknown(self, name: &str) -> Error {
        let kinds = self.kinds();
        let fields = || kinds.iter().flat_map(|kind| kind.fields());
        let whose = match self {
            Self::Kind(kind) => kind.list_path(),
            Self::Search => "results of a search",
        };
        let nearest = nearest(name, fields().flat_map(spellings));
        let remedy = nearest.map_or_else(
            || {
                let mut names: Vec<_> = fields().map(Field::name).collect();
                names.sort_unstable();
                names.dedup();
                format!("their fields are {}", names.join(", "))
            },
            did_you_mean,
        );
        Error::usage(format!("{whose} have no field `{name}`; {remedy}"))
    }
}

fn spellings(field: &Field) -> impl Iterator<Item = &'static str> + use<> {
    std::iter::once(field.name()).chain(field.aliases().iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str, source: Source) -> String {
        let error = Selection::parse(text, source).unwrap_err();
        error.message().unwrap()
    }

    #[test]
    fn unknown_field_is_refused_with_the_nearest_one() {
        let issues = Source::Kind(ResourceKind::Issue);
        for (text, part) in [
            (
                "cover",
                "issues have no field `cover`; did you mean `cover_date`?",
            ),
            (
                "id,issue_numer",
                "`issue_numer`; did you mean `issue_number`?",
            ),
            ("person_credit", "did you mean `person_credits`?"),
            ("zzz", "their fields are aliases, api_detail_url,"),
            ("id,", "not the name of a field"),
        ] {
            let message = message(text, issues);
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn search_has_the_fields_of_every_kind_that_is_searched() {
        let names = "resource_type,id,start_year,cover_date,real_name,birth";
        let selection = Selection::parse(names, Source::Search).unwrap();
        assert_eq!(selection.columns, Columns::named(names.split(',')));
        let message = message("runtime", Source::Search);
        assert!(
            message.contains("results of a search have no field"),
            "{message}"
        );
    }

    #[test]
    fn field_is_selected_under_every_name_in_the_order_that_was_asked_for() {
        let source = Source::Kind(ResourceKind::Volume);
        let selection = Selection::parse("name, character_credits", source).unwrap();
        assert_eq!(
            selection.fields.to_string(),
            "character_credits,characters,name"
        );
        let credits = Column::new("character_credits", ["characters"]);
        assert_eq!(
            selection.columns,
            Columns::new([Column::new("name", []), credits])
        );
    }
}
