//! What is said on stderr. Losing it is no error.

use std::io::{self, Write as _};

use super::{ColorChoice, Paint};
use crate::error::CliError;

/// Writes to stderr, from any thread.
#[derive(Debug, Clone)]
pub struct Remarks {
    quiet: bool,
    coloured: bool,
}

impl Remarks {
    /// Prepares stderr.
    pub fn stderr(quiet: bool, color: ColorChoice) -> Self {
        Self {
            quiet,
            coloured: color.applies_to(&io::stderr()),
        }
    }

    /// Reports whether remarks are left out.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Says something that is good to know.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            write(&format!("{text}\n"));
        }
    }

    /// Says what could be done; left out with the remarks.
    pub fn hint(&self, text: &str) {
        if !self.quiet {
            write(&format!("{} {text}\n", self.paint(Paint::Name, "hint:")));
        }
    }

    /// Says what is likely to be wrong.
    pub fn warning(&self, text: &str) {
        write(&format!(
            "{} {text}\n",
            self.paint(Paint::Warning, "warning:")
        ));
    }

    /// Says what could not be done, while the command goes on.
    pub fn failure(&self, text: &str) {
        write(&format!("{} {text}\n", self.paint(Paint::Bad, "error:")));
    }

    /// Asks a question; the answer is to be read from stdin.
    pub fn ask(question: &str) {
        write(question);
    }

    /// Says why the command ended early: message, causes, hints.
    pub fn error(&self, error: &CliError) {
        if !error.is_silent() {
            write(&self.lines(error));
        }
    }

    fn lines(&self, error: &CliError) -> String {
        let mut chain = error.chain();
        let first = chain.next().unwrap_or_default();
        let mut lines = vec![format!("{} {first}\n", self.paint(Paint::Bad, "error:"))];
        lines.extend(chain.map(|cause| format!("  caused by: {cause}\n")));
        let hint = self.paint(Paint::Name, "hint:");
        lines.extend(error.hints().iter().map(|text| format!("{hint} {text}\n")));
        lines.concat()
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        paint.dress(self.coloured, text)
    }
}

/// Writes in one piece, so that lines of several threads do not mix.
fn write(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
