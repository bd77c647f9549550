//! Invented concepts, locations and objects.

use super::draft::Draft;
use super::text;
use super::world::Topic;
use crate::resource::Kind;

/// All three have the same fields, but the API misspells one of the concepts'.
pub(crate) fn thing(draft: &mut Draft<'_>) {
    let mut dice = draft.dice(Topic::Facts);
    let year = 1938 + dice.below(80);
    let start_year = text::start_year(year, &mut dice);
    let count = if draft.kind == Kind::Concept {
        "count_of_isssue_appearances"
    } else {
        "count_of_issue_appearances"
    };
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .appearances(count)
        .first_issue()
        .put("start_year", &start_year)
        .credits("issue_credits");
    if draft.kind != Kind::Concept {
        draft.links("story_arc_credits", Kind::StoryArc, |_| Vec::new());
    }
    draft.movies();
}
