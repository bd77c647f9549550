//! Bodies: an issue in the API's envelope.

use std::fmt::Write as _;

use store_core::Random as _;
use store_core::backend::SeededRandom;

use super::prose::{name, prose};

/// Of a body, the percentage at which its prose ends; the rest are lists of what appears in the issue.
const PROSE_PERCENT: usize = 55;

/// The issue `id`, in about `len` bytes of JSON.
pub(super) fn issue(random: &SeededRandom, id: u64, len: usize) -> String {
    let mut body = String::with_capacity(len + 512);
    // Writing to a string does not fail.
    let _infallible = write!(
        body,
        "{{\"error\":\"OK\",\"limit\":1,\"offset\":0,\"number_of_page_results\":1,\
         \"number_of_total_results\":1,\"status_code\":1,\"results\":{{\"aliases\":null,\
         \"api_detail_url\":\"https:\\/\\/comicvine.example\\/api\\/issue\\/4000-{id}\\/\",\
         \"cover_date\":\"{}-{:02}-01\",\"date_last_updated\":\"2026-{:02}-{:02} {:02}:{:02}:{:02}\",\"id\":{id},",
        1960 + number(random, 66),
        1 + number(random, 12),
        1 + number(random, 12),
        1 + number(random, 28),
        number(random, 24),
        number(random, 60),
        number(random, 60),
    );
    if len > 1_500 {
        image(&mut body, random);
    }
    let _infallible = write!(
        body,
        "\"issue_number\":\"{}\",\"name\":\"{}\",\"volume\":",
        number(random, 300),
        name(random)
    );
    reference(&mut body, random, "volume", 4050);
    body.push_str(",\"description\":\"<p>");
    let end = body.len().max(len * PROSE_PERCENT / 100);
    description(&mut body, random, end);
    body.push_str("<\\/p>\"");
    let kinds = [
        ("character", 4005),
        ("person", 4040),
        ("team", 4060),
        ("location", 4020),
    ];
    let prose_end = body.len();
    let rest = len.saturating_sub(prose_end);
    for ((kind, code), part) in kinds.into_iter().zip(1..) {
        let _infallible = write!(body, ",\"{kind}_credits\":[");
        let end = prose_end + rest * part / kinds.len();
        let mut is_first = true;
        while body.len() + 150 < end {
            if !is_first {
                body.push(',');
            }
            is_first = false;
            reference(&mut body, random, kind, code);
        }
        body.push(']');
    }
    body.push_str("},\"version\":\"1.0\"}");
    body
}

fn image(body: &mut String, random: &SeededRandom) {
    const SIZES: [(&str, &str); 8] = [
        ("icon_url", "square_avatar"),
        ("medium_url", "scale_medium"),
        ("screen_url", "screen_medium"),
        ("small_url", "scale_small"),
        ("super_url", "scale_large"),
        ("thumb_url", "scale_avatar"),
        ("tiny_url", "square_mini"),
        ("original_url", "original"),
    ];
    let (folder, file) = (number(random, 140_000), number(random, 9_000_000));
    body.push_str("\"image\":{");
    for (key, size) in SIZES {
        let _infallible = write!(
            body,
            "\"{key}\":\"https:\\/\\/comicvine.example\\/a\\/uploads\\/{size}\\/11\\/{folder}\\/{file}-cover.jpg\","
        );
    }
    body.push_str("\"image_tags\":\"All Images\"},");
}

/// A member of a list: what the API says of another resource.
fn reference(body: &mut String, random: &SeededRandom, kind: &str, code: u64) {
    let (id, name) = (number(random, 160_000), name(random));
    let slug = name.to_ascii_lowercase().replace(' ', "-");
    let _infallible = write!(
        body,
        "{{\"api_detail_url\":\"https:\\/\\/comicvine.example\\/api\\/{kind}\\/{code}-{id}\\/\",\"id\":{id},\
         \"name\":\"{name}\",\"site_detail_url\":\"https:\\/\\/comicvine.example\\/{slug}\\/{code}-{id}\\/\"}}"
    );
}

/// Markup as the API's editors leave it.
fn description(body: &mut String, random: &SeededRandom, end: usize) {
    while body.len() < end {
        prose(body, random, end.min(body.len() + 160));
        match number(random, 4) {
            0 => body.push_str("<\\/p><p>"),
            1 if body.len() + 90 < end => {
                let (id, name) = (number(random, 100_000), name(random));
                let _infallible = write!(
                    body,
                    "<a href=\\\"\\/{}\\/4005-{id}\\/\\\" data-ref-id=\\\"4005-{id}\\\">{name}<\\/a> ",
                    name.to_ascii_lowercase().replace(' ', "-")
                );
            }
            _ => {}
        }
    }
}

fn number(random: &SeededRandom, below: u64) -> u64 {
    random.next_u64() % below
}
