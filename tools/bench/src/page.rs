//! An invented page of the API's volume list, in the proportions of real ones: 170 KB in 270 objects,
//! most of it prose, with ten escapes in every KB.

use serde::{Deserialize, Serialize};
use store_core::Random as _;
use store_core::backend::SeededRandom;

/// Results on the page, the last of its list.
const RESULTS: u32 = 53;

/// A list page with the API's envelope.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Page {
    error: String,
    limit: u32,
    offset: u32,
    number_of_page_results: u32,
    number_of_total_results: u32,
    status_code: i32,
    results: Vec<Volume>,
    version: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Volume {
    aliases: Option<String>,
    api_detail_url: String,
    count_of_issues: u32,
    date_added: String,
    date_last_updated: String,
    deck: Option<String>,
    description: Option<String>,
    first_issue: Issue,
    id: u64,
    image: Image,
    last_issue: Issue,
    name: String,
    publisher: Publisher,
    site_detail_url: String,
    start_year: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
struct Issue {
    api_detail_url: String,
    id: u64,
    name: Option<String>,
    issue_number: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Publisher {
    api_detail_url: String,
    id: u64,
    name: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
struct Image {
    icon_url: String,
    medium_url: String,
    screen_url: String,
    screen_large_url: String,
    small_url: String,
    super_url: String,
    thumb_url: String,
    tiny_url: String,
    original_url: String,
    image_tags: String,
}

/// The page, always the same.
pub(crate) fn page() -> Page {
    let random = SeededRandom::new(170);
    Page {
        error: "OK".to_owned(),
        limit: 100,
        offset: 200,
        number_of_page_results: RESULTS,
        number_of_total_results: 200 + RESULTS,
        status_code: 1,
        results: (0..RESULTS).map(|_| volume(&random)).collect(),
        version: "1.0".to_owned(),
    }
}

/// Invented prose of about `bytes` bytes.
pub(crate) fn prose(random: &SeededRandom, bytes: usize) -> String {
    const WORDS: [&str; 16] = [
        "the", "keeper", "of", "lanterns", "finds", "a", "door", "under", "Harbour", "Street",
        "and", "nobody", "believes", "her", "until", "midnight",
    ];
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        let [low, ..] = random.next_u64().to_le_bytes();
        text.push_str(WORDS[usize::from(low) % WORDS.len()]);
        text.push(' ');
    }
    text
}

fn volume(random: &SeededRandom) -> Volume {
    let id = number(random, 150_000);
    Volume {
        aliases: None,
        api_detail_url: url("api/volume/4050", id),
        count_of_issues: 25,
        date_added: "2012-10-11 03:04:05".to_owned(),
        date_last_updated: "2019-06-22 11:12:13".to_owned(),
        deck: None,
        description: Some(description(random)),
        first_issue: issue(random, "1"),
        id,
        image: image(id),
        last_issue: issue(random, "25"),
        name: prose(random, 16),
        publisher: Publisher {
            api_detail_url: url("api/publisher/4010", id % 500),
            id: id % 500,
            name: prose(random, 10),
        },
        site_detail_url: url("the-keeper/4050", id),
        start_year: "2012".to_owned(),
    }
}

fn issue(random: &SeededRandom, issue_number: &str) -> Issue {
    let id = number(random, 1_000_000);
    Issue {
        api_detail_url: url("api/issue/4000", id),
        id,
        name: Some(prose(random, 20)),
        issue_number: issue_number.to_owned(),
    }
}

fn image(id: u64) -> Image {
    let picture =
        |size: &str| format!("https://comicvine.example/a/uploads/{size}/6/67663/{id}-cover.jpg");
    Image {
        icon_url: picture("square_avatar"),
        medium_url: picture("scale_medium"),
        screen_url: picture("screen_medium"),
        screen_large_url: picture("screen_kubrick"),
        small_url: picture("scale_small"),
        super_url: picture("scale_large"),
        thumb_url: picture("scale_avatar"),
        tiny_url: picture("square_mini"),
        original_url: picture("original"),
        image_tags: "All Images".to_owned(),
    }
}

/// Markup as the API's editors leave it: every link costs quotes that JSON escapes.
fn description(random: &SeededRandom) -> String {
    let mut text = format!(
        "<p><em>{}</em> — the keeper’s tale</p><p>",
        prose(random, 60)
    );
    for _ in 0..8 {
        let (id, name) = (number(random, 100_000), prose(random, 12));
        let link = format!("<a href=\"/keeper/4005-{id}/\" data-ref-id=\"4005-{id}\">{name}</a> ");
        text.push_str(&link);
        text.push_str(&prose(random, 107));
    }
    text.push_str("</p>");
    text
}

fn number(random: &SeededRandom, below: u64) -> u64 {
    random.next_u64() % below
}

fn url(path: &str, id: u64) -> String {
    format!("https://comicvine.example/{path}-{id}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_proportions_of_real_ones_and_survives_both_codecs() {
        use store_core::{Bincode, Codec as _, Json};

        let page = page();
        let json = Json.encode(&page).unwrap();
        assert!((165_000..175_000).contains(&json.len()), "{}", json.len());
        let escapes = String::from_utf8_lossy(&json).matches('\\').count();
        assert_eq!(escapes * 1_024 / json.len(), 10);
        assert_eq!(Json.decode::<Page>(&json).unwrap(), page);
        let binary = Bincode.encode(&page).unwrap();
        assert_eq!(Bincode.decode::<Page>(&binary).unwrap(), page);
    }
}
