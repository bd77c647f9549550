//! What the pages name must exist: paths, crates and the targets of links.

use crate::finding::Finding;
use crate::markdown::{self, Line};
use crate::tree::{Tree, has_extension};

/// Crates to come. Only the architecture page speaks of them, on a line that says "planned".
const PLANNED: [&str; 2] = ["http-cache-db", "http-cache-proxy"];
const ARCHITECTURE: &str = "docs/architecture.md";

/// Names that look like ours and belong to others.
const FOREIGN: [&str; 3] = ["comicvine-rs", "http-cache-semantics", "http-cache-store"];

/// The first words of our crates' names.
const FAMILIES: [&str; 4] = ["store", "sqlite", "comicvine", "http"];

/// Folders that a path in a page is expected to start with, even once the last file is gone.
const TOP_FOLDERS: [&str; 8] = [
    ".cargo", ".ci", ".config", ".github", "crates", "docs", "tools", "xtask",
];

/// Checks every page; `members` are the workspace's crates.
pub(crate) fn check(tree: &Tree, members: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| is_page(path)) {
        for line in markdown::lines(text) {
            let mut found = |message| findings.push(Finding::new(path, line.number, message));
            for word in line.code_words() {
                check_path(tree, word).into_iter().for_each(&mut found);
                check_crate(members, path, &line, word)
                    .into_iter()
                    .for_each(&mut found);
            }
            check_links(tree, path, &line)
                .into_iter()
                .for_each(&mut found);
        }
    }
    findings
}

fn is_page(path: &str) -> bool {
    let is_in_docs = path.starts_with("docs/") && has_extension(path, "md");
    is_in_docs || path == "README.md" || path == "CHANGELOG.md"
}

fn check_path(tree: &Tree, word: &str) -> Option<String> {
    let (top, below) = word.split_once('/')?;
    let is_ours = TOP_FOLDERS.contains(&top) || tree.exists(top);
    // A pattern or a placeholder names no single file.
    let is_plain = !word.contains(['*', '{', '<', '$', '…']);
    let path = word.split(['#', ':']).next().unwrap_or(word);
    let dangles = is_ours && is_plain && !below.is_empty() && !tree.exists(path);
    dangles.then(|| format!("`{path}` does not exist"))
}

fn check_crate(members: &[String], page: &str, line: &Line<'_>, word: &str) -> Option<String> {
    let (family, rest) = word.split_once('-')?;
    let looks_like_ours = FAMILIES.contains(&family)
        && !rest.is_empty()
        && rest
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_lowercase());
    let is_known = members.iter().any(|member| member == word) || FOREIGN.contains(&word);
    if !looks_like_ours || is_known {
        return None;
    }
    if !PLANNED.contains(&word) {
        return Some(format!("`{word}` is no crate of this workspace"));
    }
    let is_told = page == ARCHITECTURE && line.text.to_lowercase().contains("planned");
    (!is_told).then(|| {
        format!("`{word}` does not exist yet: only {ARCHITECTURE} names it, marked as planned")
    })
}

fn check_links(tree: &Tree, page: &str, line: &Line<'_>) -> Vec<String> {
    line.links()
        .filter_map(|target| {
            let file = target.split('#').next().filter(|file| !file.is_empty())?;
            let path = resolve(page, file);
            let exists = path.as_deref().is_some_and(|path| tree.exists(path));
            (!exists).then(|| format!("the link to {target} leads nowhere"))
        })
        .collect()
}

/// The path from the root that a relative link on `page` means; none if it leaves the repository.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests;
