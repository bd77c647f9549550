//! JSON on one line, with every value as it was written.

/// Removes the white space between the tokens of a valid JSON text and nothing else, so that
/// numbers keep their digits and members their order.
pub(crate) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for character in json.chars() {
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if !character.is_ascii_whitespace() {
            out.push(character);
            in_string = character == '"';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn only_white_space_between_tokens_is_removed() {
        let json = "{\n  \"a b\" : [ 1.50, 1e3,\t\"x \\\" y\\\\\" , \" \" ]\r\n}";
        assert_eq!(compact(json), r#"{"a b":[1.50,1e3,"x \" y\\"," "]}"#);
    }
}
