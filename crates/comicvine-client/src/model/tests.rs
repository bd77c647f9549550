//! The known oddities of the API's data.

use super::*;
use crate::id::Id;
use crate::kind::ResourceKind;
use crate::{
    CharacterRow, Issue, IssueId, IssueRow, MovieRow, PersonRow, Volume, VolumeId, VolumeRow,
};

fn parse<T: FromJson>(json: &str) -> Result<T, String> {
    T::from_json(&RawJson::parse(json).unwrap()).map_err(|error| error.to_string())
}

#[test]
fn issue_with_nothing_but_an_id_is_an_issue() {
    let issue: Issue = parse(r#"{"id":44}"#).unwrap();
    assert_eq!(issue.id, IssueId::new(44));
    assert_eq!((issue.name.as_str(), issue.issue_number.as_str()), ("", ""));
    assert!(issue.image.is_none() && issue.volume.is_none() && issue.person_credits.is_empty());
}

#[test]
fn absent_values_come_in_many_forms() {
    for absent in ["null", "false", "[]", "{}"] {
        let json = format!(
            r#"{{"id":1,"name":null,"aliases":{absent},"volume":{absent},"deck":null,
                "first_appearance_teams":{absent},"has_staff_review":{absent}}}"#
        );
        let issue: Issue = parse(&json).unwrap();
        assert_eq!(issue.name, "");
        assert!(issue.aliases.is_empty(), "{absent}");
        assert!(issue.volume.is_none(), "{absent}");
        assert!(issue.has_staff_review.is_none(), "{absent}");
        assert!(issue.first_appearance_teams.is_empty(), "{absent}");
    }
}

#[test]
fn numbers_may_be_strings_and_strings_numbers() {
    let volume: Volume = parse(
        r#"{"id":"766","start_year":1938,"count_of_issues":"28",
            "people":[{"id":"7","name":"A","count":"12"},{"id":8,"name":"B","count":3}]}"#,
    )
    .unwrap();
    assert_eq!(volume.id, VolumeId::new(766));
    assert_eq!(volume.start_year.as_ref().unwrap().text(), "1938");
    assert_eq!(volume.count_of_issues, Some(28));
    let counts: Vec<_> = volume.people.iter().map(|person| person.count).collect();
    assert_eq!(counts, [Some(12), Some(3)]);
}

#[test]
fn issue_numbers_are_strings() {
    for number in ["½", "1987-10", "1 [2]", "1234-1235"] {
        let issue: IssueRow = parse(&format!(r#"{{"id":1,"issue_number":"{number}"}}"#)).unwrap();
        assert_eq!(issue.issue_number, number);
    }
    let issue: IssueRow = parse(r#"{"id":1,"issue_number":7}"#).unwrap();
    assert_eq!(issue.issue_number, "7");
}

#[test]
fn aliases_are_split_at_any_line_ending() {
    let volume: VolumeRow = parse(r#"{"id":1,"aliases":"One\r\nTwo \nThree\n\r\n"}"#).unwrap();
    assert_eq!(volume.aliases, ["One", "Two", "Three"]);
}

#[test]
fn renamed_fields_are_parsed_under_all_names() {
    let issue: Issue = parse(
        r#"{"id":1,"characters_died_in":[{"id":2,"name":"Vision"}],
            "teams_disbanded_in":[{"id":3,"name":"A"}]}"#,
    )
    .unwrap();
    assert_eq!(issue.character_died_in[0].name, "Vision");
    assert_eq!(issue.team_disbanded_in[0].name, "A");

    let volume: Volume = parse(
        r#"{"id":1,"characters":[{"id":2}],"character_credits":[{"id":3}],"issue_credits":[{"id":4}]}"#,
    )
    .unwrap();
    assert_eq!(volume.characters[0].id, Id::new(2));
    assert_eq!(volume.issues[0].id, Id::new(4));
    assert!(volume.extra.contains_key("character_credits"));
}

#[test]
fn kind_of_a_reference_is_that_of_its_prefix() {
    let volume: Volume = parse(
        r#"{"id":1,"objects":[{"id":5151,"name":"Starr Flagg","count":"13",
            "api_detail_url":"https://comicvine.gamespot.com/api/object/4005-5151/"}]}"#,
    )
    .unwrap();
    assert_eq!(volume.objects[0].kind(), Some(ResourceKind::Character));
}

#[test]
fn roles_are_split() {
    let issue: Issue = parse(
        r#"{"id":1,"person_credits":[{"id":2,"name":"Al","role":"writer, editor,"},{"id":3}]}"#,
    )
    .unwrap();
    assert_eq!(
        issue.person_credits[0].roles().collect::<Vec<_>>(),
        ["writer", "editor"]
    );
    assert_eq!(issue.person_credits[1].roles().count(), 0);
}

#[test]
fn elements_without_an_id_are_left_out() {
    let issue: Issue =
        parse(r#"{"id":1,"team_credits":[[],null,{},{"id":9,"name":null}]}"#).unwrap();
    assert_eq!(issue.team_credits.len(), 1);
    assert_eq!(issue.team_credits[0].name, "");
}

#[test]
fn unknown_fields_survive_a_round_trip() {
    let issue: Issue = parse(r#"{"id":1,"shiny":{"new":[1,2]},"volume":{"id":2,"x":1}}"#).unwrap();
    assert_eq!(issue.extra["shiny"]["new"][1], 2);
    assert_eq!(issue.volume.as_ref().unwrap().extra["x"], 1);
    let written = serde_json::to_string(&issue).unwrap();
    assert_eq!(parse::<Issue>(&written).unwrap(), issue);
}

#[test]
fn missing_id_is_taken_from_the_url() {
    let issue: IssueRow =
        parse(r#"{"api_detail_url":"https://comicvine.gamespot.com/api/issue/4000-52/"}"#).unwrap();
    assert_eq!(issue.id, IssueId::new(52));
}

#[test]
fn resource_without_an_id_is_an_error_that_names_the_field() {
    assert!(
        parse::<Issue>(r#"{"name":"x"}"#)
            .unwrap_err()
            .contains("`id`")
    );
    assert!(parse::<Issue>("[]").unwrap_err().contains("not an object"));
}

#[test]
fn search_hits_know_their_kind_and_keep_their_row() {
    let json = r#"{"id":796,"name":"Batman","resource_type":"volume","start_year":"1940",
        "api_detail_url":"https://comicvine.gamespot.com/api/volume/4050-796/"}"#;
    let hit: SearchHit = parse(json).unwrap();
    assert_eq!(hit.kind, Some(ResourceKind::Volume));
    assert_eq!(hit.raw.get(), json);
    let volume: VolumeRow = hit.decode().unwrap();
    assert_eq!(volume.start_year.unwrap().text(), "1940");
    assert!(hit.decode::<IssueRow>().is_none());

    let hit: SearchHit = parse(r#"{"id":1,"name":"X","resource_type":"story_arc"}"#).unwrap();
    assert_eq!(hit.kind, Some(ResourceKind::StoryArc));
}

#[test]
fn values_of_another_type_are_kept_in_extra() {
    let row: VolumeRow = parse(
        r#"{"id":1,"name":["a"],"count_of_issues":"many","image":"blank.png","start_year":{"a":1}}"#,
    )
    .unwrap();
    assert_eq!((row.name.as_str(), row.count_of_issues), ("", None));
    let kept: Vec<_> = row.extra.keys().map(String::as_str).collect();
    assert_eq!(kept, ["count_of_issues", "image", "name", "start_year"]);
    let written = serde_json::to_string(&row).unwrap();
    assert_eq!(parse::<VolumeRow>(&written).unwrap(), row);
}

#[test]
fn ids_may_be_floats_and_text() {
    for id in ["52", "52.0", "\"52\"", "\"4000-52\"", "\" 52 \""] {
        let row: IssueRow = parse(&format!(r#"{{"id":{id}}}"#)).unwrap();
        assert_eq!(row.id, IssueId::new(52), "{id}");
        assert!(row.extra.is_empty(), "{id}");
    }
    for id in ["5.5", "-1", "\"x\"", "[1]"] {
        assert!(
            parse::<IssueRow>(&format!(r#"{{"id":{id}}}"#)).is_err(),
            "{id}"
        );
    }
}

#[test]
fn typed_values_have_their_text() {
    let row: CharacterRow =
        parse(r#"{"id":1,"birth":"Dec 4, 1920","gender":3,"date_added":"2008-06-06 11:10:20"}"#)
            .unwrap();
    let birth = row.birth.unwrap();
    assert_eq!(birth.value().unwrap().civil().year(), 1920);
    assert_eq!(birth.text(), "Dec 4, 1920");
    assert_eq!(row.gender, Some(Gender::Code(3)));
    assert_eq!(row.date_added.unwrap().value().unwrap().civil().hour(), 11);

    let person: PersonRow = parse(
        r#"{"id":1,"death":{"date":"2020-12-02 00:00:00.000000","timezone_type":3,"timezone":"UTC"}}"#,
    )
    .unwrap();
    assert_eq!(
        person.death.unwrap().value().unwrap().to_string(),
        "2020-12-02"
    );

    let movie: MovieRow = parse(r#"{"id":1,"runtime":"2:24:00","budget":"unknown"}"#).unwrap();
    assert_eq!(movie.runtime.unwrap().value().unwrap().to_string(), "144");
    assert_eq!(movie.budget.unwrap().text(), "unknown");
}
