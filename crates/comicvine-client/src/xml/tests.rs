//! The output is read with a real parser, whatever the input.

use proptest::prelude::*;
use roxmltree::{Document, Node};

use super::*;

fn xml(results: &str, rows: Rows) -> String {
    let json = format!(r#"{{"error":"OK","status_code":1,"results":{results},"version":"1.0"}}"#);
    from_json(json.as_bytes(), rows).unwrap()
}

/// The XML of `results`, which has to be between these fields.
#[track_caller]
fn results(results: &str, rows: Rows) -> String {
    let xml = xml(results, rows);
    assert!(Document::parse(&xml).is_ok(), "{xml}");
    let (before, after) = (
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<response><error><![CDATA[OK]]></error>\
         <status_code>1</status_code>",
        "<version>1.0</version></response>",
    );
    let xml = xml.strip_prefix(before).unwrap();
    xml.strip_suffix(after).unwrap().to_owned()
}

const ISSUES: Rows = Rows::Of(ResourceKind::Issue);

#[test]
fn rows_are_named_after_their_kind_and_bare_rows_too() {
    for (kind, name) in [
        (ResourceKind::Person, "person"),
        (ResourceKind::Series, "series"),
        (ResourceKind::StoryArc, "story_arc"),
    ] {
        let expected = format!("<results><{name}><id>1</id></{name}><{name}/></results>");
        assert_eq!(results(r#"[{"id":1},[]]"#, Rows::Of(kind)), expected);
    }
    let types = results(r#"[{"id":4000}]"#, Rows::Types);
    assert_eq!(types, "<results><type><id>4000</id></type></results>");
}

#[test]
fn search_results_are_named_one_by_one() {
    let hits = r#"[{"id":1,"resource_type":"volume"},
        {"id":2,"api_detail_url":"https://h/api/writer/4040-2/"},{"id":3}]"#;
    assert_eq!(
        results(hits, Rows::Search),
        "<results><volume><id>1</id><resource_type><![CDATA[volume]]></resource_type></volume>\
         <person><id>2</id><api_detail_url><![CDATA[https://h/api/writer/4040-2/]]></api_detail_url>\
         </person><result><id>3</id></result></results>"
    );
}

#[test]
fn relations_of_a_detail_wrap_their_rows() {
    let detail = r#"{"issues":[{"id":7},{"id":8}],"person_credits":[{"id":9,"role":"writer"}],
        "volume":{"id":6,"name":null},"team_credits":[]}"#;
    assert_eq!(
        results(detail, ISSUES),
        "<results><issues><issue><id>7</id></issue><issue><id>8</id></issue></issues>\
         <person_credits><person><id>9</id><role><![CDATA[writer]]></role></person></person_credits>\
         <volume><id>6</id><name/></volume><team_credits/></results>"
    );
}

#[test]
fn order_duplicates_and_digits_are_kept() {
    let detail = r#"{"z":1.50,"a":12345678901234567890123,"z":false,"b":-1e-7}"#;
    assert_eq!(
        results(detail, ISSUES),
        "<results><z>1.50</z><a>12345678901234567890123</a><z>false</z><b>-1e-7</b></results>"
    );
}

#[test]
fn associated_images_hold_their_urls() {
    let detail = r#"{"associated_images":[{"original_url":"a&b","id":3,"caption":null},{"id":4},
        {"original_url":"c"}]}"#;
    assert_eq!(
        results(detail, ISSUES),
        "<results><associated_images><original_url><![CDATA[a&b]]></original_url>\
         <original_url><![CDATA[c]]></original_url></associated_images></results>"
    );
}

#[test]
fn error_has_no_rows() {
    let json = br#"{"error":"Object Not Found","limit":0,"status_code":101,"results":[]}"#;
    assert_eq!(
        from_json(json, ISSUES).unwrap(),
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<response>\
         <error><![CDATA[Object Not Found]]></error><limit>0</limit><status_code>101</status_code>\
         <results/></response>"
    );
}

#[test]
fn escapes_are_decoded_and_lone_surrogates_dropped() {
    let detail = r#"{"name":"\u00bd \ud83d\ude00 a\ud800b\u0000\"\\\/","\ud800k":1}"#;
    assert_eq!(
        results(detail, ISSUES),
        "<results><name><![CDATA[½ 😀 ab\"\\/]]></name><k>1</k></results>"
    );
}

#[test]
fn raw_control_characters_and_bytes_do_not_fail() {
    let json = b"\xef\xbb\xbf{\"a\n\":\"x\x01y\xffz\"}";
    assert_eq!(
        from_json(json, ISSUES).unwrap(),
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<response><a_>\
         <![CDATA[x y\u{fffd}z]]></a_></response>"
    );
}

#[test]
fn other_text_is_an_error() {
    for text in ["", "<html>", "{", "{\"a\":1,}", "[1"] {
        assert!(from_json(text.as_bytes(), ISSUES).is_err(), "{text}");
    }
}

#[test]
fn deep_nesting_ends_as_text() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let json = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        let xml = from_json(json.as_bytes(), ISSUES).unwrap();
        let deepest = Document::parse(&xml)
            .unwrap()
            .descendants()
            .map(|node| node.ancestors().count())
            .max();
        assert!(deepest < Some(MAX_DEPTH + 5), "{deepest:?}");
    }
}

/// JSON that is within the grammar but for control characters, which have to be tolerated.
fn json() -> impl Strategy<Value = String> {
    let text = r#"([^"\\]|[\x00-\x1f<>&\]]|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]|\]\]>){0,12}"#;
    let name = prop_oneof![
        3 => Just("results".to_owned()),
        1 => Just("associated_images".to_owned()),
        1 => Just("original_url".to_owned()),
        1 => Just("resource_type".to_owned()),
        1 => Just("issues".to_owned()),
        4 => text.prop_map(String::from),
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        text.prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(6, 64, 8, move |value| {
        let field = (name.clone(), value.clone());
        let field = field.prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            prop::collection::vec(value, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(field, 0..6)
                .prop_map(|fields| format!("{{{}}}", fields.join(","))),
        ]
    })
}

fn is_response(node: Node<'_, '_>) -> bool {
    node.has_tag_name("response")
}

proptest! {
    #[test]
    fn any_json_gives_well_formed_xml(json in json()) {
        for rows in [ISSUES, Rows::Search, Rows::Types] {
            let xml = from_json(json.as_bytes(), rows).unwrap();
            let document = Document::parse(&xml);
            prop_assert!(document.is_ok_and(|document| is_response(document.root_element())), "{}", xml);
        }
    }

    #[test]
    fn text_survives(text in any::<String>()) {
        let json = serde_json::json!({ "name": text }).to_string();
        let xml = from_json(json.as_bytes(), ISSUES).unwrap();
        let document = Document::parse(&xml).unwrap();
        let name = document.root_element().first_element_child().unwrap();
        let allowed: String = text
            .replace("\r\n", "\n")
            .chars()
            .filter(|letter| !matches!(letter, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}'))
            .filter(|letter| !matches!(letter, '\u{fffe}' | '\u{ffff}'))
            .map(|letter| if letter == '\r' { '\n' } else { letter })
            .collect();
        prop_assert_eq!(name.text().unwrap_or_default(), allowed);
    }

    #[test]
    fn any_bytes_are_xml_or_an_error(bytes in any::<Vec<u8>>()) {
        if let Ok(xml) = from_json(&bytes, ISSUES) {
            prop_assert!(Document::parse(&xml).is_ok(), "{}", xml);
        }
    }
}
