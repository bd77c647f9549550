//! As much of Markdown as the checks need: lines, fenced blocks, inline code and links.

/// One line of a page.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// Counted from one.
    pub(crate) number: usize,
    pub(crate) text: &'a str,
    /// The language of the fenced block it stands in, where a backquote or a bracket means nothing;
    /// empty if the block states none.
    pub(crate) fence: Option<&'a str>,
}

/// The lines of a page, without the fences themselves.
pub(crate) fn lines(page: &str) -> impl Iterator<Item = Line<'_>> {
    let mut fence = None;
    (1..).zip(page.lines()).filter_map(move |(number, text)| {
        if let Some(language) = text.trim_start().strip_prefix("```") {
            fence = match fence {
                None => Some(language.trim()),
                Some(_) => None,
            };
            return None;
        }
        Some(Line {
            number,
            text,
            fence,
        })
    })
}

impl<'a> Line<'a> {
    /// The words in backquotes, without punctuation around them.
    pub(crate) fn code_words(&self) -> impl Iterator<Item = &'a str> {
        self.prose()
            .split('`')
            .skip(1)
            .step_by(2)
            .flat_map(str::split_whitespace)
            .map(|word| word.trim_matches(['"', '\'', ',', ';', '(', ')']))
    }

    /// The targets of links within the repository.
    pub(crate) fn links(&self) -> impl Iterator<Item = &'a str> {
        self.prose()
            .split("](")
            .skip(1)
            .filter_map(|after| after.split([')', ' ']).next())
            .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
    }

    fn prose(&self) -> &'a str {
        if self.fence.is_none() { self.text } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Line<'_> {
        lines(text).next().unwrap()
    }

    #[test]
    fn code_is_what_stands_between_backquotes() {
        let line = one("a `b c`, d `(e)` f");
        assert_eq!(line.code_words().collect::<Vec<_>>(), ["b", "c", "e"]);
    }

    #[test]
    fn links_to_other_sites_are_not_ours() {
        let line = one("[a](b.md) [c](https://d.example) ![e](f.png \"g\")");
        assert_eq!(line.links().collect::<Vec<_>>(), ["b.md", "f.png"]);
    }

    #[test]
    fn a_fenced_block_has_text_but_no_markup() {
        let page = "```sh\n`a` [b](c)\n```\n`d`\n";
        let found: Vec<_> = lines(page)
            .map(|line| (line.fence, line.text, line.code_words().count()))
            .collect();
        assert_eq!(found, [(Some("sh"), "`a` [b](c)", 0), (None, "`d`", 1)]);
    }
}
