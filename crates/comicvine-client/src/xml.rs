//! The XML form of a response: what the API sends for `format=xml`, written from its JSON.
//!
//! - Fields keep their order, which programs rely on that read XML by position, and duplicate and unknown
//!   fields are kept.
//! - The rows of a list are elements named after their kind, and so are those of a relation:
//!   `<issues><issue>…</issue></issues>`, `<person_credits><person>…`.
//! - Text is CDATA; numbers, `date_added` and `date_last_updated` are bare. `null` and `[]` are empty
//!   elements.
//! - `associated_images` holds the `original_url` of each image and nothing else.
//! - What XML forbids is dropped from text: most control characters, lone surrogates.

mod json;
mod names;
mod text;

use serde_json::value::RawValue;

use self::json::Node;
use crate::id::parse_detail_url;
use crate::kind::ResourceKind;

/// How deep values nest before the rest of them is written as JSON text. The API's nest 4 deep.
const MAX_DEPTH: usize = 32;

const ASSOCIATED_IMAGES: &str = "associated_images";

/// The names of the elements in `results`, which a list does not tell itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rows {
    /// The list of a kind: each row is named after it, `<person>` in `people`.
    Of(ResourceKind),
    /// Search results: each row is named by its `resource_type`, else after the kind in its
    /// `api_detail_url`.
    Search,
    /// `types`: each row is a `<type>`.
    Types,
}

/// The XML form of the JSON body of a response, of an error too.
///
/// Control characters within JSON strings and bytes that are not UTF-8 do not fail.
///
/// ```
/// use comicvine_client::ResourceKind;
/// use comicvine_client::xml::{self, Rows};
///
/// let json = br#"{"error":"OK","status_code":1,"results":[{"id":44,"deck":null,"name":"A & B"}]}"#;
/// assert_eq!(
///     xml::from_json(json, Rows::Of(ResourceKind::Issue))?,
///     "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
///      <response><error><![CDATA[OK]]></error><status_code>1</status_code>\
///      <results><issue><id>44</id><deck/><name><![CDATA[A & B]]></name></issue></results></response>"
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// [`serde_json::Error`] if the body is not JSON.
pub fn from_json(body: &[u8], rows: Rows) -> Result<String, serde_json::Error> {
    json::read(body, |json| {
        // A third more than the JSON, because every name comes twice.
        let mut writer = Writer {
            xml: String::with_capacity(body.len() + body.len() / 3),
        };
        writer
            .xml
            .push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        writer.element("response", |writer| writer.response(json, rows))?;
        Ok(writer.xml)
    })
}

struct Writer {
    xml: String,
}

impl Writer {
    fn response(&mut self, json: &RawValue, rows: Rows) -> Result<(), serde_json::Error> {
        let Node::Fields(fields) = Node::of(json)? else {
            return self.value("response", json, 0);
        };
        for (name, json) in fields {
            self.element(&name, |writer| match name.as_str() {
                "results" => writer.results(json, rows),
                _ => writer.value(&name, json, 1),
            })?;
        }
        Ok(())
    }

    fn results(&mut self, json: &RawValue, rows: Rows) -> Result<(), serde_json::Error> {
        let Node::Items(items) = Node::of(json)? else {
            return self.value("results", json, 1);
        };
        for json in items {
            let name = match rows {
                Rows::Of(kind) => kind.detail_path().to_owned(),
                Rows::Search => hit_name(json)?,
                Rows::Types => "type".to_owned(),
            };
            self.element(&name, |writer| writer.value(&name, json, 2))?;
        }
        Ok(())
    }

    /// Writes an element; one without content is `<name/>`.
    fn element(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut Self) -> Result<(), serde_json::Error>,
    ) -> Result<(), serde_json::Error> {
        let name = names::element(name);
        let start = self.xml.len();
        self.xml.extend(["<", &name, ">"]);
        let inside = self.xml.len();
        content(self)?;
        if self.xml.len() == inside {
            self.xml.truncate(start);
            self.xml.extend(["<", &name, "/>"]);
        } else {
            self.xml.extend(["</", &name, ">"]);
        }
        Ok(())
    }

    /// Writes the content of the element `name`.
    fn value(
        &mut self,
        name: &str,
        json: &RawValue,
        depth: usize,
    ) -> Result<(), serde_json::Error> {
        match Node::of(json)? {
            Node::Null => {}
            Node::Bare(text) => self.xml.push_str(text),
            Node::Text(text) => text::push(&mut self.xml, name, &text),
            Node::Fields(_) | Node::Items(_) if depth >= MAX_DEPTH => {
                text::push(&mut self.xml, name, json.get());
            }
            Node::Fields(fields) => {
                for (name, json) in fields {
                    self.element(&name, |writer| writer.value(&name, json, depth + 1))?;
                }
            }
            Node::Items(items) if name == ASSOCIATED_IMAGES => {
                for json in items {
                    self.original_url(json, depth)?;
                }
            }
            Node::Items(items) => {
                let name = names::item(name);
                for json in items {
                    self.element(&name, |writer| writer.value(&name, json, depth + 1))?;
                }
            }
        }
        Ok(())
    }

    fn original_url(&mut self, image: &RawValue, depth: usize) -> Result<(), serde_json::Error> {
        let Node::Fields(fields) = Node::of(image)? else {
            return Ok(());
        };
        for (name, json) in fields {
            if name == "original_url" {
                self.element(&name, |writer| writer.value(&name, json, depth + 1))?;
            }
        }
        Ok(())
    }
}

/// The element name of a search result.
fn hit_name(json: &RawValue) -> Result<String, serde_json::Error> {
    const UNKNOWN: &str = "result";

    let Node::Fields(fields) = Node::of(json)? else {
        return Ok(UNKNOWN.to_owned());
    };
    let text = |wanted: &str| match fields.iter().find(|(name, _)| name == wanted) {
        Some((_, json)) => Node::of(json).map(Node::into_text),
        None => Ok(None),
    };
    if let Some(name) = text("resource_type")? {
        return Ok(name);
    }
    let kind = text("api_detail_url")?.and_then(|url| parse_detail_url(&url));
    Ok(kind
        .map_or(UNKNOWN, |(kind, _)| kind.detail_path())
        .to_owned())
}

#[cfg(test)]
mod tests;
