//! An invented page of the API's issue list, as long as real ones are: about 170 KB.

use serde::{Deserialize, Serialize};
use store_core::{Random as _, SeededRandom};

/// Results on a full page.
const RESULTS: u32 = 100;

/// A list page with the API's envelope.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Page {
    error: String,
    limit: u32,
    offset: u32,
    number_of_page_results: u32,
    number_of_total_results: u32,
    status_code: i32,
    results: Vec<Issue>,
    version: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
struct Issue {
    aliases: Option<String>,
    api_detail_url: String,
    cover_date: Option<String>,
    date_added: String,
    date_last_updated: String,
    deck: Option<String>,
    description: Option<String>,
    has_staff_review: Option<String>,
    id: u64,
    image: Image,
    issue_number: Option<String>,
    name: Option<String>,
    site_detail_url: String,
    store_date: Option<String>,
    volume: Volume,
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

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Volume {
    api_detail_url: String,
    id: u64,
    name: String,
    site_detail_url: String,
}

/// The page, always the same.
pub(super) fn page() -> Page {
    let random = SeededRandom::new(170);
    Page {
        error: "OK".to_owned(),
        limit: RESULTS,
        offset: 0,
        number_of_page_results: RESULTS,
        number_of_total_results: 1_014_532,
        status_code: 1,
        results: (0..RESULTS).map(|_| issue(&random)).collect(),
        version: "1.0".to_owned(),
    }
}

/// Invented prose of about `bytes` bytes.
pub(super) fn prose(random: &SeededRandom, bytes: usize) -> String {
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

/// Markup as the API's editors leave it: every link costs quotes that JSON escapes.
fn markup(random: &SeededRandom) -> String {
    let mut text = format!("<p><em>{}</em> — the keeper’s tale</p>", prose(random, 40));
    for _ in 0..3 {
        let id = random.next_u64() % 100_000;
        let name = prose(random, 12);
        let link = format!("<a href=\"/keeper/4005-{id}/\" data-ref-id=\"4005-{id}\">{name}</a> ");
        text.push_str(&link);
    }
    text
}

fn issue(random: &SeededRandom) -> Issue {
    let id = random.next_u64() % 1_000_000;
    let volume = random.next_u64() % 150_000;
    let url = |path: &str| format!("https://comicvine.example/{path}/");
    let picture = |size: &str| {
        format!("https://comicvine.example/a/uploads/{size}/6/67663/{id}-{volume:06}.jpg")
    };
    Issue {
        aliases: None,
        api_detail_url: url(&format!("api/issue/4000-{id}")),
        cover_date: Some("2012-11-01".to_owned()),
        date_added: "2012-10-11 03:04:05".to_owned(),
        date_last_updated: "2019-06-22 11:12:13".to_owned(),
        deck: None,
        description: Some(markup(random)),
        has_staff_review: None,
        id,
        image: Image {
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
        },
        issue_number: Some((id % 90).to_string()),
        name: Some(prose(random, 20)),
        site_detail_url: url(&format!("the-keeper-{id}/4000-{id}")),
        store_date: Some("2012-09-05".to_owned()),
        volume: Volume {
            api_detail_url: url(&format!("api/volume/4050-{volume}")),
            id: volume,
            name: prose(random, 16),
            site_detail_url: url(&format!("the-keeper/4050-{volume}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_as_long_as_real_ones_and_survives_both_codecs() {
        use store_core::{Bincode, Codec as _, Json};

        let page = page();
        let json = Json.encode(&page).unwrap();
        assert!((160_000..180_000).contains(&json.len()), "{}", json.len());
        assert_eq!(Json.decode::<Page>(&json).unwrap(), page);
        let binary = Bincode.encode(&page).unwrap();
        assert_eq!(Bincode.decode::<Page>(&binary).unwrap(), page);
    }
}
