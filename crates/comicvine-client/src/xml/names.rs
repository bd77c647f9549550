//! The names of elements.

use std::borrow::Cow;

use crate::kind::ResourceKind;

/// The name of a field as the name of an element: any other character than a letter, a digit, `_`, `-` and
/// `.` becomes `_`.
pub(super) fn element(field: &str) -> Cow<'_, str> {
    let is_inner = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let is_first = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    if field.starts_with(is_first) && field.chars().all(is_inner) {
        return Cow::Borrowed(field);
    }
    let valid = |letter| if is_inner(letter) { letter } else { '_' };
    let name: String = field.chars().map(valid).collect();
    Cow::Owned(if name.starts_with(is_first) {
        name
    } else {
        format!("_{name}")
    })
}

/// The name of the elements in a list: the kind in the name of its field, else its singular.
///
/// `issue` in `issues`, `issues_died_in` and `issue_credits`; `writer` in `writers`.
pub(super) fn item(field: &str) -> String {
    // Two names that the API spells in its own way.
    let field = match field {
        "isssues_disbanded_in" => "issues",
        "first_appearance_storyarcs" => "story_arcs",
        other => other,
    };
    let words = format!("_{field}_");
    let found = |name: &str| words.contains(&format!("_{name}_"));
    ResourceKind::ALL
        .into_iter()
        .filter(|kind| found(kind.detail_path()) || found(kind.list_path()))
        // `video_categories` has the name of a video in it, `story_arc_credits` that of no other kind.
        .max_by_key(|kind| kind.detail_path().len())
        .map(|kind| kind.detail_path().to_owned())
        .or_else(|| field.strip_suffix('s').map(str::to_owned))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "item".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_relations_name_the_kind_of_their_rows() {
        for (field, name) in [
            ("issues", "issue"),
            ("person_credits", "person"),
            ("people", "person"),
            ("story_arc_credits", "story_arc"),
            ("character_enemies", "character"),
            ("character_died_in", "character"),
            ("created_characters", "character"),
            ("issues_died_in", "issue"),
            ("disbanded_in_issues", "issue"),
            ("isssues_disbanded_in", "issue"),
            ("first_appearance_storyarcs", "story_arc"),
            ("team_disbanded_in", "team"),
            ("video_categories", "video_category"),
            ("episodes", "episode"),
            ("producers", "producer"),
            ("studios", "studio"),
        ] {
            assert_eq!(item(field), name, "{field}");
        }
    }

    #[test]
    fn list_without_a_plural_holds_items() {
        assert_eq!(item("s"), "item");
        assert_eq!(item("tags_by_hand"), "item");
    }

    #[test]
    fn any_field_has_a_valid_name() {
        for (field, name) in [
            ("date_added", "date_added"),
            ("", "_"),
            ("1st", "_1st"),
            ("a b:c<d", "a_b_c_d"),
            ("é", "_"),
            ("-x", "_-x"),
        ] {
            assert_eq!(element(field), name, "{field}");
        }
    }
}
