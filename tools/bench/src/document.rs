//! The page of the figures, whose sections are written by different runs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::error::Error;

const PAGE: &str = "docs/benchmarks.md";

/// The repository of this program.
///
/// Asked for at run time: a path compiled in would outlive a checkout that has moved.
pub(crate) fn root() -> PathBuf {
    let compiled = env!("CARGO_MANIFEST_DIR");
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| compiled.into());
    Path::new(&manifest).join("../..")
}

/// A folder for measurements, on the disk of the repository.
pub(crate) fn work_folder() -> Result<PathBuf, Error> {
    let folder = root().join("target").join("bench");
    fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    Ok(folder)
}

/// The machine and how busy it is, to be asked before a run.
pub(crate) fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().filter(|load| !load.is_empty());
    let (os, arch, load) = (
        env::consts::OS,
        env::consts::ARCH,
        load.unwrap_or("unknown"),
    );
    format!("{cores} cores, {os} on {arch}; load of the minute before the run: {load}")
}

/// Prints sections, and writes them into the page if the run was a full one.
pub(crate) fn publish(text: &str, is_full: bool) -> Result<(), Error> {
    println!("{text}");
    if !is_full {
        return Ok(());
    }
    let page = root().join(PAGE);
    let before = fs::read_to_string(&page).map_err(Error::file("read", &page))?;
    fs::write(&page, with_sections(&before, text)).map_err(Error::file("write", &page))
}

/// `page` with its sections of the same headings replaced by those of `text`; new ones come last.
fn with_sections(page: &str, text: &str) -> String {
    let (mut new, old) = (sections(text), sections(page));
    let mut all: Vec<&str> = Vec::new();
    for section in old {
        let same = new.iter().position(|new| heading(new) == heading(section));
        all.push(same.map_or(section, |place| new.remove(place)));
    }
    all.extend(new);
    let sections: Vec<&str> = all.into_iter().map(str::trim).collect();
    format!("{}\n", sections.join("\n\n"))
}

/// The text before the first heading of the second level, if there is any, and each section with its own.
fn sections(text: &str) -> Vec<&str> {
    let starts = text.match_indices("\n## ").map(|(place, _)| place + 1);
    let mut places = vec![0];
    places.extend(starts);
    places.push(text.len());
    let sections = places
        .windows(2)
        .filter_map(|place| text.get(place[0]..place[1]));
    sections
        .filter(|section| !section.trim().is_empty())
        .collect()
}

fn heading(section: &str) -> &str {
    section.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_other_runs_are_kept_in_their_places() {
        let page = "# Page\n\n## One\n\nold\n\n### Part\n\n## Two\n\nkept\n";
        let text = "\n## One\n\nnew\n\n## Three\n\nadded\n";
        assert_eq!(
            with_sections(page, text),
            "# Page\n\n## One\n\nnew\n\n## Two\n\nkept\n\n## Three\n\nadded\n"
        );
        assert_eq!(
            with_sections("# Page\n", "# Page\n\nnew\n"),
            "# Page\n\nnew\n"
        );
    }
}
