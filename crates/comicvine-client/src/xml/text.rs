//! The text of elements.

/// Appends the text of the element `name`.
pub(super) fn push(xml: &mut String, name: &str, text: &str) {
    if is_number(text) || is_bare_date(name, text) {
        xml.push_str(text);
        return;
    }
    xml.push_str("<![CDATA[");
    let start = xml.len();
    // What is dropped may stand between two brackets, so this comes before the search for the end.
    xml.extend(text.chars().filter(|letter| is_allowed(*letter)));
    if xml[start..].contains("]]>") {
        let split = xml[start..].replace("]]>", "]]]]><![CDATA[>");
        xml.truncate(start);
        xml.push_str(&split);
    }
    xml.push_str("]]>");
}

/// Digits with at most one point between them. The API writes them bare, in text too: issue numbers, years.
fn is_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(fraction)
}

fn is_bare_date(name: &str, text: &str) -> bool {
    let is_date = |byte: u8| byte.is_ascii_digit() || b" -:".contains(&byte);
    matches!(name, "date_added" | "date_last_updated") && text.bytes().all(is_date)
}

/// Whether XML 1.0 allows the character.
fn is_allowed(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(name: &str, text: &str) -> String {
        let mut xml = String::new();
        push(&mut xml, name, text);
        xml
    }

    #[test]
    fn numbers_and_two_dates_are_bare() {
        assert_eq!(pushed("issue_number", "13"), "13");
        assert_eq!(pushed("version", "1.0"), "1.0");
        assert_eq!(
            pushed("date_added", "2008-06-06 11:10:16"),
            "2008-06-06 11:10:16"
        );
        assert_eq!(pushed("cover_date", "1952-10-01"), "<![CDATA[1952-10-01]]>");
        for text in ["", ".", "1.", "1.2.3", "1e5", "½"] {
            assert_eq!(pushed("issue_number", text), format!("<![CDATA[{text}]]>"));
        }
    }

    #[test]
    fn date_that_is_none_is_escaped() {
        assert_eq!(pushed("date_added", "<b>"), "<![CDATA[<b>]]>");
    }

    #[test]
    fn end_of_cdata_is_split() {
        let split = "<![CDATA[a]]]]><![CDATA[>b]]>";
        assert_eq!(pushed("name", "a]]>b"), split);
        assert_eq!(pushed("name", "a]\u{0}]\u{ffff}>b"), split);
    }

    #[test]
    fn what_xml_forbids_is_dropped() {
        assert_eq!(
            pushed("name", "\u{1}a\tb\u{b}\u{fffe}\u{10ffff}"),
            "<![CDATA[a\tb\u{10ffff}]]>"
        );
    }
}
