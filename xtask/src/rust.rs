//! Rust source, split into what is code and what is comment.
//!
//! Both views are as long as the source, with blanks where the other or a literal stood, so that a
//! search in a view never finds a word in a string, and an offset in a view is one in the source.

/// The two views of one file.
#[derive(Debug)]
pub(crate) struct Views {
    /// Code; the contents of string and character literals are blank.
    pub(crate) code: String,
    /// Comments, with their slashes.
    pub(crate) comments: String,
}

impl Views {
    pub(crate) fn of(source: &str) -> Self {
        let mut lexer = Lexer {
            source: source.as_bytes(),
            at: 0,
            code: blank(source),
            comments: blank(source),
        };
        lexer.run();
        Self {
            code: String::from_utf8_lossy(&lexer.code).into_owned(),
            comments: String::from_utf8_lossy(&lexer.comments).into_owned(),
        }
    }
}

fn blank(source: &str) -> Vec<u8> {
    source
        .bytes()
        .map(|byte| if byte == b'\n' { b'\n' } else { b' ' })
        .collect()
}

struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    code: Vec<u8>,
    comments: Vec<u8>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while self.at < self.source.len() {
            let start = self.at;
            if self.rest().starts_with(b"//") {
                self.at += self.until(|rest| rest.starts_with(b"\n"));
                self.keep_comment(start);
            } else if self.rest().starts_with(b"/*") {
                self.skip_block_comment();
                self.keep_comment(start);
            } else if let Some(hashes) = self.raw_string_opens() {
                self.skip_raw_string(hashes);
            } else if self.rest().starts_with(b"\"") {
                self.at += 1;
                self.skip_literal(b'"');
            } else if self.character_opens() {
                self.at += 1;
                self.skip_literal(b'\'');
            } else {
                self.at += 1;
                self.code[start] = self.source[start];
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.source[self.at..]
    }

    fn until(&self, found: impl Fn(&[u8]) -> bool) -> usize {
        let rest = self.rest();
        (0..rest.len())
            .find(|&offset| found(&rest[offset..]))
            .unwrap_or(rest.len())
    }

    fn keep_comment(&mut self, start: usize) {
        self.comments[start..self.at].copy_from_slice(&self.source[start..self.at]);
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.source.len() {
            if self.rest().starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
    }

    /// The number of hashes if a raw string opens here, and not an identifier that ends in `r`.
    fn raw_string_opens(&self) -> Option<usize> {
        let before = self.at.checked_sub(1).map(|at| self.source[at]);
        if before.is_some_and(|byte| is_word(byte) && byte != b'b' && byte != b'c') {
            return None;
        }
        let hashes_and_quote = self.rest().strip_prefix(b"r")?;
        let hashes = hashes_and_quote
            .iter()
            .take_while(|&&byte| byte == b'#')
            .count();
        (hashes_and_quote.get(hashes) == Some(&b'"')).then_some(hashes)
    }

    fn skip_raw_string(&mut self, hashes: usize) {
        let opening = 1 + hashes + 1;
        self.at += opening;
        let mut closing = vec![b'"'];
        closing.resize(1 + hashes, b'#');
        self.at += self.until(|rest| rest.starts_with(&closing));
        self.at = (self.at + closing.len()).min(self.source.len());
    }

    /// Skips to behind the closing quote, over escaped characters.
    fn skip_literal(&mut self, quote: u8) {
        while let Some(&byte) = self.source.get(self.at) {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == quote {
                break;
            }
        }
        self.at = self.at.min(self.source.len());
    }

    /// Whether the quote here opens a character rather than a lifetime.
    fn character_opens(&self) -> bool {
        let Some(inside) = self.rest().strip_prefix(b"'") else {
            return false;
        };
        let Some(&first) = inside.first() else {
            return false;
        };
        let width = match first {
            b'\\' => return true,
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        inside.get(width) == Some(&b'\'')
    }
}

/// Whether the byte can be part of an identifier.
pub(crate) fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// The offsets in `text` where `needle` stands, not as the tail of a longer word.
pub(crate) fn occurrences<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(needle)
        .map(|(offset, _)| offset)
        .filter(|&offset| {
            let before = offset.checked_sub(1).map(|at| text.as_bytes()[at]);
            !before.is_some_and(is_word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn splits(source: &str, code: &str, comments: &str) {
        let views = Views::of(source);
        assert_eq!(views.code, code, "code of {source}");
        assert_eq!(views.comments, comments, "comments of {source}");
    }

    #[test]
    fn a_line_comment_ends_with_its_line() {
        splits("a // b\nc", "a     \nc", "  // b\n ");
    }

    #[test]
    fn block_comments_nest() {
        splits("a/*/**/b*/c", "a         c", " /*/**/b*/ ");
    }

    #[test]
    fn a_string_hides_what_looks_like_a_comment() {
        splits(r#"f("// \" /*")g"#, r"f(          )g", "              ");
    }

    #[test]
    fn a_raw_string_ends_at_its_own_hashes() {
        splits(r##"r#"a"b"# c"##, "         c", "          ");
        splits(r#"for "a" b"#, "for     b", "         ");
    }

    #[test]
    fn a_quote_is_a_character_or_a_lifetime() {
        splits("'\"' &'a x '\\''", "    &'a x     ", "              ");
        splits("'é' y", "     y", "      ");
    }

    #[test]
    fn a_word_is_not_found_in_a_longer_one() {
        let found: Vec<usize> = occurrences("ab xab ab", "ab").collect();
        assert_eq!(found, [0, 7]);
    }
}
