//! Progress of the workers, redrawn in place on standard error; nothing is drawn into files and pipes.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

/// Some status lines at the end of the terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    is_enabled: bool,
    /// How many lines the terminal shows.
    drawn: usize,
}

impl Progress {
    pub(crate) fn on_stderr() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            is_enabled: io::stderr().is_terminal() && !is_dumb,
            drawn: 0,
        }
    }

    /// Replaces the status lines.
    pub(crate) fn draw(&mut self, lines: &[String]) {
        let mut text = self.erase();
        for line in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        }
        self.write(&text);
        self.drawn = lines.len();
    }

    /// Prints a line that stays, and removes the status lines until they are drawn again.
    pub(crate) fn print(&mut self, line: &str) {
        let text = format!("{}{line}\n", self.erase());
        self.write(&text);
    }

    /// Removes the status lines.
    pub(crate) fn clear(&mut self) {
        let text = self.erase();
        self.write(&text);
    }

    /// The escape sequence that moves up to the first status line and erases what follows.
    fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\r\x1b[J"),
        }
    }

    fn write(&self, text: &str) {
        if self.is_enabled {
            // A terminal that has gone away needs no progress.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }
}

impl Drop for Progress {
    /// An interrupted demo leaves no status lines on the terminal.
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_again_erases_the_lines_before() {
        let mut progress = Progress {
            is_enabled: false,
            drawn: 0,
        };
        assert_eq!(progress.erase(), "");
        progress.draw(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(progress.erase(), "\x1b[2A\r\x1b[J");
        assert_eq!(progress.erase(), "");
    }
}
