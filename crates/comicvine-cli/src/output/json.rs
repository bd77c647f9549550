//! JSON on one line, with every value as it was written.

/// Removes the line breaks of a valid JSON text, with the indentation behind them, and nothing else: a text without
/// line breaks stays as it is, byte for byte. Strings have none, because JSON escapes them there.
pub(crate) fn on_one_line(json: &str) -> String {
    let mut lines = json.split(['\n', '\r']);
    let first = lines.next().unwrap_or_default();
    let rest = lines.map(|line| line.trim_start_matches([' ', '\t']));
    std::iter::once(first).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::on_one_line;

    #[test]
    fn only_line_breaks_and_indentation_are_removed() {
        let json = "{\n  \"a b\" : [ 1.50,\r\n\t1e3, \"x \\\" y\\n\" , \" \" ]\r\n}";
        assert_eq!(
            on_one_line(json),
            r#"{"a b" : [ 1.50,1e3, "x \" y\n" , " " ]}"#
        );
        let line = r#" { "a": [1,  2] }"#;
        assert_eq!(on_one_line(line), line);
    }
}
