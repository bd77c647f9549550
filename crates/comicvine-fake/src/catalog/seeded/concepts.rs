//! Generated concepts, locations and objects.

use super::graph::RngStream;
use super::record_builder::RecordBuilder;
use super::text;
use crate::resource::Kind;

/// A concept, location or object: the same fields, one of which the API misspells for concepts.
pub(crate) fn concept(record: &mut RecordBuilder<'_>) {
    let mut rng = record.rng(RngStream::Facts);
    let year = 1938 + rng.below(80);
    let start_year = text::start_year(year, &mut rng);
    let count = if record.kind == Kind::Concept {
        "count_of_isssue_appearances"
    } else {
        "count_of_issue_appearances"
    };
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .appearances(count)
        .first_issue()
        .field("start_year", &start_year)
        .credits("issue_credits");
    if record.kind != Kind::Concept {
        record.detail_links("story_arc_credits", Kind::StoryArc, |_| Vec::new());
    }
    record.movies();
}
